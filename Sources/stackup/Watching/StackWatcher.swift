import Compose
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// Does what `develop.watch` asks for when files change. It belongs to the command that a person looks at, and ends with it.
final class StackWatcher {
    private let stack: Stack
    private let rules: [PlannedRule]
    private let invocation: Invocation
    private let directories: StackDirectories
    private let watcher: TreeWatcher
    private let exclusions: SyncExclusions
    /// As last applied, by service.
    private var plans: [String: LaunchPlan]
    private var batch = ChangeBatch()
    /// What has been copied by each rule since the watch began: an instance that starts later gets it, too.
    private var copied: [Int: Set<[UInt8]>] = [:]
    /// Instances that have started since.
    private var started: Set<String> = []
    /// Services that this restarts, which have all that they need where it is lasting.
    private var restarting: Set<String> = []
    /// Services that missed something.
    private var behind: Set<String> = []
    private var notices = Notices()
    /// Called before a line is printed.
    var willPrint: () -> Void = {}
    /// Called while a service restarts.
    var whileWaiting: () -> Void = {}
    /// Whether the person has had enough.
    var isOver: () -> Bool = { false }

    /// - Parameter session: with the stack as it runs.
    init(_ stack: Stack, _ rules: [PlannedRule], _ invocation: Invocation, _ session: borrowing StackSession) throws {
        self.stack = stack
        self.rules = rules
        self.invocation = invocation
        directories = session.directories
        guard let record = session.record else {
            throw CommandFailure("nothing of '\(stack.name)' runs; start it with: stackup up -d")
        }
        plans = Self.plans(record)
        let sources = stack.secrets.compactMap { secret -> String? in
            guard case .file(let path) = secret.source else { return nil }
            return realPath(path) ?? path
        }
        let kept = Self.kept(record) + invocation.paths.privatePaths + sources
        // A part of one that is mounted elsewhere, too.
        let exclusions = SyncExclusions(try MountTable.current().withAliases(kept))
        self.exclusions = exclusions
        watcher = try TreeWatcher(roots: Set(rules.map(\.root)).sorted()) { path, status in
            guard rules.contains(where: { $0.isWanted(path) }), !exclusions.cover(path) else { return false }
            guard let file = try? FileDescriptor.open(bytes: path, in: AT_FDCWD, O_PATH | O_NOFOLLOW) else { return false }
            return !exclusions.cover(status, file.number)
        }
        for path in watcher.unreadable { invocation.streams.warn("\(path) can't be read, so it isn't watched") }
    }

    private static func plans(_ record: StackRecord) -> [String: LaunchPlan] {
        record.services.mapValues(\.plan)
    }

    private static func kept(_ record: StackRecord) -> [String] {
        let surroundings = record.surroundings
        return surroundings.privatePaths + surroundings.plaintextSources + surroundings.hiddenPaths
    }

    /// Readable when a file has changed.
    var descriptor: Int32 { watcher.descriptor }

    /// How long to wait for it at most, in milliseconds; -1 for ever.
    var patience: Int32 {
        if !started.isEmpty { return 0 }
        return batch.patience(at: MonotonicClock.now()).map { Int32(clamping: $0) } ?? -1
    }

    /// Copies what is to be there from the beginning.
    func begin() throws {
        let state = try observe()
        for service in services {
            let wanted = initialWays(of: service)
            let count = Set(wanted.flatMap(\.value)).count
            guard count > 0 else { continue }
            say("Syncing service \"\(service)\": \(count == 1 ? "1 file is" : "\(count) files are") there already")
            try send(wanted, to: running(service, in: state), of: service)
        }
        say("Watch enabled")
    }

    func end() { say("Watch disabled") }

    /// Takes note of what happened to instances.
    func hear(_ events: [InstanceEvent]) {
        for event in events {
            guard case .started = event.kind, let instance = event.instance, services.contains(event.service) else { continue }
            let hasAll = restarting.contains(event.service) && !behind.contains(event.service)
                && rules.allSatisfy { $0.service != event.service || $0.target == nil || $0.isLasting }
            if !hasAll { started.insert(instance) }
        }
    }

    /// Does what is due.
    func proceed() throws {
        let changes = try watcher.changes()
        if changes.isEverything { say("Too much has changed at once; everything is looked at again") }
        exclusions.refresh(changes.paths)
        batch.add(changes.paths, at: MonotonicClock.now())
        if watcher.isBlind { throw CommandFailure("what was watched is gone") }
        if !started.isEmpty { try catchUp() }
        if let paths = batch.take(at: MonotonicClock.now()) { try act(on: paths) }
    }

    private var services: [String] { rules.map(\.service).withoutRepeats() }

    private func initialWays(of service: String) -> [Int: Set<[UInt8]>] {
        var ways: [Int: Set<[UInt8]>] = [:]
        for (index, rule) in rules.enumerated() where rule.service == service && rule.isSyncedAtFirst {
            ways[index] = Set(watcher.everything(below: rule.root).compactMap { path in
                guard let way = rule.way(to: path), !TransientFiles.isDescription(String(decoding: way, as: UTF8.self)) else { return nil }
                guard exclusions.cover(path) else { return way }
                noteKept(path)
                return nil
            })
        }
        return ways
    }

    /// Brings instances that have started up to date.
    private func catchUp() throws {
        let names = started
        started = []
        let state = try observe()
        for service in services {
            let instances = running(service, in: state).filter { names.contains($0.name) }
            let wanted = initialWays(of: service).merging(copied.filter { rules[$0.key].service == service }) { $0.union($1) }
            let count = Set(wanted.flatMap(\.value)).count
            guard !instances.isEmpty, count > 0 else { continue }
            say("Syncing service \"\(service)\", which has started: \(count == 1 ? "1 file" : "\(count) files")")
            behind.remove(service)
            if try send(wanted, to: instances, of: service) { try execute(Set(wanted.keys), in: instances) }
        }
    }

    private func act(on paths: Set<[UInt8]>) throws {
        restarting = []
        var ways: [Int: Set<[UInt8]>] = [:]
        for path in paths {
            for (index, rule) in rules.enumerated() {
                guard let way = rule.way(to: path) else { continue }
                if rule.target != nil, exclusions.cover(path) {
                    noteKept(path)
                } else {
                    ways[index, default: []].insert(way)
                }
            }
        }
        guard !ways.isEmpty else { return }
        let state = try observe()
        var restarts: [String] = []
        for service in services {
            let concerned = ways.filter { rules[$0.key].service == service }
            guard !concerned.isEmpty else { continue }
            let instances = running(service, in: state)
            guard try sync(concerned, service, instances) else { continue }
            if concerned.keys.contains(where: { rules[$0].action == .restart || rules[$0].action == .syncAndRestart }) { restarts.append(service) }
        }
        try restart(restarts)
        for service in services {
            let concerned = Set(ways.keys.filter { rules[$0].service == service })
            guard !behind.contains(service), !concerned.isEmpty else { continue }
            try execute(concerned, in: running(service, in: state))
        }
    }

    /// - Returns: whether what else is to be done may be.
    private func sync(_ ways: [Int: Set<[UInt8]>], _ service: String, _ instances: [ObservedInstance]) throws -> Bool {
        let copies = ways.filter { rules[$0.key].target != nil }
        let count = Set(copies.flatMap(\.value)).count
        guard count > 0 else { return true }
        copied.merge(copies) { $0.union($1) }
        say("Syncing service \"\(service)\" after \(count == 1 ? "1 change was" : "\(count) changes were") detected")
        guard !instances.isEmpty else {
            behind.insert(service)
            say("service \"\(service)\" does not run; it gets them when it starts")
            return false
        }
        return try send(copies, to: instances, of: service)
    }

    @discardableResult
    private func send(_ ways: [Int: Set<[UInt8]>], to instances: [ObservedInstance], of service: String) throws -> Bool {
        let transfer = SyncTransfer(
            exclusions: exclusions, streams: invocation.streams, isOver: isOver, onKept: { [unowned self] in noteKept($0) })
        var isWhole = true
        for instance in instances {
            guard let plan = try plan(of: instance) else {
                isWhole = false
                continue
            }
            for (index, ways) in ways.sorted(by: { $0.key < $1.key }) {
                do {
                    if try !transfer.send(ways, of: rules[index], to: instance, as: plan) { isWhole = false }
                } catch {
                    isWhole = false
                    willPrint()
                    invocation.streams.fail("service '\(service)': \(sanitizedForTerminal("\(error)"))")
                }
            }
        }
        if !isWhole { behind.insert(service) }
        return isWhole
    }

    private func restart(_ services: [String]) throws {
        guard !services.isEmpty, !isOver() else { return }
        guard let supervisor = try SupervisorClient.connect(directories) else { throw SupervisionError.lostConnection(to: directories) }
        restarting = Set(services)
        supervisor.onWait = whileWaiting
        do {
            try supervisor.restart(services: services, dependents: true)
        } catch {
            guard case .refused(let reason) = error else { throw error }
            willPrint()
            return invocation.streams.fail(reason)
        }
        let names = services.map { "\"\($0)\"" }.joined(separator: " ")
        say("service(s) [\(names)] restarted")
    }

    /// Runs the commands of rules, each once in each instance.
    private func execute(_ indices: Set<Int>, in instances: [ObservedInstance]) throws {
        for index in indices.sorted() {
            guard case .syncAndExecute(let hook) = rules[index].action else { continue }
            for instance in instances where !isOver() {
                guard instance.isPaused != true else {
                    say("service \"\(instance.service)\" is paused; its command does not run")
                    continue
                }
                guard let plan = try plan(of: instance) else { continue }
                willPrint()
                do {
                    let possible = instance.pid.flatMap { PossibleIdentities.of(process: $0, startedBy: invocation.user) } ?? .unlimited(for: invocation.user)
                    let command = try hook.command(beside: plan, in: stack.workingDirectory, among: possible)
                    let status = try command.run(in: instance, of: plan, directories)
                    if status != 0, !isOver() { invocation.streams.warn("the command in \(instance.name) exited with code \(status)") }
                } catch {
                    invocation.streams.fail("the command in \(instance.name): \(error)")
                }
            }
        }
    }

    // MARK: What runs

    private func observe() throws -> ObservedState {
        guard let supervisor = try SupervisorClient.connect(directories) else { throw SupervisionError.lostConnection(to: directories) }
        let state = try supervisor.observe()
        // A secret may have come, or its file another one, since the watch began.
        exclusions.add(state.maskedFiles)
        return state
    }

    private func running(_ service: String, in state: ObservedState) -> [ObservedInstance] {
        state.instances.filter { $0.service == service && $0.status == .running }.sorted { $0.index < $1.index }
    }

    /// The plan that an instance was launched by, which says as whom it runs; nil where it can't be had, which is said.
    private func plan(of instance: ObservedInstance) throws -> LaunchPlan? {
        if let plan = plans[instance.service], plan.configHash == instance.configHash { return plan }
        // Another `up` has changed it. The store's keys are given back at once.
        let session = try StackSession.observing(stack.name, invocation, store: try? invocation.openStoreUnasked())
        if let record = session.record {
            plans = Self.plans(record)
            exclusions.add(Self.kept(record))
        }
        _ = consume session
        invocation.forgetKeys()
        if let plan = plans[instance.service], plan.configHash == instance.configHash { return plan }
        if notices.isFirst(instance.configHash) {
            willPrint()
            invocation.streams.warn("service '\(instance.service)' runs as another 'up' has made it; start the watch again")
        }
        return nil
    }

    // MARK: What is said

    private func say(_ text: String) {
        willPrint()
        invocation.streams.print("⦿ \(sanitizedForTerminal(text))")
    }

    private func noteKept(_ path: [UInt8]) {
        let text = String(decoding: path, as: UTF8.self)
        guard notices.isFirst(text) else { return }
        willPrint()
        invocation.streams.note("not copied: \(text), which is kept from services")
    }
}
