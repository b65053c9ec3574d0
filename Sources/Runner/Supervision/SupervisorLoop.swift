import CLinux
import Glibc
import Linux

/// Ties a stack's decisions to one event loop: the control socket, signals, deadlines, and the record on disk.
final class SupervisorLoop {
    let loop: EventLoop
    let directory: RuntimeDirectory
    let supervisor: StackSupervisor
    private let server: ControlServer
    private let logs: PrivateFolder
    private let bootID = BootIdentity.current()
    private var saveTime: Int64?
    /// Set once the process is to end: when at the latest.
    private var endTime: Int64?
    /// When to look again whether a stack that is left empty can go.
    private var emptyTime: Int64?
    private var isStopping = false
    private var isRemoved = false
    private var signals: FileDescriptor?
    private let renewalTimer: RenewalTimer

    /// In milliseconds: how long a change that a successor can do without may wait to be written.
    static let saveDelay: Int64 = 50
    /// In milliseconds: how long one may that a successor can't do without, while what was launched comes first.
    private static let launchDelay: Int64 = 2
    /// Other changes are written so seldom that at most one part in so many of the time is spent on it, but for the longest delay.
    private static let saveShare: Int64 = 20
    private static let longestSaveDelay: Int64 = 1000
    private var lastSaveTook: Int64 = 0
    /// See ``saveAtRest()``; times in milliseconds.
    private var going: (changes: UInt64, lastChange: Int64, unsavedSince: Int64?) = (0, 0, nil)
    /// As they were last written; see ``StoppedServices``.
    private var writtenStops: Set<String>

    init(
        loop: EventLoop, directory: RuntimeDirectory, logs: PrivateFolder, listener: consuming FileDescriptor, host: any InstanceHost
    ) throws(SystemCallError) {
        self.loop = loop
        self.directory = directory
        self.logs = logs
        renewalTimer = RenewalTimer(loop)
        let supervisor = StackSupervisor(
            host: host, now: MonotonicClock.now, wallClock: { Int64(time(nil)) }, moment: RenewalClock.Moment.now)
        supervisor.settlesAfterEvents = true
        self.supervisor = supervisor
        writtenStops = StoppedServices.read(in: logs)
        supervisor.stoppedServices = writtenStops
        let server = try ControlServer(listener: listener, loop: loop, supervisor: supervisor)
        self.server = server
        supervisor.onEvent = { [unowned server] in server.publish(.instance(event: $0)) }
        supervisor.onEndingSignal = { [unowned server] in server.publish(.instance(event: $0), isQuiet: true) }
        supervisor.onSecretEvent = { [unowned server] in server.publish(.secret(event: $0)) }
        supervisor.onDown = { [unowned self] in removeEverything() }
        supervisor.onOwed = { [unowned self] in save() }
    }

    /// Ends the stack in order when the process is asked to end.
    func handleSignals() throws(SystemCallError) {
        let wanted: [Int32] = [SIGTERM, SIGINT, 0]
        let descriptor = FileDescriptor(owning: try retryingInterrupts("signalfd") { clinux_signal_descriptor(wanted) })
        let number = descriptor.number
        signals = consume descriptor
        _ = try loop.add(number, .readable) { [unowned self] _ in
            while clinux_next_signal(number) > 0 { terminate() }
        }
    }

    /// The first time stops the stack in order; the second time at once.
    func terminate() {
        if isStopping {
            for instance in supervisor.instances.all where instance.isAlive { supervisor.host.signal(instance.name, SIGKILL) }
            return
        }
        isStopping = true
        supervisor.stopEverything(because: "the supervisor was asked to end, and stops the stack")
    }

    /// Runs until a `down` or a signal ends it.
    func run() throws(SystemCallError) {
        try loop.run(
            nextDeadline: { [unowned self] in
                [supervisor.nextDeadline, server.nextDeadline, saveTime, emptyTime, endTime].compactMap { $0 }.min()
            },
            afterEvents: { [unowned self] in afterEvents() })
        server.disconnect()
    }

    private func afterEvents() {
        supervisor.handleDeadlines()
        supervisor.settleIfDue()
        if !isRemoved && !isStopping { handleRenewals() }
        removeIfLeftEmpty()
        saveIfDue()
        if isStopping && supervisor.isSettled && endTime == nil && !isRemoved {
            save()
            resign()
            supervisor.host.removeGroups()
            directory.remove(RuntimeDirectory.socketName)
            end()
        }
        server.flush()
        if let endTime, !server.hasUnsent || MonotonicClock.now() >= endTime { loop.stop() }
    }

    /// Calls whoever waits for secrets that are due, and comes back when the next ones are.
    private func handleRenewals() {
        if supervisor.handOutRenewals() { server.callAttendant() }
        renewalTimer.set(supervisor.nextRenewal)
    }

    /// Ends a stack of which nothing is left, as `down` would, unless a command is about to change it; then that comes first.
    private func removeIfLeftEmpty() {
        guard supervisor.isLeftEmpty, !isRemoved, !isStopping else {
            emptyTime = nil
            return
        }
        guard supervisor.instances.isEmpty else {
            (supervisor.isLeftEmpty, emptyTime) = (false, nil)
            return
        }
        if let emptyTime, emptyTime > MonotonicClock.now() { return }
        emptyTime = MonotonicClock.now() + Self.emptyDelay
        guard supervisor.isSettled, let lock = (try? RuntimeLock.acquireIfFree(in: directory, command: "the supervisor, which ends")) ?? nil else { return }
        // That rights have ended is for the next command to say.
        removeEverything(but: UnloggedSign.name)
        emptyTime = nil
        _ = consume lock
    }

    /// In milliseconds: a command holds the stack's lock, which tells nobody when it lets go.
    private static let emptyDelay: Int64 = 500

    private func end() {
        server.close()
        server.dismissAttendant()
        endTime = MonotonicClock.now() + 1000
    }

    // MARK: The record

    private func saveIfDue() {
        switch supervisor.unsaved {
        case .nothing: saveTime = nil
        case .urgent: save()
        case .launched: save(within: Self.launchDelay)
        case .late where supervisor.isGoing, .soon where supervisor.isGoing: saveAtRest()
        case .late, .soon: save(within: min(max(Self.saveDelay, Self.saveShare * lastSaveTook), Self.longestSaveDelay))
        }
    }

    /// - Parameter delay: in milliseconds, from when it was first called for.
    private func save(within delay: Int64) {
        let time = MonotonicClock.now()
        if let saveTime, saveTime <= time { return save() }
        saveTime = min(saveTime ?? .max, time + delay)
    }

    /// Of a stack that goes as a whole the record goes, too, most often before it comes to rest. Where it does, some of it taking its time, a
    /// successor has to know what is gone: it would apply restart policies to what it believes to have ended by itself.
    private func saveAtRest() {
        let time = MonotonicClock.now()
        if supervisor.changes != going.changes { (going.changes, going.lastChange) = (supervisor.changes, time) }
        let begin = going.unsavedSince ?? time
        going.unsavedSince = begin
        let due = min(going.lastChange + Self.saveDelay, begin + Self.longestSaveDelay)
        saveTime = due
        if due <= time { save() }
    }

    private func save() {
        saveTime = nil
        going.unsavedSince = nil
        supervisor.saved()
        guard !isRemoved else { return }
        let begin = MonotonicClock.now()
        // Where the disk is full the stack goes on; the next change tries again.
        try? directory.write(supervisor.record(bootID: bootID), to: RuntimeDirectory.stateRecordName)
        supervisor.updateStoppedServices()
        if supervisor.stoppedServices != writtenStops, (try? StoppedServices.write(supervisor.stoppedServices, in: logs)) != nil {
            writtenStops = supervisor.stoppedServices
        }
        lastSaveTook = MonotonicClock.now() - begin
    }

    /// Says who supervises now.
    func recordSelf() throws {
        try directory.write(SupervisorRecord(process: .current(), bootID: bootID), to: RuntimeDirectory.supervisorRecordName)
    }

    /// What a predecessor has left; nil where there is nothing.
    func predecessorRecord() -> StateRecord? { directory.predecessorRecord(bootID: bootID) }

    /// Says that nobody has to go on with the stack: who found no socket, and this record still there, would start a successor. So it goes first.
    private func resign() { directory.remove(RuntimeDirectory.supervisorRecordName) }

    private func removeEverything(but kept: String? = nil) {
        isRemoved = true
        resign()
        // What is watched takes the kernel a while to let go, which the descriptor's end would wait for.
        supervisor.host.watch([])
        logs.remove()
        supervisor.host.removeGroups()
        directory.removeAll(but: kept)
        end()
    }
}
