import Glibc
import JSON
import Linux
import Reconciler
import Testing
import Waiting

@testable import Runner

/// A supervisor's loop on a thread of its own, with a fake host whose instances start and stop at once.
final class ServedStack: @unchecked Sendable {
    let temporary = TemporaryDirectory()
    let directories: StackDirectories
    let host = FakeHost()
    private var supervisorLoop: SupervisorLoop?
    private var thread = pthread_t()
    /// Does something on the loop's thread, which waits for events.
    private(set) var perform: (@escaping (SupervisorLoop) -> Void) -> Void = { _ in }

    init() throws {
        directories = StackDirectories(runtime: "\(temporary.path)/run/shop", logs: "\(temporary.path)/logs/shop")
        let directory = try #require(try RuntimeDirectory.open(directories.runtime, create: true))
        let logs = try #require(try RuntimeDirectory.openPrivate(directories.logs, create: true))
        let supervisorLoop = try SupervisorLoop(
            loop: try EventLoop(), directory: directory, logs: logs, listener: try ControlSocket.listen(directory), host: host)
        self.supervisorLoop = supervisorLoop
        // A pipe that is always readable calls back from the loop, as a pidfd would.
        let supervisor = supervisorLoop.supervisor
        var later: [() -> Void] = []
        let wake = makePipe()
        _ = try supervisorLoop.loop.add(wake.0, .readable) { _ in
            var byte: UInt8 = 0
            _ = read(wake.0, &byte, 1)
            if !later.isEmpty { later.removeFirst()() }
        }
        func soon(_ body: @escaping () -> Void) {
            later.append(body)
            _ = write(wake.1, [1], 1)
        }
        host.onLaunch = { name in soon { supervisor.started(name) } }
        host.onSignal = { name, signal in if signal != SIGHUP { soon { supervisor.ended(name, code: 128 + signal) } } }
        perform = { body in soon { [unowned supervisorLoop] in body(supervisorLoop) } }
        let unmanaged = Unmanaged.passRetained(supervisorLoop)
        pthread_create(&thread, nil, { argument in
            try? Unmanaged<SupervisorLoop>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }, unmanaged.toOpaque())
    }

    func connect() throws -> SupervisorClient { try #require(try SupervisorClient.connect(directories)) }

    func socket() throws -> FileDescriptor {
        let directory = try #require(try RuntimeDirectory.open(directories.runtime, create: false))
        guard let socket = try ControlSocket.connect(directory) else { throw Refusal(description: "nobody listens") }
        return socket
    }

    /// Waits for the loop to end.
    func join() { pthread_join(thread, nil) }
}

/// What a thread of its own waits for.
final class Waiting {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

private func makePipe() -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0)
    return (ends[0], ends[1])
}

@Suite struct OrderlyEndTests {
    let stack: ServedStack

    init() throws { stack = try ServedStack() }

    /// - Returns: whether a command that looked while the stack is taken away would start a successor, and whether there was still somebody to ask.
    private func look(during end: () throws -> Void) throws -> (needsSuccessor: Bool?, hasSocket: Bool?) {
        let directories = stack.directories
        let directory = try #require(try RuntimeDirectory.open(directories.runtime, create: false))
        try directory.write(SupervisorRecord(process: .current(), bootID: BootIdentity.current()), to: RuntimeDirectory.supervisorRecordName)
        try stack.connect().apply(Deployment(plans: [.test("web")], operations: [.create(service: "web", index: 1)]))
        eventually { StackRemains.state(directories) != nil }
        #expect(try StackRemains.needSuccessor(directories))
        var seen: (Bool?, Bool?)
        stack.host.onRemoveGroups = {
            seen = (try? StackRemains.needSuccessor(directories), access("\(directories.runtime)/control.sock", F_OK) == 0)
        }
        try end()
        stack.join()
        return seen
    }

    /// A successor would start again by its restart policy what `down` has said to be removed.
    @Test func whatIsGoneIsRecordedWhileOthersTakeTheirTime() throws {
        let patient = InstanceName(service: "patient", index: 1)
        let end = stack.host.onSignal
        stack.host.onSignal = { name, signal in if name != patient || signal == SIGKILL { end(name, signal) } }
        let directory = try #require(try RuntimeDirectory.open(stack.directories.runtime, create: false))
        func recorded() -> [String]? { directory.predecessorRecord(bootID: BootIdentity.current())?.instances.map(\.service) }
        try stack.connect().apply(Deployment(
            plans: [.test("quick", restart: .always), .test("patient")], operations: [.create(service: "quick", index: 1), .create(service: "patient", index: 1)]))
        #expect(eventually { recorded() == ["patient", "quick"] })
        let client = try stack.connect()
        try client.send(.down(services: nil, timeoutMilliseconds: nil))
        #expect(eventually { recorded() == ["patient"] })
        try stack.connect().kill(services: ["patient"])
        try client.finish()
        stack.join()
    }

    /// It would revive what was just taken down.
    @Test func whoLooksWhileAStackIsTakenDownStartsNoSuccessor() throws {
        let seen = try look { try stack.connect().down() }
        #expect(seen.needsSuccessor == false && seen.hasSocket == true)
    }

    @Test func whoLooksWhileASupervisorEndsInOrderStartsNoSuccessor() throws {
        let seen = try look { stack.perform { $0.terminate() } }
        #expect(seen.needsSuccessor == false && seen.hasSocket == true)
    }
}

@Suite struct ControlServerTests {
    let stack: ServedStack

    init() throws { stack = try ServedStack() }

    private func create(_ service: String, files: [MountedFile] = []) -> Deployment {
        Deployment(plans: [.test(service, files: files)], operations: [.create(service: service, index: 1)])
    }

    private func down() throws {
        try stack.connect().down()
        stack.join()
    }

    @Test func aStackLivesFromUpToDownAndLeavesNothing() throws {
        let secret = MountedFile.test("key")
        var deployment = create("web", files: [secret])
        deployment.payloads = [.init(length: 6, files: [.init(service: "web", target: secret.target)])]
        var events: [String] = []
        try stack.connect().apply(deployment) { _, send in
            // In pieces, as guarded memory may hand it out.
            try Array("hun".utf8).withUnsafeBytes { try send($0) }
            try Array("ter".utf8).withUnsafeBytes { try send($0) }
        } onEvent: { events.append(Bench.text($0)) }
        #expect(events == ["web fileWritten(target: \"/run/secrets/key\")", "web-1 created", "web-1 starting", "web-1 started(pid: 1001)"])
        #expect(stack.host.contents["web/run/secrets/key"] == Array("hunter".utf8))
        let state = try stack.connect().observe()
        #expect(state.instances.map(\.status) == [.running])
        #expect(state.mounts.first?.files == [secret])
        #expect(state.supervisorPID == getpid())
        try down()
        #expect(!stack.temporary.exists("run") && !stack.temporary.exists("logs"))
        #expect(try SupervisorClient.connect(stack.directories) == nil)
    }

    @Test func secretsOfEverySizeArriveWhereTheyBelong() throws {
        let values = [1, 20_000, 5, 500 * 1024, 0, 16_384, 16_384, 16_385, 3].enumerated().map { [UInt8](repeating: UInt8($0 + 65), count: $1) }
        let files = values.indices.map { MountedFile.test("key\($0)") }
        let deployment = Deployment(
            plans: [.test("web", files: files)], operations: [.create(service: "web", index: 1)],
            payloads: values.indices.map { .init(length: values[$0].count, files: [.init(service: "web", target: files[$0].target)]) })
        try stack.connect().apply(deployment) { position, send in try values[position].withUnsafeBytes { try send($0) } }
        for (file, value) in zip(files, values) { #expect(stack.host.contents["web\(file.target)"] == value) }
        try down()
    }

    @Test func bytesThatDoNotMatchTheAnnouncementAreNotApplied() throws {
        let secret = MountedFile.test("key")
        var deployment = create("web", files: [secret])
        deployment.payloads = [.init(length: 6, files: [.init(service: "web", target: secret.target)])]
        for text in ["hunter22", "hunt"] {
            #expect(throws: SupervisionError.self) {
                try stack.connect().apply(deployment) { _, send in try Array(text.utf8).withUnsafeBytes { try send($0) } }
            }
        }
        #expect(try stack.connect().observe().instances.isEmpty)
        try down()
    }

    @Test func theRecordIsWrittenBeforeTheCommandHasItsAnswer() throws {
        try stack.connect().apply(create("web"))
        let text = try #require(stack.temporary.read("run/shop/state.json"))
        #expect(text.contains("\"pid\":1001") && !text.contains("hunter2"))
        try down()
    }

    @Test func aCommandThatDiesInTheMiddleOfAMessageChangesNothing() throws {
        let secret = MountedFile.test("key")
        var deployment = create("web", files: [secret])
        deployment.payloads = [.init(length: 6, files: [.init(service: "web", target: secret.target)])]
        do {
            let socket = try stack.socket()
            try socket.writeAll(try Wire.frame(.apply(deployment)) + Array("hun".utf8))
        }
        #expect(try stack.connect().observe().instances.isEmpty)
        #expect(stack.host.calls.isEmpty)
        try down()
    }

    @Test func aCommandThatDiesAfterItsMessageIsServedToTheEnd() throws {
        do {
            let socket = try stack.socket()
            try socket.writeAll(try Wire.frame(.apply(create("web"))))
        }
        #expect(try eventually { try stack.connect().observe().instances.first?.status == .running })
        try down()
    }

    @Test func aSubscriberHearsWhatOthersDo() throws {
        let subscriber = try stack.connect()
        try subscriber.subscribe()
        try stack.connect().apply(create("web"))
        var events: [String] = []
        for _ in 0..<3 { events.append(try #require(try subscriber.nextEvent().map(Bench.text))) }
        #expect(events == ["web-1 created", "web-1 starting", "web-1 started(pid: 1001)"])
        try down()
        while let event = try subscriber.nextEvent() { events.append(Bench.text(event)) }
        #expect(events.last == "web-1 removed")
    }

    @Test func whoComesLateHearsWhatHasHappenedAndThenWhatHappens() throws {
        try stack.connect().apply(create("web"))
        let late = try stack.connect()
        try late.subscribe(since: 0)
        var events: [StackEvent] = []
        for _ in 0..<3 { events.append(try #require(try late.nextStackEvent())) }
        #expect(events.map(\.subject).first == .instance(event: InstanceEvent(service: "web", index: 1, kind: .created)))
        try stack.connect().report(RenewalReport(outcomes: [.init("key", .rotated(version: 2))]))
        let secret = try #require(try late.nextStackEvent())
        #expect(secret.subject == .secret(event: SecretEvent(secret: "key", services: [], kind: .rotated(version: 2))))
        #expect(secret.time > events[2].time && events[2].time > events[0].time)
        let later = try stack.connect()
        try later.subscribe(since: secret.time)
        #expect(try later.nextStackEvent() == secret)
        try down()
    }

    @Test func whatIsDueIsHandedToOneAttendantAtItsTime() throws {
        let attendant = try stack.connect()
        func schedule(last: Int64) throws {
            let due = WallClock.nanoseconds() / 1_000_000 + 50
            try stack.connect().report(RenewalReport(schedule: [ScheduledRenewal(secret: "key", due: due, period: 1000, last: last)]))
        }
        let start = MonotonicClock.now()
        try schedule(last: 1)
        #expect(try attendant.attend(failure: nil))
        #expect((45...60_000).contains(MonotonicClock.now() - start))
        #expect(try stack.connect().observe().schedule?.underWay == ["key"])
        #expect(throws: SupervisionError.refused("another process waits for secrets that are due already")) {
            _ = try stack.connect().attend(failure: nil)
        }
        // It is half a period until its next turn at least.
        try schedule(last: 2)
        #expect(try attendant.attend(failure: nil))
        #expect(MonotonicClock.now() - start >= 500)
        #expect(try stack.connect().observe().schedule?.isAttended == true)
        try down()
        #expect(try !attendant.attend(failure: nil))
    }

    @Test func anAttendantThatDiesMakesRoomForAnother() throws {
        try stack.connect().report(RenewalReport(schedule: [ScheduledRenewal(secret: "key", due: 0, period: 1000, last: 1)]))
        do {
            let attendant = try stack.connect()
            #expect(try attendant.attend(failure: nil))
        }
        #expect(try eventually { try stack.connect().observe().schedule?.isAttended == false })
        // What it was handed counts as tried.
        let subscriber = try stack.connect()
        try subscriber.subscribe(since: 0)
        let next = try stack.connect()
        #expect(try next.attend(failure: nil))
        guard case .secret(let event) = try #require(try subscriber.nextStackEvent()).subject else { throw Refusal(description: "no event") }
        #expect(event.kind == .failed(reason: "the process that was to get a new value ended without a word of it"))
        try down()
    }

    @Test func anAttendantIsSentAwayWhenTheStackGoes() throws {
        let attendant = try stack.connect()
        nonisolated(unsafe) var result: Bool?
        nonisolated(unsafe) let client = attendant
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Waiting { result = try? client.attend(failure: nil) })
        pthread_create(&thread, nil, { Unmanaged<Waiting>.fromOpaque($0!).takeRetainedValue().body(); return nil }, body.toOpaque())
        try stack.connect().report(RenewalReport(schedule: [ScheduledRenewal(secret: "key", due: 9_000_000_000_000, period: 3_600_000, last: 1)]))
        try down()
        pthread_join(thread, nil)
        #expect(result == false)
    }

    @Test func refusalsReachTheCommandInWords() throws {
        #expect(throws: SupervisionError.refused("service 'nobody' has no instance; run 'up nobody'")) {
            try stack.connect().stop(services: ["nobody"])
        }
        try down()
    }

    @Test func noiseOnManyConnectionsLeavesTheStackAlone() throws {
        try stack.connect().apply(create("web"))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let socket = try stack.socket()
            var bytes = try Wire.frame(.stop(services: ["wbe"], timeoutMilliseconds: 1))
            for _ in 0..<Int.random(in: 1...20) { bytes[Int.random(in: 0..<bytes.count)] = .random(in: .min ... .max, using: &generator) }
            _ = bytes.withUnsafeBytes { send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
        #expect(try stack.connect().observe().instances.map(\.status) == [.running])
        try down()
    }

    @Test func aClientThatDoesNotReadIsDroppedAndHoldsNobodyUp() throws {
        try stack.connect().apply(Deployment(
            plans: [.test("web")], operations: (1...200).map { .create(service: "web", index: $0) }))
        let lazy = try stack.socket()
        // More answers than any buffer holds; the supervisor reads them, answers, and gives up on this one.
        let request = try Wire.frame(.observe)
        var isDropped = false
        for _ in 0..<2_000_000 {
            let count = request.withUnsafeBytes { send(lazy.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
            isDropped = count < 0 && errno != EAGAIN
            if isDropped { break }
            if count >= 0 && count < request.count { break }
            if count < 0 { usleep(100) }
        }
        #expect(isDropped)
        #expect(try stack.connect().observe().instances.count == 200)
        try down()
    }

    @Test func observingIsQuick() throws {
        try stack.connect().apply(Deployment(
            plans: (0..<50).map { .test("s\($0)") }, operations: (0..<50).map { .create(service: "s\($0)", index: 1) }))
        let client = try stack.connect()
        _ = try client.observe()
        let start = MonotonicClock.now()
        for _ in 0..<20 { _ = try client.observe() }
        // A debug build, beside other tests: the figure to keep is measured by scripts/bench.
        #expect(MonotonicClock.now() - start < 30_000)
        try down()
    }
}
