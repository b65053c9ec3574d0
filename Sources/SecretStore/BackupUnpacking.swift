import Glibc
import Linux

/// Writes what a backup holds into a new folder, through to the disk.
enum BackupUnpacking {
    /// - Parameters:
    ///   - source: a backup whose header has been read.
    ///   - folder: an empty one.
    /// - Throws: `damagedBackup` where the file is changed or cut short.
    static func unpack(
        _ source: consuming BackupSource, _ header: StoreHeader, dataKeys: borrowing DataKeys, into folder: borrowing Folder
    ) throws(StoreError) {
        var reader = try BackupReader.begin(source, header, dataKeys: dataKeys)
        guard let objects = try folder.subfolder(Folder.objectsName, creating: true) else { throw reader.damage }
        let written = WrittenFiles()
        var count: UInt64 = 0
        while true {
            guard let entry = BackupEntry(decoding: try reader.bytes(BackupEntry.encodedCount)) else { throw reader.damage }
            switch entry.kind {
            case .index: try copy(entry, from: &reader, to: Index.fileName, in: folder, written)
            case .log: try copy(entry, from: &reader, to: AuditLog.fileName(entry.identifier), in: folder, written)
            case .object: try copy(entry, from: &reader, to: entry.identifier.hexadecimal, in: objects, written)
            case .end:
                guard entry.size == count else { throw reader.damage }
                try reader.finish()
                written.add(try folder.create(StoreHeader.fileName, Array(header.text.utf8)), folder.path(of: StoreHeader.fileName))
                try written.synchronize(objects)
                try folder.synchronize()
                return
            }
            count += 1
        }
    }

    private static func copy(
        _ entry: BackupEntry, from reader: inout BackupReader, to name: String, in folder: borrowing Folder, _ written: WrittenFiles
    ) throws(StoreError) {
        let file = try folder.create(name, [])
        var rest = entry.size
        while rest > 0 {
            let part = try reader.some(atMost: Int(clamping: rest))
            do {
                try file.writeAll(Array(part))
            } catch {
                throw .system(doing: "write to the store", error.naming(folder.path(of: name)))
            }
            rest -= UInt64(part.count)
        }
        written.add(file, folder.path(of: name))
    }
}
