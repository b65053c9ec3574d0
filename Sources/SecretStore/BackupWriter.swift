import CSodium
import Linux
import SecretMemory

/// Writes a `BackupStream`.
struct BackupWriter: ~Copyable {
    private let output: FileDescriptor
    private let associatedData: [UInt8]
    private var state: BackupStreamState
    private var chunk: [UInt8] = []

    private init(_ output: consuming FileDescriptor, _ header: StoreHeader, _ state: consuming BackupStreamState) {
        self.output = output
        self.state = state
        associatedData = BackupStream.associatedData(header.store)
        chunk.reserveCapacity(BackupStream.chunkCount)
    }

    /// Writes what stands before the first chunk.
    static func begin(
        _ output: consuming FileDescriptor, _ header: StoreHeader, dataKey: borrowing SecretBytes
    ) throws(SystemCallError) -> BackupWriter {
        let preamble = BackupStream.preamble(header)
        let key = try BackupStream.key(dataKey, preamble: preamble)
        var state = try BackupStreamState()
        var streamHeader = [UInt8](repeating: 0, count: BackupStream.headerCount)
        state.with { state in
            key.withUnsafeBytes { key in
                _ = crypto_secretstream_xchacha20poly1305_init_push(
                    state, &streamHeader, key.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
        try output.writeAll(preamble + streamHeader)
        return BackupWriter(output, header, state)
    }

    mutating func write(_ bytes: [UInt8]) throws(SystemCallError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if chunk.count == BackupStream.chunkCount { try flush(tag: 0) }
            let part = rest.prefix(BackupStream.chunkCount - chunk.count)
            chunk += part
            rest = rest.dropFirst(part.count)
        }
    }

    /// Writes the last chunk.
    ///
    /// - Returns: the file, which is not yet on the disk.
    consuming func finish() throws(SystemCallError) -> FileDescriptor {
        try flush(tag: BackupStream.finalTag)
        return output
    }

    private mutating func flush(tag: UInt8) throws(SystemCallError) {
        var sealed = [UInt8](repeating: 0, count: chunk.count + BackupStream.overhead)
        state.with { state in
            _ = crypto_secretstream_xchacha20poly1305_push(
                state, &sealed, nil, chunk, UInt64(chunk.count), associatedData, UInt64(associatedData.count), tag)
        }
        var frame: [UInt8] = []
        frame.append(littleEndian: UInt32(sealed.count))
        try output.writeAll(frame + sealed)
        chunk.removeAll(keepingCapacity: true)
    }
}
