import Linux
import SecretStore

/// The files that a service is to have beside those it has.
struct FileComparison {
    /// The complete list, by target.
    let files: [MountedFile]
    /// Removals before writes: a file may make place for a directory of the same name.
    let actions: [Action]
    /// What the service asked for where a new value replaces an old one.
    private(set) var reactions = SecretReactions()

    /// - Parameter isWritable: whether changed files are to be written now; otherwise they come with the instances
    ///   that the plan creates. Files vanish either way, or a mount that outlives its instances would hold them.
    init(
        service: String, wanted: [WantedFile], mounted: [MountedFile], versions: SecretVersions, isWritable: Bool
    ) {
        let pairs = wanted.compactMap { wanted in MountedFile(wanted, versions).map { (Bytewise($0.target), $0) } }
        let byTarget = Dictionary(pairs, uniquingKeysWith: { _, last in last })
        let files = byTarget.values.sorted { $0.target < $1.target }
        self.files = files
        // Most services have what they are to have.
        guard files != mounted.sorted(by: { $0.target < $1.target }) else {
            actions = []
            return
        }
        let current = Dictionary(mounted.map { (Bytewise($0.target), $0) }, uniquingKeysWith: { _, last in last })
        // A secret that is not in the store is refused elsewhere: its file must not look unwanted here.
        let wantedTargets = Set(wanted.map { Bytewise($0.target) })
        let removals = current.values.filter { !wantedTargets.contains(Bytewise($0.target)) }.sorted { $0.target < $1.target }
            .map { file in
                let hasMoved = files.contains { $0.isOfSameSource(as: file) && current[Bytewise($0.target)] == nil }
                let past = file.kind == .secret ? "no longer granted" : "no longer mounted"
                return Action(.removeFile(service: service, file: file), cause: hasMoved ? "target changed" : past)
            }
        let changed = isWritable ? files.filter { current[Bytewise($0.target)] != $0 } : []
        let writes = changed.map { file in
            let cause: String
            if let old = current[Bytewise(file.target)] {
                cause = file.change(from: old, versions)
            } else if mounted.contains(where: { $0.isOfSameSource(as: file) && !wantedTargets.contains(Bytewise($0.target)) }) {
                cause = "target changed"
            } else {
                cause = file.kind == .secret ? "newly granted" : "newly mounted"
            }
            return Action(.writeFile(service: service, file: file), cause: cause)
        }
        actions = removals + writes
        let wishes = Dictionary(wanted.map { (Bytewise($0.target), $0.onSecretChange) }, uniquingKeysWith: { _, last in last })
        for file in changed where file.kind == .secret {
            guard mounted.contains(where: { $0.isOfSameSource(as: file) && $0.holdsOtherVersion(than: file) }) else { continue }
            reactions.add(wishes[Bytewise(file.target)] ?? .none, to: file.name)
        }
    }
}

extension MountedFile {
    /// nil where the secret has no version.
    fileprivate init?(_ wanted: WantedFile, _ versions: SecretVersions) {
        let kind: Kind
        let name: String
        let version: String
        var identity: VersionIdentity?
        switch wanted.content {
        case .secret(let secret):
            guard let newest = versions.version(of: secret) else { return nil }
            (kind, name, version, identity) = (.secret, secret, String(newest.number), newest.identity)
        case .config(let config, let hash):
            (kind, name, version) = (.config, config, hash)
        }
        self.init(
            kind: kind, name: name, version: version, identity: identity, target: wanted.target, uid: wanted.uid, gid: wanted.gid,
            mode: wanted.mode)
    }

    /// Why `old`, at the same target, has to become this file.
    fileprivate func change(from old: MountedFile, _ versions: SecretVersions) -> String {
        guard isOfSameSource(as: old) else { return "in place of \(old.kind.rawValue) \(old.name)" }
        var causes: [String] = []
        if version != old.version || identity != old.identity {
            causes.append(
                kind == .secret ? versions.cause(of: name) ?? old.heldVersion(besides: self) : "its content changed")
        }
        let access = [("mode", mode != old.mode), ("uid", uid != old.uid), ("gid", gid != old.gid)]
            .filter(\.1).map(\.0)
        if !access.isEmpty { causes.append(access.joined(separator: ", ") + " changed") }
        return causes.joined(separator: "; ")
    }
}
