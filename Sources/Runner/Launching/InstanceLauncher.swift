import CLinux
import Glibc
import Linux
import Reconciler

/// Starts instances: one clone into new namespaces each, and an exec of `stackup-init`, which does the rest
/// beside us.
public final class InstanceLauncher {
    /// Numbers of descriptors in `stackup-init` (Sources/stackup-init/report.h).
    private enum InitDescriptor {
        static let outputRead: Int32 = 6
        static let errorsRead: Int32 = 7
        static let keeper: Int32 = 8
        static let secrets: Int32 = 9
    }

    private let executable: InitExecutable
    private let null: FileDescriptor
    private let isUnprivileged: Bool
    private let bareNamespace: BareMountNamespace
    private let stagingDirectory: String

    /// - Parameters:
    ///   - initExecutable: the path of `stackup-init`.
    ///   - stagingDirectory: an existing directory, which a mount is attached to for a moment.
    public init(initExecutable: String, stagingDirectory: String) throws(LaunchError) {
        bareNamespace = try BareMountNamespace(stagingDirectory: stagingDirectory)
        self.stagingDirectory = stagingDirectory
        executable = try InitExecutable(initExecutable)
        isUnprivileged = geteuid() != 0
        do {
            // Before thousands of descriptors are open.
            try retryingInterrupts("dup") { clinux_keep_window() }
            null = try FileDescriptor.open("/dev/null", O_RDWR)
        } catch {
            throw LaunchError("\(error)")
        }
    }

    /// Gives this process, the supervisor, a mount namespace of its own, in which the host's mounts appear and
    /// from which nothing goes back; an unprivileged user's also a user namespace, which maps that user and the subordinate ids that there are.
    ///
    /// To be called once, before any other thread exists (unshare(2)).
    ///
    /// - Parameter instance: pid 1 of an instance that an earlier supervisor has started, if one runs: its user
    ///   namespace is joined, since another one would have no rights over it.
    public static func enterSupervisorNamespaces(joining instance: Int32? = nil) throws(LaunchError) {
        let isUnprivileged = geteuid() != 0
        var joined = false
        if isUnprivileged, let instance {
            let process = FileDescriptor(owning: clinux_pidfd_open(instance))
            joined = clinux_join_user(process.number) == 0
            // Another group of the caller's is none in there.
            if joined, let group = IdentityMap(.groups, of: getpid())?.same, group != getegid(), setgid(group) != 0 {
                throw LaunchError("setgid(\(group))", SystemCallError("setgid", "the services' group"))
            }
        }
        do {
            if isUnprivileged, !joined {
                try enterMountNamespaceWithSubordinates()
            } else {
                try enterMountNamespace(withUser: false)
            }
        } catch {
            throw LaunchError(
                isUnprivileged && !joined ? "\(NamespaceDiagnosis(error, on: .read()))" : "a mount namespace cannot be made: \(error)")
        }
    }

    /// What instances that are launched now may see of the host.
    ///
    /// - Parameter writable: whether the host's folders are.
    public func hostView(_ surroundings: StackSurroundings, writable: Bool) throws(LaunchError) -> HostView {
        try HostView(
            surroundings, writable: writable, stagingDirectory: stagingDirectory, executable: executable,
            isUnprivileged: isUnprivileged)
    }

    /// Starts one instance.
    ///
    /// - Parameters:
    ///   - index: counted from 1; with the service's name it is the host name, unless the plan has one.
    ///   - view: what it sees of the host.
    ///   - mount: the service's files.
    ///   - group: what it is born into; nil: our own.
    ///   - shared: namespaces of other instances, in the place of its own.
    ///   - exitStatus: where the wait status goes when the service ends, for a supervisor that is not the parent.
    /// - Returns: the instance, whose set-up goes on: `startReport` tells how it ended.
    public func launch(
        _ plan: LaunchPlan, index: Int, in view: HostView, mount: ServiceMount, group: CgroupEntrance? = nil,
        sharing shared: [SharedNamespaces] = [], exitStatus: ExitStatusPage
    ) throws(LaunchError) -> LaunchedInstance {
        try launch(plan, index: index, in: view, mount: mount, group: group, sharing: shared, caller: nil, exitStatus: exitStatus)
    }

    /// - Parameter caller: who waits for it, and gives it its streams; nil: nobody does.
    func launch(
        _ plan: LaunchPlan, index: Int, in view: HostView, mount: ServiceMount, group: CgroupEntrance?, sharing shared: [SharedNamespaces],
        caller: InstanceCaller?, exitStatus: ExitStatusPage
    ) throws(LaunchError) -> LaunchedInstance {
        let mounts = try mount.descriptorsForInstance()
        let joins = group?.members ?? []
        let statuses = Int(InitDescriptor.secrets) + 1 + mounts.targetNumbers.count
        let firstJoin = statuses + 1
        let namespaces = plan.namespaces ?? NamespacePlan()
        let firstShared = firstJoin + joins.count
        let sharedMemory = try Self.sharedMemory(of: shared)
        let specification = try InitSpecification.launch(
            plan, index: index, in: view, status: (statuses, exitStatus.offset), targets: mounts.targetPaths, groups: firstJoin..<firstShared,
            shared: shared.enumerated().map { (firstShared + $0, $1.kinds) }, sharedMemory: sharedMemory.number < 0 ? nil : firstShared + shared.count,
            caller: caller.map { ($0, firstShared + shared.count + (sharedMemory.number < 0 ? 0 : 1)) }, isUnprivileged: isUnprivileged)
        do {
            let instructions = try FileDescriptor.memory(specification.bytes, name: "specification")
            let output = try FileDescriptor.pipe(), errors = try FileDescriptor.pipe(), report = try FileDescriptor.pipe()
            var descriptors = [null.number, output.write.number, errors.write.number, instructions.number, report.write.number]
            descriptors += [exitStatus.sign, output.read.number, errors.read.number]
            descriptors += [mounts.keeper.number, mounts.secrets.number] + mounts.targetNumbers + [exitStatus.pages] + joins
            descriptors += shared.map(\.process) + (sharedMemory.number < 0 ? [] : [sharedMemory.number])
            if let caller {
                // The pipes stay empty: what it prints is for the caller.
                if case .own(let input, let output, let errors) = caller.streams { descriptors.replaceSubrange(0..<3, with: [input, output, errors]) }
                descriptors.append(caller.socket)
            }
            // In a user namespace proc(5) can be mounted only where another mount of it can be seen (mount_namespaces(7)).
            let needsHost = specification.namesHostPaths || isUnprivileged
            let before = ProcessIdentity.startTimeNow()
            let (pid, pidfd) = try view.entered(withHost: needsHost) { () throws(SystemCallError) in
                try Self.amongProcesses(of: shared.first { $0.isForChildren }?.process) { () throws(SystemCallError) in
                    try executable.spawn(descriptors, namespaces: namespaces.made, keepingCapabilities: isUnprivileged, into: group)
                }
            }
            let process = FileDescriptor(owning: pidfd)
            let startTime = ProcessIdentity.startTimeNow() == before ? before : ProcessIdentity.startTime(of: pid) ?? 0
            return LaunchedInstance(
                pid: pid, startTime: startTime, pidfd: process, standardOutput: output.takeReadEnd(),
                standardError: errors.takeReadEnd(), startReport: report.takeReadEnd())
        } catch {
            throw LaunchError("service '\(plan.service)': \(error)")
        }
    }

    /// Runs `body`, which clones; the child is in the pid namespace of another instance.
    private static func amongProcesses<Result>(
        of other: Int32?, _ body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        guard let other else { return try body() }
        let own = FileDescriptor(owning: clinux_pidfd_open(getpid()))
        let ownNumber = own.number
        try retryingInterrupts("setns") { clinux_join(other, UInt64(CLINUX_NEWPID)) }
        // Whoever is started next would end with that instance.
        defer { if clinux_join(ownNumber, UInt64(CLINUX_NEWPID)) != 0 { abort() } }
        return try body()
    }

    /// The /dev/shm of the instance whose IPC namespace is shared, since both are one to programs (shm_overview(7)); a descriptor of -1
    /// where none is.
    private static func sharedMemory(of shared: [SharedNamespaces]) throws(LaunchError) -> FileDescriptor {
        guard let other = shared.first(where: { $0.kinds & UInt64(CLINUX_NEWIPC) != 0 })?.process else { return FileDescriptor(owning: -1) }
        do {
            let thread = try FileDescriptor.open("/proc/thread-self", O_PATH | O_DIRECTORY)
            return try MountNamespaceVisit.returning { () throws(SystemCallError) in
                try retryingInterrupts("setns") { clinux_join_mounts(other) }
                let place = try FileDescriptor.open("/dev/shm", O_PATH | O_DIRECTORY, resolution: .noSymlinks)
                // Its memory, and nothing that was mounted in the place of it.
                let mounts = try MountTable.current(thread), device = try place.status().st_dev
                guard clinux_is_mount_root(place.number) == 1, mounts.isWhole("tmpfs", of: device, at: "/dev/shm") else {
                    throw SystemCallError("mount", "/dev/shm", code: EXDEV)
                }
                let number = place.number
                return FileDescriptor(owning: try retryingInterrupts("open_tree") { clinux_tree_clone(number, "", 0) })
            }
        } catch {
            throw LaunchError("the shared memory of another service cannot be had: \(error)")
        }
    }

    /// Starts a further command in an instance of this supervisor's.
    ///
    /// - Parameters:
    ///   - pidfd: pid 1 of the instance.
    ///   - group: the instance's; nil where it has none.
    ///   - onEnd: see `InstanceCommandProcess`.
    func run(
        _ command: InstanceCommand, inInstance pidfd: borrowing FileDescriptor, group: CgroupEntrance?, loop: EventLoop,
        onEnd: @escaping (_ code: Int32?, _ output: String) -> Void
    ) throws(LaunchError) -> InstanceCommandProcess {
        try InstanceCommandProcess(
            command, inInstance: pidfd, group: group, executable: executable, null: null, loop: loop, onEnd: onEnd)
    }

    /// Takes over an instance whose supervisor has died, with its output.
    ///
    /// - Returns: nil where that process is gone.
    public func adopt(pid: Int32, startTime: UInt64) throws(LaunchError) -> LaunchedInstance? {
        guard let process = try Self.pidfd(pid, startTime: startTime) else { return nil }
        do {
            let output = try Self.take(InitDescriptor.outputRead, from: process)
            let errors = try Self.take(InitDescriptor.errorsRead, from: process)
            return LaunchedInstance(
                pid: pid, startTime: startTime, pidfd: process, standardOutput: output, standardError: errors,
                startReport: nil)
        } catch {
            if error.code == ESRCH { return nil }
            throw LaunchError("process \(pid) cannot be taken over: \(error)")
        }
    }

    /// An empty tmpfs for a service's files.
    public func makeMount(for service: String) throws(LaunchError) -> ServiceMount {
        try ServiceMount(service: service, bare: bareNamespace)
    }

    /// Takes over a service's files from one of its running instances.
    public func adoptMount(
        service: String, files: [MountedFile], from pid: Int32, startTime: UInt64
    ) throws(LaunchError) -> ServiceMount {
        guard let process = try Self.pidfd(pid, startTime: startTime) else {
            throw LaunchError("service '\(service)': its process \(pid) has ended")
        }
        let keeper: FileDescriptor
        do {
            keeper = try Self.take(InitDescriptor.keeper, from: process)
        } catch {
            throw LaunchError("service '\(service)': its files cannot be taken over: \(error)")
        }
        return try ServiceMount.adopt(service: service, files: files, keeper: keeper)
    }

    private static func take(_ number: Int32, from process: borrowing FileDescriptor) throws(SystemCallError) -> FileDescriptor {
        let source = process.number
        return FileDescriptor(owning: try retryingInterrupts("pidfd_getfd") { clinux_pidfd_getfd(source, number) })
    }

    /// A pidfd for exactly that process; nil where it is gone. The start time is compared after the
    /// descriptor is open, so that the pid cannot have been given to another in between.
    static func pidfd(_ pid: Int32, startTime: UInt64) throws(LaunchError) -> FileDescriptor? {
        let number = clinux_pidfd_open(pid)
        guard number >= 0 else {
            if errno == ESRCH || errno == EINVAL { return nil }
            throw LaunchError("process \(pid) cannot be reached: \(String(cString: strerror(errno)))")
        }
        let process = FileDescriptor(owning: number)
        guard ProcessIdentity.startTime(of: pid) == startTime else { return nil }
        return process
    }
}
