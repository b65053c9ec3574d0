import CLinux
import Glibc
import Linux
import Reconciler

/// The tmpfs of one service: its secrets and configs, and nothing else of it anywhere.
///
/// ```
/// secrets/    what its instances have at /run/secrets
/// targets/    a file for each target elsewhere, mounted on that target by itself
/// incoming/   files that are being written
/// ```
/// The supervisor keeps a detached mount of it that can be written to. Instances get copies of that mount that
/// cannot; it is nowhere in a mount tree that a process could walk, neither the host's nor the supervisor's.
public final class ServiceMount {
    public let service: String
    /// What it holds now.
    public private(set) var files: [MountedFile]
    /// An existing directory that mounts are attached to for a moment.
    private let stagingDirectory: String
    /// Detached, writable. Replaced whenever copies are made of it.
    private var kept: FileDescriptor
    private var capacity = ServiceMount.smallest
    private var nextNumber = 0

    /// In bytes.
    private static let smallest = 256 * 1024

    /// An empty one.
    ///
    /// - Parameter stagingDirectory: an existing directory, in a mount namespace that is the caller's own.
    public init(service: String, stagingDirectory: String) throws(LaunchError) {
        self.service = service
        self.stagingDirectory = stagingDirectory
        files = []
        // In a user namespace, and before Linux 6.4, noswap is refused (tmpfs(5)).
        let size = String(Self.smallest)
        var mount = clinux_tmpfs(size, 1)
        if mount < 0 { mount = clinux_tmpfs(size, 0) }
        guard mount >= 0 else { throw LaunchError("mount(tmpfs for service '\(service)')", SystemCallError("fsmount")) }
        kept = FileDescriptor(owning: mount)
        for (name, mode) in [("secrets", mode_t(0o755)), ("targets", 0o700), ("incoming", 0o700)] {
            guard mkdirat(mount, name, mode) == 0, fchmodat(mount, name, mode, 0) == 0 else {
                throw LaunchError("mkdir(\(name) for service '\(service)')", SystemCallError("mkdirat"))
            }
        }
    }

    private init(service: String, files: [MountedFile], kept: consuming FileDescriptor, stagingDirectory: String) {
        self.service = service
        self.files = files
        self.stagingDirectory = stagingDirectory
        self.kept = kept
        // Nothing is known of its size: the next write sets it.
        capacity = 0
    }

    /// Takes over what a supervisor that has died left with an instance.
    ///
    /// - Parameters:
    ///   - files: what it holds, as that supervisor recorded it.
    ///   - keeper: the descriptor that came with ``InstanceMounts/keeper``.
    static func adopt(
        service: String, files: [MountedFile], keeper: consuming FileDescriptor, stagingDirectory: String
    ) throws(LaunchError) -> ServiceMount {
        ServiceMount(service: service, files: files, kept: keeper, stagingDirectory: stagingDirectory)
    }

    // MARK: Copies for an instance

    /// What a new instance is given.
    func descriptorsForInstance() throws(LaunchError) -> InstanceMounts {
        try staged { (directory) throws(SystemCallError) in
            let secrets = try Self.clone(directory, "secrets")
            try Self.restrict(secrets, CLINUX_MOUNT_RDONLY)
            var targets: [InstanceMounts.Target] = []
            for file in files {
                guard let name = Self.targetName(file.target), let entry = try Self.entry(name, in: directory) else { continue }
                let mount = try Self.clone(directory, "targets/" + entry)
                try Self.restrict(mount, CLINUX_MOUNT_RDONLY, isExecutable: file.kind == .config)
                targets.append(InstanceMounts.Target(path: file.target, mount: mount.release()))
            }
            return InstanceMounts(secrets: secrets, keeper: try Self.clone(directory, ""), targets: targets)
        }
    }

    /// Lends the tmpfs attached: before Linux 6.15 a detached mount cannot be copied. Afterwards it is detached
    /// again, so that no instance is ever born with another service's files in its mount tree.
    private func staged<Result: ~Copyable>(
        _ body: (Int32) throws(SystemCallError) -> Result
    ) throws(LaunchError) -> Result {
        do throws(SystemCallError) {
            let place = try FileDescriptor.open(stagingDirectory, O_PATH | O_DIRECTORY | O_NOFOLLOW)
            let number = kept.number
            try retryingInterrupts("move_mount", on: stagingDirectory) { clinux_tree_attach(number, place.number, 0) }
            defer { _ = clinux_detach(stagingDirectory) }
            // Taken off the tree, a mount cannot be attached again: its copy is kept.
            let attached = try kept.duplicate()
            kept = try Self.clone(attached.number, "")
            return try body(attached.number)
        } catch {
            throw LaunchError("mount(files of service '\(service)')", error)
        }
    }

    private static func clone(_ directory: Int32, _ path: String) throws(SystemCallError) -> FileDescriptor {
        FileDescriptor(owning: try retryingInterrupts("open_tree", on: path) { clinux_tree_clone(directory, path) })
    }

    private static func restrict(
        _ mount: borrowing FileDescriptor, _ attributes: Int, isExecutable: Bool = false
    ) throws(SystemCallError) {
        let number = mount.number
        try retryingInterrupts("mount_setattr") {
            clinux_tree_change(number, UInt64(attributes), isExecutable ? UInt64(CLINUX_MOUNT_NOEXEC) : 0)
        }
    }

    // MARK: Files

    /// Adds a file or replaces it: a reader sees the old one or the new one, never a mix or a gap.
    ///
    /// - Parameters:
    ///   - bytes: all of its content.
    ///   - pids: pid 1 of each running instance; a target outside `/run/secrets` has to be mounted in each.
    public func write(
        _ file: MountedFile, bytes: UnsafeRawBufferPointer, inInstances pids: [Int32]
    ) throws(LaunchError) {
        do throws(SystemCallError) {
            try reserve(bytes.count)
            nextNumber += 1
            let incoming = "incoming/\(nextNumber)"
            let written = try FileDescriptor.open(
                incoming, in: kept.number, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0)
            try written.writeAll(bytes)
            let number = written.number
            try retryingInterrupts("fchown", on: file.target) { fchown(number, file.uid, file.gid) }
            try retryingInterrupts("fchmod", on: file.target) { fchmod(number, file.mode) }
            if let name = Self.secretName(file.target) {
                try makeFolders(of: name)
                try rename(incoming, to: "secrets/" + name)
            } else {
                try replaceTarget(file, incoming: incoming, inInstances: pids)
            }
        } catch {
            throw LaunchError("write(\(file.target) of service '\(service)')", error)
        }
        files.removeAll { $0.target == file.target }
        files.append(file)
    }

    /// Takes a file away.
    public func remove(_ file: MountedFile, inInstances pids: [Int32]) throws(LaunchError) {
        if let name = Self.secretName(file.target) {
            if unlinkat(kept.number, "secrets/" + name, 0) != 0, errno != ENOENT {
                throw LaunchError("unlink(\(file.target) of service '\(service)')", SystemCallError("unlinkat"))
            }
            removeEmptyFolders(of: name)
        } else {
            do throws(SystemCallError) {
                let device = try kept.status().st_dev
                for pid in pids { try InstanceNamespace(pid).uncover(file.target, device: device) }
                if let entry = try Self.targetName(file.target).flatMap({ (name) throws(SystemCallError) in try Self.entry(name, in: kept.number) }) {
                    unlinkat(kept.number, "targets/" + entry, 0)
                }
            } catch {
                throw LaunchError("remove(\(file.target) of service '\(service)')", error)
            }
        }
        files.removeAll { $0.target == file.target }
    }

    /// Covers paths in an instance again that it must not see into: replacing a file on the host lifts a cover.
    public func remask(paths: [String], inInstance pid: Int32) throws(LaunchError) {
        do throws(SystemCallError) {
            try InstanceNamespace(pid).mask(paths)
        } catch {
            throw LaunchError("mask(in service '\(service)')", error)
        }
    }

    private func replaceTarget(_ file: MountedFile, incoming: String, inInstances pids: [Int32]) throws(SystemCallError) {
        let name = Self.targetName(file.target) ?? ""
        let previous = try Self.entry(name, in: kept.number)
        let next = "\(name).\(nextNumber)"
        try rename(incoming, to: "targets/" + next)
        if !pids.isEmpty {
            let device = try kept.status().st_dev
            for pid in pids {
                let mount = try copy(ofTarget: next, isExecutable: file.kind == .config)
                try InstanceNamespace(pid).replace(file.target, with: mount, device: device)
            }
        }
        if let previous, previous != next { unlinkat(kept.number, "targets/" + previous, 0) }
    }

    private func copy(ofTarget entry: String, isExecutable: Bool) throws(SystemCallError) -> FileDescriptor {
        do {
            return try staged { (directory) throws(SystemCallError) in
                let mount = try Self.clone(directory, "targets/" + entry)
                try Self.restrict(mount, CLINUX_MOUNT_RDONLY, isExecutable: isExecutable)
                return mount
            }
        } catch {
            throw SystemCallError("open_tree", entry)
        }
    }

    private func rename(_ old: String, to new: String) throws(SystemCallError) {
        let number = kept.number
        try retryingInterrupts("rename", on: new) { renameat(number, old, number, new) }
    }

    /// Room for the old files, the new one, and what it replaces.
    private func reserve(_ count: Int) throws(SystemCallError) {
        var used = 0
        for file in files { used += (try? size(of: file)) ?? 0 }
        let wanted = max(Self.smallest, 2 * (used + count + 16384))
        guard wanted > capacity else { return }
        let number = kept.number
        try retryingInterrupts("fsconfig", on: "size of the tmpfs") { clinux_tmpfs_resize(number, String(wanted)) }
        capacity = wanted
    }

    private func size(of file: MountedFile) throws(SystemCallError) -> Int {
        let path: String
        if let name = Self.secretName(file.target) {
            path = "secrets/" + name
        } else {
            path = "targets/" + (try Self.entry(Self.targetName(file.target) ?? "", in: kept.number) ?? "")
        }
        return try FileDescriptor.open(path, in: kept.number, O_PATH | O_NOFOLLOW).status().st_size + 4096
    }

    // MARK: Names

    /// The name below `secrets/` of a target in `/run/secrets`; nil for a target elsewhere.
    private static func secretName(_ target: String) -> String? {
        target.hasPrefix("/run/secrets/") ? String(target.dropFirst("/run/secrets/".count)) : nil
    }

    /// The beginning of the name below `targets/` of a target elsewhere: a hash (FNV-1a) of its path, since a
    /// path is no file name. What follows is a number that a replacement changes.
    private static func targetName(_ target: String) -> String? {
        guard secretName(target) == nil else { return nil }
        let hash = target.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        return String(hash, radix: 16)
    }

    private static func entry(_ name: String, in directory: Int32) throws(SystemCallError) -> String? {
        let folder = try FileDescriptor.open("targets", in: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        return DirectoryListing.names(in: folder.number).first { $0.hasPrefix(name + ".") }
    }

    private func makeFolders(of name: String) throws(SystemCallError) {
        var path = "secrets"
        for part in name.split(separator: "/").dropLast() {
            path += "/" + part
            if mkdirat(kept.number, path, 0o755) != 0 {
                if errno != EEXIST { throw SystemCallError("mkdirat", path) }
            } else if fchmodat(kept.number, path, 0o755, 0) != 0 {
                throw SystemCallError("fchmodat", path)
            }
        }
    }

    private func removeEmptyFolders(of name: String) {
        var parts = name.split(separator: "/").dropLast()
        while !parts.isEmpty, unlinkat(kept.number, "secrets/" + parts.joined(separator: "/"), AT_REMOVEDIR) == 0 {
            parts = parts.dropLast()
        }
    }
}

/// Mounts for one instance, detached: whoever attaches them decides where they are seen.
struct InstanceMounts: ~Copyable {
    struct Target {
        let path: String
        let mount: Int32
    }

    /// Read-only, for `/run/secrets`.
    let secrets: FileDescriptor
    /// All of the tmpfs, writable: stays with the instance's pid 1 for the next supervisor.
    let keeper: FileDescriptor
    /// Read-only, one for each target elsewhere.
    private let targets: [Target]

    init(secrets: consuming FileDescriptor, keeper: consuming FileDescriptor, targets: [Target]) {
        self.secrets = secrets
        self.keeper = keeper
        self.targets = targets
    }

    var targetPaths: [String] { targets.map(\.path) }
    var targetNumbers: [Int32] { targets.map(\.mount) }

    deinit {
        for target in targets { close(target.mount) }
    }
}
