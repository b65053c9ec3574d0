import Linux
import SecretMemory

/// The log as a whole, for a rekey and a backup.
extension AuditLog {
    /// Copies every entry into an empty log, sealed under another key.
    ///
    /// - Parameters:
    ///   - known: the newest head that anyone has noted.
    ///   - start: the other log's head, with its file.
    /// - Returns: the other log's head after them. They are not yet on the disk.
    /// - Throws: `damaged` where there are fewer than that, or others.
    borrowing func copy(
        upTo known: LogHead, from dataKey: borrowing SecretBytes, to other: borrowing AuditLog, under otherKey: borrowing SecretBytes,
        at start: LogHead
    ) throws(StoreError) -> LogHead {
        guard try holds(known, dataKey: dataKey) else { throw .damaged(file: path, what: .broken) }
        let size = UInt64(try Folder.status(of: file, path).st_size)
        var head = start
        var copied: [UInt8] = []
        _ = try walk(from: LogHead(), upTo: size, dataKey: dataKey) { entry, plaintext, next in
            let sealed = plaintext.withUnsafeBytes { Sealing.seal($0, under: otherKey, as: .logEntry(entry.sequence, of: store)) }
            head.sequence = next.sequence
            head.hash = next.hash
            head.start = UInt64(copied.count)
            copied.append(littleEndian: UInt32(sealed.count))
            copied += sealed
            head.end = UInt64(copied.count)
        }
        guard head.sequence >= known.sequence else { throw .damaged(file: path, what: .broken) }
        do {
            try other.write(copied, at: 0)
        } catch {
            throw .system(doing: "write to the store's log", error)
        }
        return head
    }

    /// The file's bytes up to a head.
    ///
    /// - Throws: `damaged` where it ends before.
    borrowing func bytes(upTo head: LogHead) throws(StoreError) -> [UInt8] {
        guard UInt64(try Folder.status(of: file, path).st_size) >= head.end else { throw .damaged(file: path, what: .broken) }
        let bytes = try read(from: 0, count: Int(head.end))
        guard bytes.count == Int(head.end) else { throw .damaged(file: path, what: .broken) }
        return bytes
    }
}
