import CSodium
import Linux
import SecretMemory

/// Reads a `BackupStream`. Nothing of a chunk is handed out before its seal has been checked.
struct BackupReader: ~Copyable {
    private let source: BackupSource
    private let associatedData: [UInt8]
    private var state: BackupStreamState
    private var chunk: [UInt8] = []
    private var position = 0
    private var isLast = false

    private init(_ source: consuming BackupSource, _ header: StoreHeader, _ state: consuming BackupStreamState) {
        self.source = source
        self.state = state
        associatedData = BackupStream.associatedData(header.store)
    }

    /// - Parameters:
    ///   - source: a backup whose header has been read.
    ///   - dataKeys: what the header holds; the backup is sealed under one of them.
    /// - Throws: `damagedBackup` where neither opens it.
    static func begin(
        _ source: consuming BackupSource, _ header: StoreHeader, dataKeys: borrowing DataKeys
    ) throws(StoreError) -> BackupReader {
        let streamHeader = try source.streamHeader()
        let first = try source.sealedChunk()
        do {
            var reader = BackupReader(source, header, try BackupStreamState())
            if try reader.start(header, dataKeys.newest, streamHeader, first) { return reader }
            switch dataKeys.previous {
            case .some(let key): if try reader.start(header, key, streamHeader, first) { return reader }
            case nil: break
            }
            throw reader.source.damage
        } catch let error as SystemCallError {
            throw .system(doing: "read the backup", error)
        } catch {
            throw error as! StoreError
        }
    }

    /// Opens the first chunk; false where it isn't sealed under that key.
    private mutating func start(
        _ header: StoreHeader, _ dataKey: borrowing SecretBytes, _ streamHeader: [UInt8], _ first: [UInt8]
    ) throws(SystemCallError) -> Bool {
        let key = try BackupStream.key(dataKey, preamble: BackupStream.preamble(header))
        let isSound = state.with { state in
            key.withUnsafeBytes { key in
                crypto_secretstream_xchacha20poly1305_init_pull(
                    state, streamHeader, key.baseAddress!.assumingMemoryBound(to: UInt8.self)) == 0
            }
        }
        return isSound && open(first)
    }

    private mutating func open(_ sealed: [UInt8]) -> Bool {
        guard sealed.count >= BackupStream.overhead else { return false }
        chunk = [UInt8](repeating: 0, count: sealed.count - BackupStream.overhead)
        position = 0
        var tag: UInt8 = 0
        let isSound = state.with { state in
            crypto_secretstream_xchacha20poly1305_pull(
                state, &chunk, nil, &tag, sealed, UInt64(sealed.count), associatedData, UInt64(associatedData.count)) == 0
        }
        isLast = tag == BackupStream.finalTag
        return isSound
    }

    /// The next bytes, as many as are at hand, and one at least.
    ///
    /// - Throws: `damagedBackup` where the file is changed, or ends here.
    mutating func some(atMost limit: Int) throws(StoreError) -> ArraySlice<UInt8> {
        while position == chunk.count {
            guard !isLast else { throw source.damage }
            let sealed = try source.sealedChunk()
            guard open(sealed) else { throw source.damage }
        }
        let part = chunk[position..<min(chunk.count, position + limit)]
        position = part.endIndex
        return part
    }

    /// Exactly as many bytes.
    mutating func bytes(_ count: Int) throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += try some(atMost: count - bytes.count) }
        return bytes
    }

    /// Checks that nothing follows.
    mutating func finish() throws(StoreError) {
        guard isLast, position == chunk.count, try source.isAtEnd() else { throw source.damage }
    }

    var damage: StoreError { source.damage }
}
