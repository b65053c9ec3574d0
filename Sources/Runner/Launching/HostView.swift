import CLinux
import Glibc
import Linux

/// The host as the instances of a stack may see it at one moment: a copy of the caller's mount namespace with the
/// masks laid, which each instance gets a copy of.
///
/// A stack has as many masks as it has secret files: laid by each instance, they would cost more than all else.
/// What is mounted on the host later is not in it, so it is made anew for launches at another time.
public final class HostView {
    let surroundings: StackSurroundings
    /// The host's `/etc/hosts`.
    let hostsFile: String
    /// Where processes are mounted (proc(5)), a chroot's too: masks that come after a service's own mounts of them.
    let processMounts: [String]
    private let namespace: FileDescriptor

    /// - Parameter surroundings: masks that do not exist are passed over.
    public init(_ surroundings: StackSurroundings) throws(LaunchError) {
        self.surroundings = surroundings
        hostsFile = Self.readHostsFile()
        do throws(SystemCallError) {
            var processMounts: [String] = []
            namespace = try MountNamespaceVisit.returning { () throws(SystemCallError) in
                try retryingInterrupts("unshare") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
                // What the host mounts or unmounts from here on stays out, and nothing goes back to it.
                try retryingInterrupts("mount") { clinux_make_mounts_private() }
                var masks = MaskLayer()
                for path in surroundings.masks { try masks.lay(on: path) }
                processMounts = try MountTable.places(ofType: "proc")
                return try FileDescriptor.open("/proc/thread-self/ns/mnt", O_RDONLY)
            }
            self.processMounts = processMounts
        } catch {
            throw LaunchError("mask(the host's files)", error)
        }
    }

    /// Runs `body` in it.
    func entered<Result: ~Copyable>(
        _ body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        let number = namespace.number
        return try MountNamespaceVisit.returning { () throws(SystemCallError) in
            try retryingInterrupts("setns") { clinux_join_mounts(number) }
            return try body()
        }
    }

    private static func readHostsFile() -> String {
        guard let file = try? FileDescriptor.open("/etc/hosts", O_RDONLY | O_NONBLOCK),
            let bytes = try? file.readAll(limit: 1 << 20)
        else { return "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n" }
        return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
    }
}
