import CLinux
import Glibc
import Linux
import Reconciler

/// The tmpfs of one service: its secrets and configs (see ``ServiceMountLayout``), and nothing else of it anywhere.
///
/// It is attached in a mount namespace of its own alone, not in a mount tree that a process could walk, neither the
/// host's nor the supervisor's. Instances get copies of parts of it that can be read only.
///
/// To be used from a process with one thread: work is done in other mount namespaces in between.
public final class ServiceMount {
    public let service: String
    /// What it holds now, by target: there may be thousands.
    private var held: [Bytewise<String>: MountedFile]
    private var namespace: ServiceMountNamespace
    /// Of the tmpfs.
    private let device: dev_t
    /// Paths in the tmpfs of the files whose targets are outside `/run/secrets`, by target.
    private var targets: [Bytewise<String>: String]
    private var lastNumber: Int
    /// Whether a mount can be put beneath another one. Before Linux 6.5 it lies on the file that it replaces: that has to stay then, since removing
    /// a file takes off what is mounted on it, in every namespace (mount_namespaces(7)).
    private let mountsBeneath: Bool
    /// In seconds: how long what had to stay keeps its content.
    var readingTime = 60

    /// In bytes.
    private static let initialSize = 256 * 1024

    /// An empty one.
    ///
    /// - Parameters:
    ///   - bare: what its mount namespace is made a copy of.
    ///   - mountsBeneath: whether a mount can be put beneath another one; nil: as this kernel can.
    public init(service: String, bare: borrowing BareMountNamespace, mountsBeneath: Bool? = nil) throws(LaunchError) {
        self.service = service
        self.mountsBeneath = mountsBeneath ?? InstanceNamespace.kernelMountsBeneath
        held = [:]
        targets = [:]
        lastNumber = 0
        do throws(SystemCallError) {
            namespace = try ServiceMountNamespace(size: Self.initialSize, bare: bare)
            device = try namespace.root.status().st_dev
            let root = namespace.root.number
            for (name, mode) in ServiceMountLayout.folders {
                try retryingInterrupts("mkdirat", on: name) { mkdirat(root, name, mode) }
                try retryingInterrupts("fchmodat", on: name) { fchmodat(root, name, mode, 0) }
            }
        } catch {
            throw LaunchError("mount(tmpfs for service '\(service)')", error)
        }
    }

    private init(
        adopting namespace: consuming ServiceMountNamespace, service: String, files: [MountedFile], mountsBeneath: Bool
    ) throws(SystemCallError) {
        device = try namespace.root.status().st_dev
        self.service = service
        self.mountsBeneath = mountsBeneath
        let root = namespace.root.number
        func isFile(_ path: String) -> Bool {
            var status = stat()
            return fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFREG
        }
        let (present, unfinished) = (Self.names(ServiceMountLayout.targets, in: root), Self.names(ServiceMountLayout.incoming, in: root))
        var targets: [Bytewise<String>: String] = [:]
        // That supervisor may have died at any point of a write or a removal.
        let found = files.filter { file in
            if let path = ServiceMountLayout.secretPath(of: file.target) { return isFile(path) }
            guard let name = ServiceMountLayout.newest(of: file.target, among: present) else { return false }
            targets[Bytewise(file.target)] = "\(ServiceMountLayout.targets)/\(name)"
            return true
        }
        held = Dictionary(found.map { (Bytewise($0.target), $0) }, uniquingKeysWith: { _, last in last })
        let others = present.map { "\(ServiceMountLayout.targets)/\($0)" }.filter { !targets.values.contains($0) }
        let stale = mountsBeneath ? others : []
        for path in stale + unfinished.map({ "\(ServiceMountLayout.incoming)/\($0)" }) { unlinkat(root, path, 0) }
        self.targets = targets
        lastNumber = present.compactMap(ServiceMountLayout.number(ofTargetName:)).max() ?? 0
        self.namespace = namespace
    }

    /// Takes over what a supervisor that has died left with an instance.
    ///
    /// - Parameters:
    ///   - files: what it holds, as that supervisor recorded it; what is not there is left out of ``files``.
    ///   - keeper: the descriptor that came with ``InstanceMounts/keeper``.
    ///   - mountsBeneath: as for ``init(service:bare:mountsBeneath:)``.
    static func adopt(
        service: String, files: [MountedFile], keeper: consuming FileDescriptor, mountsBeneath: Bool? = nil
    ) throws(LaunchError) -> ServiceMount {
        do {
            return try ServiceMount(
                adopting: try ServiceMountNamespace(adopting: keeper), service: service, files: files,
                mountsBeneath: mountsBeneath ?? InstanceNamespace.kernelMountsBeneath)
        } catch {
            throw LaunchError("adopt(files of service '\(service)')", error)
        }
    }

    /// What it holds now, by target.
    public var files: [MountedFile] { held.values.sorted { $0.target < $1.target } }

    /// The file at a target; nil where there is none.
    public func file(at target: String) -> MountedFile? { held[Bytewise(target)] }

    /// What a new instance is given.
    func descriptorsForInstance() throws(LaunchError) -> InstanceMounts {
        do throws(SystemCallError) {
            return try namespace.entered { () throws(SystemCallError) in
                let secrets = try namespace.readOnlyCopy(of: ServiceMountLayout.secrets)
                let keeper = try namespace.descriptor.duplicate()
                var mounts = InstanceMounts(secrets: secrets, keeper: keeper)
                for (target, path) in targets.map({ ($0.key.wrappedValue, $0.value) }).sorted(by: { $0.0 < $1.0 }) {
                    guard let file = file(at: target) else { continue }
                    mounts.add(try namespace.readOnlyCopy(of: path, isExecutable: file.kind == .config), at: target)
                }
                return mounts
            }
        } catch {
            throw LaunchError("mount(files of service '\(service)')", error)
        }
    }

    /// Adds a file or replaces it: a reader sees the old one or the new one, never a mix or a gap.
    ///
    /// - Parameters:
    ///   - bytes: all of its content.
    ///   - pids: pid 1 of each running instance; a target outside `/run/secrets` has to be mounted in each.
    /// - Throws: where a target has nothing to be mounted on in a running instance, before anything is changed.
    public func write(
        _ file: MountedFile, bytes: UnsafeRawBufferPointer, inInstances pids: [Int32]
    ) throws(LaunchError) {
        guard ServiceMountLayout.isNormal(file.target) else {
            throw LaunchError("write(\(file.target) of service '\(service)'): the target is no absolute path without '.' and '..'")
        }
        let secretPath = ServiceMountLayout.secretPath(of: file.target)
        if secretPath == nil { try requireMountPoints(for: file, inInstances: pids) }
        do throws(SystemCallError) {
            lastNumber += 1
            let incoming = "\(ServiceMountLayout.incoming)/\(lastNumber)"
            let root = namespace.root.number
            // Of a failure no plaintext is to be left; after a success there is nothing by that name.
            defer { unlinkat(root, incoming, 0) }
            try create(incoming, file, bytes)
            if let secretPath {
                try makeFolders(of: secretPath)
                try rename(incoming, to: secretPath)
            } else {
                try replaceTarget(file, incoming: incoming, in: instances(pids))
            }
        } catch {
            throw LaunchError("write(\(file.target) of service '\(service)')", error)
        }
        held[Bytewise(file.target)] = file
    }

    /// Takes a file away, and its mounts.
    ///
    /// - Parameter pids: pid 1 of each running instance.
    public func remove(_ file: MountedFile, inInstances pids: [Int32]) throws(LaunchError) {
        do throws(SystemCallError) {
            if let path = ServiceMountLayout.secretPath(of: file.target) {
                try empty(path)
                try unlink(path)
                removeEmptyFolders(of: path)
            } else if let path = targets[Bytewise(file.target)] {
                let replaced = replacedFiles(of: file.target, newest: path)
                for path in replaced + [path] { try empty(path) }
                for instance in instances(pids) { try instance.uncover(file.target) }
                for path in replaced + [path] { try unlink(path) }
                targets[Bytewise(file.target)] = nil
            }
        } catch {
            throw LaunchError("remove(\(file.target) of service '\(service)')", error)
        }
        held[Bytewise(file.target)] = nil
    }

    /// Leaves the tmpfs to the instances: it goes with the last of them. To be called when they are about to end, and nothing is written any more.
    ///
    /// Whoever lets go of a mount namespace as the last one waits until no CPU looks at it any more. One process would wait for each service's anew;
    /// processes that end at the same time wait together.
    func release() { namespace.release() }

    /// Covers paths in an instance again that it must not see into: replacing a file on the host lifts a cover.
    ///
    /// - Parameters:
    ///   - paths: real ones, absolute; those that don't exist are passed over.
    ///   - pins: folders above them that the service could rename, outer ones first.
    ///   - pid: pid 1 of the instance.
    func remask(_ paths: [String], pins: [String], inInstance pid: Int32) throws(LaunchError) {
        do throws(SystemCallError) {
            for instance in instances([pid]) { try instance.mask(paths, pins: pins) }
        } catch {
            throw LaunchError("mask(in service '\(service)')", error)
        }
    }
}

// MARK: Steps

extension ServiceMount {
    private func instances(_ pids: [Int32]) -> [InstanceNamespace] {
        pids.map { InstanceNamespace($0, device: device, mountsBeneath: mountsBeneath) }
    }

    private func requireMountPoints(for file: MountedFile, inInstances pids: [Int32]) throws(LaunchError) {
        var exist = true
        do throws(SystemCallError) {
            for instance in instances(pids) where try !instance.hasMountPoint(file.target) { exist = false }
        } catch {
            throw LaunchError("mount(\(file.target) of service '\(service)')", error)
        }
        if !exist {
            throw LaunchError(
                "mount(\(file.target) of service '\(service)'): a running instance has no such file to mount it on; recreate the service")
        }
    }

    private func create(_ path: String, _ file: MountedFile, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) {
        try namespace.makeRoom(for: bytes.count)
        let created = try FileDescriptor.open(
            path, in: namespace.root.number, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0)
        try created.writeAll(bytes)
        let number = created.number
        try retryingInterrupts("fchown", on: file.target) { fchown(number, file.uid, file.gid) }
        try retryingInterrupts("fchmod", on: file.target) { fchmod(number, file.mode) }
    }

    private func replaceTarget(_ file: MountedFile, incoming: String, in instances: [InstanceNamespace]) throws(SystemCallError) {
        let path = "\(ServiceMountLayout.targets)/\(ServiceMountLayout.targetName(file.target, number: lastNumber))"
        try rename(incoming, to: path)
        do throws(SystemCallError) {
            for instance in instances {
                let copy = try namespace.entered { () throws(SystemCallError) in
                    try namespace.readOnlyCopy(of: path, isExecutable: file.kind == .config)
                }
                try instance.replace(file.target, with: copy)
            }
        } catch {
            try? unlink(path)
            throw error
        }
        guard let previous = targets.updateValue(path, forKey: Bytewise(file.target)) else { return }
        if mountsBeneath || instances.isEmpty {
            for path in replacedFiles(of: file.target, newest: path) + [previous] { try unlink(path) }
        } else {
            try emptyReplacedFiles(of: file.target)
        }
    }

    /// Takes the values out of those that were replaced a while ago: who has begun to read one reads it to its end.
    private func emptyReplacedFiles(of target: String) throws(SystemCallError) {
        let root = namespace.root.number
        let files = allFiles(of: target)
        for (old, next) in zip(files, files.dropFirst()) {
            var status = stat()
            // It was written when the other was replaced.
            guard fstatat(root, next, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mtim.tv_sec + readingTime < time(nil) else { continue }
            try empty(old)
        }
    }

    /// What had to stay of a target's former files; nothing where that isn't so.
    private func replacedFiles(of target: String, newest: String) -> [String] {
        mountsBeneath ? [] : allFiles(of: target).filter { $0 != newest }
    }

    /// What there is of a target, in the order in which it was written.
    private func allFiles(of target: String) -> [String] {
        ServiceMountLayout.all(of: target, among: Self.names(ServiceMountLayout.targets, in: namespace.root.number))
            .sorted { ServiceMountLayout.number(ofTargetName: $0) ?? 0 < ServiceMountLayout.number(ofTargetName: $1) ?? 0 }
            .map { "\(ServiceMountLayout.targets)/\($0)" }
    }

    private static func names(_ folder: String, in root: Int32) -> [String] {
        guard let folder = try? FileDescriptor.open(folder, in: root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return [] }
        return DirectoryListing.names(in: folder.number)
    }

    private func rename(_ old: String, to new: String) throws(SystemCallError) {
        let root = namespace.root.number
        try retryingInterrupts("rename", on: new) { renameat(root, old, root, new) }
    }

    private func unlink(_ path: String) throws(SystemCallError) {
        guard unlinkat(namespace.root.number, path, 0) == 0 || errno == ENOENT else { throw SystemCallError("unlinkat", path) }
    }

    /// Wherever a service has it open or keeps it mounted, the value is gone.
    private func empty(_ path: String) throws(SystemCallError) {
        do throws(SystemCallError) {
            _ = try FileDescriptor.open(path, in: namespace.root.number, O_WRONLY | O_TRUNC | O_NOFOLLOW)
        } catch {
            guard error.code == ENOENT else { throw error }
        }
    }

    private func makeFolders(of path: String) throws(SystemCallError) {
        let root = namespace.root.number
        let parts = Paths.components(path)
        for depth in parts.indices.dropFirst(2) {
            let folder = parts.prefix(depth).joined(separator: "/")
            if mkdirat(root, folder, 0o755) == 0 {
                try retryingInterrupts("fchmodat", on: folder) { fchmodat(root, folder, 0o755, 0) }
            } else if errno != EEXIST {
                throw SystemCallError("mkdirat", folder)
            }
        }
    }

    private func removeEmptyFolders(of path: String) {
        var parts = Paths.components(path).dropLast()
        while parts.count > 1, unlinkat(namespace.root.number, parts.joined(separator: "/"), AT_REMOVEDIR) == 0 {
            parts = parts.dropLast()
        }
    }
}
