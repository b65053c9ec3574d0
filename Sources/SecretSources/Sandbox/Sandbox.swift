import CLinux
import Glibc
import Linux

/// What keeps drivers, and the programs that they run, from all that they don't need: above all from the store and its key.
///
/// There are four walls, each of which holds by itself. What a kernel doesn't have is left out: the drivers are no
/// strangers, and a host with an older kernel shall not be without them.
public struct Sandbox: ~Copyable {
    /// The parts of it.
    public struct Walls: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The hidden paths are covered, and nothing but what may be written to can be changed, in mount and user namespaces of its own;
        /// there are no processes but those in here, which end together (pid_namespaces(7)).
        public static let namespaces = Walls(rawValue: 1)
        /// The hidden paths are not opened, few are written to, and no other process is looked into or sent a signal (landlock(7)).
        public static let fileRules = Walls(rawValue: 2)
        /// System calls that lead out of it are refused (seccomp(2)).
        public static let systemCallFilter = Walls(rawValue: 4)
        /// Root's power over the machine is given up (capabilities(7)).
        public static let capabilities = Walls(rawValue: 8)

        public static let all: Walls = [.namespaces, .fileRules, .systemCallFilter, .capabilities]
    }

    /// Those that stand.
    public private(set) var walls: Walls = []
    private let wanted: Walls
    private let landlock: Int
    private let hasNamespace: Bool

    /// What root keeps: reading files of other users, and writing to those that a program is told to; changing to another user, which
    /// loses rights; locking memory; ending what it has started. Not changing whose files are, nor the modes of those of others.
    private static let keptCapabilities = [
        "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_IPC_LOCK",
    ]

    /// Begins with what needs to know nothing: this process is not dumped, looked into or given rights, ends with the one that has started it,
    /// and starts again in a child, which has pids of its own. To be made before there is any other thread.
    ///
    /// - Parameters:
    ///   - wanted: for tests, which see what becomes possible without a wall.
    ///   - landlock: the version of Landlock to make do with, for tests.
    /// - Throws: where no process can be made.
    public init(_ wanted: Walls = .all, landlock: Int = .max) throws(SystemCallError) {
        self.wanted = wanted
        self.landlock = min(landlock, Int(clinux_landlock_version()))
        let isInside = SandboxMonitor.isInside
        // Before the process is hardened: its maps belong to root from then on.
        let others = UInt64(CLINUX_NEWPID | CLINUX_NEWIPC)
        hasNamespace = isInside || wanted.contains(.namespaces) && (try? enterMountNamespace(withUser: geteuid() != 0, and: others)) != nil
        hardenProcess()
        _ = clinux_no_new_privileges()
        if hasNamespace, !isInside { try SandboxMonitor.startAgainInChild() }
        // Without namespaces its programs have to be ended first.
        _ = clinux_signal_with_parent(hasNamespace ? SIGKILL : SIGTERM)
        lockMemory()
    }

    /// Closes it.
    ///
    /// - Parameters:
    ///   - hidden: paths that nobody in here must get at, besides the sockets that lead out of here; what is missing of them may appear later.
    ///   - named: paths that the requests name, which are there even where they lie in `/run` or a folder for temporary files, unless they are hidden.
    ///   - writable: paths that may be written to, and below; nothing else may, and no path that is hidden.
    /// - Throws: `SandboxError` where a wall that the kernel has doesn't stand: nothing must be run then.
    public mutating func close(hidden: [String], named: [String], writable: [String]) throws(SandboxError) {
        let folders = OwnFolders(named: named, writable: writable)
        let hidden = try HiddenPaths(hidden + Doors.paths(callersEnvironment(), shownBy: folders))
        do throws(SystemCallError) {
            if hasNamespace { try close(hidden, folders) }
            if wanted.contains(.capabilities), Self.dropCapabilities() { walls.insert(.capabilities) }
            if wanted.contains(.fileRules), landlock > 0 {
                let rules = FileRules(version: landlock, hidden: hidden, hasNamespaces: walls.contains(.namespaces))
                try rules.enforce(writable: folders.changeable.filter { !hidden.hide($0) })
                walls.insert(.fileRules)
            }
        } catch {
            throw .notClosed(error)
        }
        if wanted.contains(.systemCallFilter), SystemCallFilter.enforce() { walls.insert(.systemCallFilter) }
    }

    /// Makes the files what they are in here. What a kernel doesn't have of it is no reason to go without the other walls.
    private mutating func close(_ hidden: HiddenPaths, _ folders: OwnFolders) throws(SystemCallError) {
        do {
            // First, so that what is copied for being written to has the covers.
            try hidden.cover()
            try SandboxFiles.restrict(folders)
            // What was the working directory may lie beneath another mount now.
            try retryingInterrupts("chdir", on: "/") { chdir("/") }
            walls.insert(.namespaces)
        } catch where error.code == ENOSYS {}
    }

    private static func dropCapabilities() -> Bool {
        guard geteuid() == 0 else { return clinux_keep_capabilities(0) == 0 }
        let kept = keptCapabilities.reduce(0) { $0 | UInt64(1) << UInt64(Capabilities.number($1)!) }
        return clinux_keep_capabilities(kept) == 0
    }

    /// Keeps all memory off the swap. Only where there is no limit: under one, what is mapped later would fail.
    private func lockMemory() {
        var limit = rlimit()
        let isUnlimited = geteuid() == 0 || getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 && limit.rlim_cur == .max
        // MCL_ONFAULT is 4: stacks of threads are mostly never touched.
        if isUnlimited { _ = mlockall(MCL_CURRENT | MCL_FUTURE | 4) }
    }
}
