import Linux

/// A backup's file as it lies there, whatever it is: nothing that is read here has been checked.
struct BackupSource: ~Copyable {
    private let file: FileDescriptor
    /// For messages.
    let name: String

    /// - Parameter file: at its beginning; a pipe will do.
    init(_ file: consuming FileDescriptor, name: String) {
        self.file = file
        self.name = name
    }

    /// What is wrong where a backup isn't one.
    var damage: StoreError { .damagedBackup(file: name) }

    /// The store's header, which comes first.
    func header() throws(StoreError) -> StoreHeader {
        guard try bytes(BackupStream.magic.count) == BackupStream.magic else { throw damage }
        let text = try bytes(try count(limit: StoreHeader.sizeLimit))
        do {
            return try StoreHeader(parsing: text, file: name)
        } catch {
            if case .newerFormat = error { throw error }
            throw damage
        }
    }

    func streamHeader() throws(StoreError) -> [UInt8] { try bytes(BackupStream.headerCount) }

    func sealedChunk() throws(StoreError) -> [UInt8] {
        try bytes(try count(limit: BackupStream.chunkCount + BackupStream.overhead))
    }

    func isAtEnd() throws(StoreError) -> Bool { try read(atMost: 1).isEmpty }

    private func count(limit: Int) throws(StoreError) -> Int {
        let count: UInt32? = try bytes(4).withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return reader.integer()
        }
        guard let count, Int(count) <= limit else { throw damage }
        return Int(count)
    }

    private func bytes(_ count: Int) throws(StoreError) -> [UInt8] {
        let bytes = try read(atMost: count)
        guard bytes.count == count else { throw damage }
        return bytes
    }

    private func read(atMost count: Int) throws(StoreError) -> [UInt8] {
        do {
            return try file.read(atMost: count)
        } catch {
            throw .system(doing: "read the backup", error.naming(name))
        }
    }
}
