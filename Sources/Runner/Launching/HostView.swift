import CLinux
import Glibc
import Linux

/// The host as the instances of a stack may see it at one moment: a mount namespace with the masks laid on the
/// host's tree, and with the root that the instances have in common. Each instance gets a copy of it.
///
/// A stack has as many masks as it has secret files: laid by each instance, they would cost more than all else.
/// What is mounted on the host later is not in it: ``HostViews`` tells how long one is good.
public final class HostView {
    let surroundings: StackSurroundings
    /// All that is covered, whichever of the host's mounts leads there.
    let masks: [String]
    /// The same for what only mounts may name.
    let hiddenPaths: [String]
    /// The host's `/etc/hosts`.
    private(set) var hostsFile: String
    /// The lines of hosts(5) for all services of the stack; made once, since each instance gets them.
    private let allServiceHosts: String
    /// Where processes are mounted (proc(5)), a chroot's too: covered after a service's own mounts of them.
    let processMounts: [String]
    /// Whether something may have come to lie since it was made where a mask should be: who is launched in it has to look.
    private(set) var isOfEarlierMoment = false
    /// The host's mounts, as proc_pid_mountinfo(5) has them: an error when there are others than before, once.
    let mountChanges: FileDescriptor
    /// The same for ``isUpToDate``: whoever looks first takes the event, and to have it waited for is to look.
    private let ownMountChanges: FileDescriptor
    /// The mounts as they were read, where what is to be covered hangs on the mounts' names: that a folder above a mount point is renamed is no
    /// event. nil where it doesn't.
    private let mountText: [UInt8]?
    private let copies: HostCopies
    /// Whether a change of ``copies`` can be told.
    let canBeKept: Bool
    private let namespace: FileDescriptor
    /// A namespace with the root alone, once one was needed: to copy the host's tree for instances that mount nothing of
    /// it, and to take it off again, would double their mounts.
    private var rootNamespace: FileDescriptor?
    private let root: FileDescriptor

    /// In milliseconds: how long the host's folders may take to answer. A network filesystem that hangs must not
    /// hang the supervisor.
    private static let patience: Int32 = 10_000

    /// - Parameters:
    ///   - surroundings: masks that do not exist are passed over.
    ///   - writable: whether the host's folders are.
    ///   - stagingDirectory: an existing directory, which the root is attached to in the new namespace.
    init(
        _ surroundings: StackSurroundings, writable: Bool, stagingDirectory: String, executable: borrowing InitExecutable,
        isUnprivileged: Bool
    ) throws(LaunchError) {
        self.surroundings = surroundings
        copies = HostCopies()
        canBeKept = copies.showsChanges
        hostsFile = Self.readHostsFile()
        allServiceHosts = Self.hosts(surroundings.serviceNames)
        do throws(SystemCallError) {
            // Before they are read.
            mountChanges = try FileDescriptor.open("/proc/thread-self/mountinfo", O_RDONLY)
            ownMountChanges = try FileDescriptor.open("/proc/thread-self/mountinfo", O_RDONLY)
            let text = try MountTable.text(), mounts = MountTable(text)
            processMounts = try mounts.places(ofType: "proc")
            let hangsOnNames = processMounts.contains { $0 != "/proc" } || mounts.hangsOnNames(surroundings.masks + surroundings.hiddenPaths)
            mountText = hangsOnNames ? text : nil
            masks = try mounts.withAliases(surroundings.masks)
            hiddenPaths = try mounts.withAliases(surroundings.hiddenPaths)
            root = FileDescriptor(owning: try retryingInterrupts("fsmount") { clinux_tmpfs("1m", "0755", 0) })
        } catch {
            throw LaunchError("view(the host)", error)
        }
        let specification = try InitSpecification.view(
            masks: masks, hiddenPaths: hiddenPaths, processMounts: processMounts, writable: writable,
            isUnprivileged: isUnprivileged)
        let rootNumber = root.number
        var builder: ViewBuilder?
        do throws(SystemCallError) {
            namespace = try MountNamespaceVisit.returning { () throws(SystemCallError) in
                try retryingInterrupts("unshare") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
                // What the host mounts or unmounts from here on stays out, and nothing goes back to it.
                try retryingInterrupts("mount") { clinux_make_mounts_private() }
                let place = try FileDescriptor.open(stagingDirectory, O_PATH | O_DIRECTORY | O_NOFOLLOW)
                let placeNumber = place.number
                try retryingInterrupts("move_mount", on: stagingDirectory) { clinux_tree_attach(rootNumber, placeNumber, 0) }
                try retryingInterrupts("fchdir") { fchdir(rootNumber) }
                builder = try ViewBuilder(specification, executable: executable, keepingCapabilities: isUnprivileged)
                return try FileDescriptor.open("/proc/thread-self/ns/mnt", O_RDONLY)
            }
        } catch {
            throw LaunchError("view(the host)", error)
        }
        try builder.take()?.finish(within: Self.patience)
    }

    /// Whether it can be told from one that is made now by nothing but what lies at the masks' places.
    var isUpToDate: Bool {
        var state = pollfd(fd: ownMountChanges.number, events: Int16(POLLPRI), revents: 0)
        let changed = try? retryingInterrupts("poll") { poll(&state, 1, 0) }
        guard changed == 0, HostCopies() == copies else { return false }
        return mountText == nil || (try? MountTable.text()) == mountText
    }

    /// It is taken for launches of a later moment.
    func grow() {
        isOfEarlierMoment = true
        hostsFile = Self.readHostsFile()
    }

    /// Where a mask lies, or would if there were something.
    var places: Int { masks.count + hiddenPaths.count }

    /// Runs `body` in it, with the instances' root as working directory: a process that is cloned into a copy of this
    /// namespace finds its own copy of that root there.
    ///
    /// - Parameter host: whether the host's tree is needed beside that root, for mounts.
    func entered<Result: ~Copyable>(
        withHost host: Bool, _ body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        if !host {
            let number = try rootOnly()
            return try MountNamespaceVisit.returning { () throws(SystemCallError) in
                // Leads to the namespace's root, as the working directory too (setns(2)).
                try retryingInterrupts("setns") { clinux_join_mounts(number) }
                return try body()
            }
        }
        let (number, rootNumber) = (namespace.number, root.number)
        return try MountNamespaceVisit.returning { () throws(SystemCallError) in
            try retryingInterrupts("setns") { clinux_join_mounts(number) }
            try retryingInterrupts("fchdir") { fchdir(rootNumber) }
            return try body()
        }
    }

    private func rootOnly() throws(SystemCallError) -> Int32 {
        if let number = rootNamespace?.number { return number }
        // The root has no /proc to find it by.
        let own = try FileDescriptor.open("/proc/thread-self/ns", O_PATH | O_DIRECTORY)
        let ownNumber = own.number
        let made = try entered(withHost: true) { () throws(SystemCallError) in
            try retryingInterrupts("unshare") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
            try retryingInterrupts("pivot_root") { clinux_make_directory_root() }
            return try FileDescriptor.open("mnt", in: ownNumber, O_RDONLY)
        }
        let number = made.number
        rootNamespace = consume made
        return number
    }

    /// The lines of hosts(5) that lead the stack's services to the loopback address, but for names that lead elsewhere.
    func serviceHosts(but others: Set<String>) -> String {
        others.isEmpty ? allServiceHosts : Self.hosts(surroundings.serviceNames.filter { !others.contains($0) })
    }

    private static func hosts(_ names: [String]) -> String {
        names.reduce(into: "") { $0 += "127.0.0.1\t\($1)\n" }
    }

    private static func readHostsFile() -> String {
        guard let file = try? FileDescriptor.open("/etc/hosts", O_RDONLY | O_NONBLOCK),
            let bytes = try? file.readAll(limit: 1 << 20)
        else { return "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n" }
        return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
    }
}
