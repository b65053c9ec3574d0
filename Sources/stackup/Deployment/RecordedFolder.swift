import JSON
import Linux
import Runner
import SecretStore

/// A folder of the host that a service or a one-off may write to, and so lay symbolic links in.
struct RecordedFolder: Equatable {
    /// Real.
    @Bytewise var path: String
    /// Whose it is, for people.
    var service: String
    /// As whom it writes.
    var uid: UInt32
}

extension LaunchPlan {
    /// Those that its mounts give it.
    var writableFolders: [RecordedFolder] {
        mounts.compactMap { mount in
            guard case .bind(let source, _, readOnly: false) = mount else { return nil }
            return RecordedFolder(path: source, service: oneOff?.service ?? service, uid: user.uid)
        }
    }
}

extension StackRecord {
    /// Those of its services, and of the one-offs that it had.
    var writableFolders: [RecordedFolder] { services.keys.sorted().flatMap { services[$0]?.plan.writableFolders ?? [] } + oneOffFolders }

    /// Those of a stack on record; none where another version of stackup has recorded it.
    ///
    /// - Throws: where its record is damaged.
    static func writableFolders(of stack: String, in store: SecretStore?) throws(StoreError) -> [RecordedFolder] {
        try store?.stackRecord(stack).flatMap { StackRecord(decoding: $0) }?.writableFolders ?? []
    }

    /// Keeps in mind what a one-off can write to and no service on record does: what it lays there stays when it is gone.
    mutating func remember(folders new: [RecordedFolder]) {
        for folder in new where !writableFolders.contains(where: { $0.path == folder.path && $0.uid == folder.uid }) { oneOffFolders.append(folder) }
        if oneOffFolders.count > Self.keptFolders { oneOffFolders.removeFirst(oneOffFolders.count - Self.keptFolders) }
    }

    /// Whoever names a new folder each time must not make the record longer for ever.
    private static let keptFolders = 1000
}

extension RecordedFolder: JSONConvertible {
    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(path: try members.read("path"), service: try members.read("service"), uid: try members.read("uid"))
    }

    var json: JSONValue {
        .members {
            $0.put("path", path)
            $0.put("service", service)
            $0.put("uid", uid)
        }
    }
}
