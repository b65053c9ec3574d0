import Glibc
import Linux

/// Mounts for one instance, detached: whoever attaches them decides where they are seen.
struct InstanceMounts: ~Copyable {
    private struct Target {
        let path: String
        let mount: Int32
    }

    /// Read-only, for `/run/secrets`.
    let secrets: FileDescriptor
    /// Leads to all of the tmpfs, with setns(2) only: stays with the instance's pid 1 for the next supervisor.
    let keeper: FileDescriptor
    /// Read-only, one for each target elsewhere.
    private var targets: [Target] = []

    init(secrets: consuming FileDescriptor, keeper: consuming FileDescriptor) {
        self.secrets = secrets
        self.keeper = keeper
    }

    mutating func add(_ mount: consuming FileDescriptor, at path: String) {
        targets.append(Target(path: path, mount: mount.release()))
    }

    var targetPaths: [String] { targets.map(\.path) }
    var targetNumbers: [Int32] { targets.map(\.mount) }

    deinit {
        for target in targets { close(target.mount) }
    }
}
