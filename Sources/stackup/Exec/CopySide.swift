import CLinux
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// A service's side of a copy: a process that may do in the service's tree what the service may, and no more. What a link of the
/// service's leads it to, the service could have read or written itself.
///
/// It is this program once more. Archives pass between the two by a pipe.
enum CopySide {
    /// The first argument that makes the program one.
    static let subcommand = "__copy"
    /// The number of the descriptor that the service's root is.
    private static let rootNumber: Int32 = 3
    /// The number of a pidfd of its pid 1, where the service's user is another than an ordinary caller: who that is only its user namespace knows.
    private static let processNumber: Int32 = 4

    enum Task: String {
        case send
        /// Of one thing, which ``send`` sent.
        case receive
        /// Of any archive.
        case unpack
        /// Of what has changed (`stackup watch`).
        case mirror
    }

    /// Starts one.
    ///
    /// - Parameters:
    ///   - root: the service's (``CopyPlace/root(of:process:)``).
    ///   - instance: whose side it is, for its messages.
    ///   - flag: for `send`, whether a link that is named is followed; otherwise whether owners are kept.
    ///   - input, output: where the archive comes from or goes.
    ///   - isGroup: whether Ctrl-C, which ends its starter, leaves it time to finish.
    static func start(
        _ task: Task, _ path: String, flag: Bool, root: borrowing FileDescriptor, as plan: LaunchPlan, of instance: ObservedInstance,
        input: Int32, output: Int32, isGroup: Bool = false
    ) throws(SystemCallError) -> ChildProcess {
        let isCaller = plan.user.uid == geteuid() && plan.user.gid == getegid() && (plan.user.keepsGroups || plan.user.groups.isEmpty)
        // In this order: who is found to be that process at last was it before, too.
        let entersNamespace = geteuid() != 0 && !isCaller ? try hasOthers(instance) : false
        let process = entersNamespace ? try process(of: instance) : FileDescriptor(owning: -1)
        return try ChildProcess(
            "/proc/self/exe",
            [
                "stackup", subcommand, task.rawValue, path, flag ? "yes" : "no", String(plan.user.uid), String(plan.user.gid),
                plan.user.groups.map(String.init).joined(separator: ","), String(plan.capabilities.rawValue),
                plan.replicas > 1 ? instance.name : "the service",
            ],
            environment: [:], directory: "/", isGroup: isGroup, descriptors: [input, output, STDERR_FILENO, root.number] + (entersNamespace ? [process.number] : []))
    }

    /// Whether its user namespace has others than the caller.
    private static func hasOthers(_ instance: ObservedInstance) throws(SystemCallError) -> Bool {
        guard let pid = instance.pid, let map = IdentityMap(.groups, of: pid) else { throw ended(instance) }
        return !map.hasOne
    }

    private static func process(of instance: ObservedInstance) throws(SystemCallError) -> FileDescriptor {
        do {
            if let process = try instance.openProcess() { return process }
        } catch {}
        throw ended(instance)
    }

    private static func ended(_ instance: ObservedInstance) -> SystemCallError {
        SystemCallError("enter the user namespace", instance.name, code: ESRCH)
    }

    static func run(arguments: [String]) -> Int32 {
        hardenProcess()
        let parent = getppid()
        do {
            guard arguments.count == 8, let task = Task(rawValue: arguments[0]), let uid = UInt32(arguments[3]), let gid = UInt32(arguments[4]),
                let capabilities = UInt64(arguments[6])
            else { throw CopyError("it is started by 'stackup cp' and 'stackup watch'") }
            let root = FileDescriptor(owning: rootNumber)
            let isInside = try enterNamespace()
            try become(
                UserIdentity(uid: uid, gid: gid, groups: arguments[5].split(separator: ",").compactMap { UInt32($0) }),
                CapabilitySet(rawValue: capabilities), isInside: isInside)
            // Whoever asked for it waits for it. A change of who one is takes that off, so it comes behind.
            _ = clinux_signal_with_parent(SIGKILL)
            guard getppid() == parent else { return 1 }
            umask(0)
            let place = CopyPlace(root: root)
            let (path, flag) = (Array(arguments[1].utf8), arguments[2] == "yes")
            var isWhole = true
            switch task {
            case .send:
                try TreeSender(FileDescriptor(owning: STDOUT_FILENO)) {
                    put("warning: not copied: \(sanitizedForTerminal($0))\n", to: STDERR_FILENO)
                    isWhole = false
                }.send(path, from: place, followsLink: flag)
            case .receive: try TreeReceiver(FileDescriptor(owning: STDIN_FILENO), keepsOwners: flag).receive(at: path, in: place)
            case .unpack: try TreeReceiver(FileDescriptor(owning: STDIN_FILENO), keepsOwners: flag).receiveAll(at: path, in: place)
            case .mirror:
                try TreeReceiver(FileDescriptor(owning: STDIN_FILENO), keepsOwners: false, mirrors: true).receiveChanges(at: path, in: place) {
                    put("error: in \(arguments[7]): \(sanitizedForTerminal($0))\n", to: STDERR_FILENO)
                    isWhole = false
                }
            }
            return isWhole ? 0 : 1
        } catch let error as CopyError where error.isOfOtherSide && arguments[0] == Task.receive.rawValue {
            return 1
        } catch let error as SystemCallError where error.code == EPIPE {
            // Who reads has ended, and has said why.
            return 1
        } catch {
            put("error: in \(arguments.last ?? "the service"): \(sanitizedForTerminal("\(error)"))\n", to: STDERR_FILENO)
            return 1
        }
    }

    /// - Returns: whether there was one to enter: then this process has every capability in there.
    private static func enterNamespace() throws(SystemCallError) -> Bool {
        guard geteuid() != 0, fcntl(processNumber, F_GETFD) >= 0 else { return false }
        try retryingInterrupts("setns", on: "the service's user namespace") { clinux_join_user(processNumber) }
        close(processNumber)
        return true
    }

    /// Takes on the service's user and capabilities, for good. Where an ordinary user's service has the caller's, there is nothing to take on.
    private static func become(_ user: UserIdentity, _ capabilities: CapabilitySet, isInside: Bool) throws(SystemCallError) {
        guard geteuid() == 0 || isInside else { return }
        let groups = user.groups
        try retryingInterrupts("setgroups") { setgroups(groups.count, groups) }
        try retryingInterrupts("setgid") { setgid(user.gid) }
        if isInside {
            // The capabilities of who was not root in there don't go by themselves.
            try retryingInterrupts("setuid") { setuid(user.uid) }
            try retryingInterrupts("capset") { clinux_keep_capabilities(user.uid == 0 ? capabilities.rawValue : 0) }
        } else {
            let setUser: UInt64 = 1 << 7  // CAP_SETUID
            try retryingInterrupts("capset") { clinux_keep_capabilities(user.uid == 0 ? capabilities.rawValue : setUser) }
            guard user.uid != 0 else { return }
            // With it go the capabilities.
            try retryingInterrupts("setuid") { setuid(user.uid) }
        }
        _ = clinux_set_dumpable(0)
    }
}
