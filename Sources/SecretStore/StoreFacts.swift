import Glibc
import Linux

/// What can be told of a store without opening it.
public struct StoreOutline: Sendable, Equatable {
    /// The format of its header: 1 or 2.
    public let format: Int
    /// 32 digits of hexadecimal.
    public let id: String
    public let slots: [KeySlotDescription]
    /// All its files together, in bytes.
    public let size: Int64
    /// Whether the kernel's keyring has what opens it.
    public let isUnlocked: Bool
}

/// What an open store holds.
public struct StoreFacts: Sendable, Equatable {
    /// Counts the commits.
    public let generation: UInt64
    public let secrets: Int
    public let versions: Int
    /// All values together, in bytes.
    public let valueSize: Int64
    public let stacks: Int
    /// The number of the audit log's last entry.
    public let logEntries: UInt64
    /// The hash of the audit log's last entry, 64 digits of hexadecimal.
    public let logHash: String
}

extension SecretStore {
    /// Looks at a store without opening it.
    ///
    /// - Returns: nil where there is none.
    public static func outline(_ location: StoreLocation) throws(StoreError) -> StoreOutline? {
        guard let folder = try Folder.open(location.directory), let header = try StoreHeader.read(in: folder) else { return nil }
        var size = try folder.size()
        if let objects = try folder.subfolder(Folder.objectsName) { size += try objects.size() }
        return StoreOutline(
            format: header.format.rawValue, id: header.store.hexadecimal, slots: descriptions(of: header, location), size: size,
            isUnlocked: try UnlockedKey.read(of: header.store) != nil)
    }

    /// The store's key slots.
    public func slots() -> [KeySlotDescription] { Self.descriptions(of: header, location) }

    private static func descriptions(of header: StoreHeader, _ location: StoreLocation) -> [KeySlotDescription] {
        switch header.content {
        case .one(let slots): slots.map { KeySlotDescription($0, location) }
        case .two(let slots, _, _): slots.map { KeySlotDescription($0, location) }
        }
    }

    /// What the store holds now.
    public func facts() throws(StoreError) -> StoreFacts {
        let secrets = try snapshot().secrets()
        let versions = secrets.flatMap(\.versions)
        let (index, head) = (try currentIndex(), try newestHead())
        return StoreFacts(
            generation: index.generation, secrets: secrets.count, versions: versions.count,
            valueSize: versions.reduce(0) { $0 + Int64($1.size) }, stacks: index.stackCount, logEntries: head.sequence,
            logHash: hexadecimal(head.hash))
    }
}

extension Folder {
    /// The bytes of all the regular files in it.
    fileprivate func size() throws(StoreError) -> Int64 {
        var size: Int64 = 0
        for name in try names() {
            var status = stat()
            // One that is gone since counts nothing.
            guard fstatat(descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            size += Int64(status.st_size)
        }
        return size
    }
}
