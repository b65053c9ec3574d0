import Glibc
import Linux
import Reconciler
import Testing
import Waiting

@testable import Runner

/// A stack with a supervisor of its own process and real services.
final class RealStack {
    let temporary: TemporaryDirectory
    let directories: StackDirectories

    /// The folder of the test's own executable: `stackup` is built there, `stackup-init` by scripts/build.
    static let programs: String = {
        let path = realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? ""
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    }()
    static let isPossible = geteuid() == 0 && access(programs + "/stackup-init", X_OK) == 0 && access(programs + "/stackup", X_OK) == 0

    init() {
        temporary = TemporaryDirectory("/a home with späces")
        directories = StackDirectories(runtime: "\(temporary.path)/run/shop", logs: "\(temporary.path)/logs/shop")
    }

    deinit {
        guard let client = try? client() else { return }
        try? client.down(timeoutMilliseconds: 100)
    }

    /// A connection to the running supervisor, or to a new one.
    func client() throws -> SupervisorClient {
        try SupervisorClient.connect(directories) ?? start()
    }

    /// As a command does that has seen no supervisor.
    func start() throws -> SupervisorClient {
        try SupervisorClient.start(
            directories, supervisorExecutable: Self.programs + "/stackup", initExecutable: Self.programs + "/stackup-init")
    }

    func plan(
        _ service: String, _ script: String, after dependencies: [String] = [], restart: Restart = .no, files: [MountedFile] = [], grace: Int64 = 60_000
    ) -> LaunchPlan {
        LaunchPlan(
            service: service, configHash: script, arguments: ["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin"], files: files,
            restart: restart, dependencies: dependencies.map { Dependency($0) }, stopGraceMilliseconds: grace)
    }

    func up(_ plans: LaunchPlan..., secrets: [String: String] = [:]) throws {
        let writes = plans.flatMap { plan in plan.files.map { Deployment.Destination(service: plan.service, target: $0.target) } }
        let values = writes.map { Array((secrets[String($0.target.split(separator: "/").last!)] ?? "").utf8) }
        try client().apply(Deployment(
            plans: plans, operations: plans.flatMap { plan in (1...plan.replicas).map { .create(service: plan.service, index: $0) } },
            payloads: zip(writes, values).map { .init(length: $1.count, files: [$0]) })
        ) { position, send in try values[position].withUnsafeBytes { try send($0) } }
    }

    /// Replaces a secret in place.
    func write(_ file: MountedFile, _ value: String, of service: String, then reactions: [Deployment.Operation] = []) throws {
        let bytes = Array(value.utf8)
        try client().apply(Deployment(
            operations: [.write(service: service, file: file)] + reactions,
            payloads: [.init(length: bytes.count, files: [.init(service: service, target: file.target)])])
        ) { _, send in try bytes.withUnsafeBytes { try send($0) } }
    }

    func instance(_ service: String, _ index: Int = 1) throws -> ObservedInstance? {
        try client().observe().instances.first { $0.service == service && $0.index == index }
    }

    /// What the service has printed.
    func output(_ instance: String) throws -> [String] {
        var lines: [String] = []
        try LogReader(directory: directories.logs, of: .instance(instance)).readAvailable { lines.append(String(decoding: $0.bytes, as: UTF8.self)) }
        return lines
    }

    /// Kills the supervisor as an out-of-memory killer would, and waits until it is gone.
    func killSupervisor() throws {
        let pid = try #require(try client().observe().supervisorPID)
        kill(pid, SIGKILL)
        var status: Int32 = 0
        _ = waitpid(pid, &status, 0)
    }

    /// What a service has printed that stands still: the same for a while, once all that was under way has arrived.
    func settledOutput(_ instance: String) throws -> [String] {
        var lines: [String] = []
        let isStill = try eventually {
            lines = try output(instance)
            usleep(300_000)
            return try output(instance) == lines
        }
        #expect(isStill)
        return lines
    }
}

@Suite(.enabled(if: RealStack.isPossible, "needs root, and stackup-init beside the tests (scripts/build)"), .serialized)
struct RealStackTests {
    let stack = RealStack()
    private let secret = MountedFile.test("key")

    @Test func aServiceReadsItsSecretAndDownLeavesNothing() throws {
        try stack.up(stack.plan("web", "cat /run/secrets/key; echo; echo oops >&2; exec sleep 1000", files: [secret]), secrets: ["key": "hunter2"])
        let instance = try #require(try stack.instance("web"))
        #expect(instance.status == .running)
        #expect(try eventually { try stack.output("web-1").count == 2 })
        #expect(try Set(stack.output("web-1")) == ["hunter2\n", "oops\n"])
        #expect(try !(#require(stack.temporary.read("run/shop/state.json")).contains("hunter2")))
        let supervisor = try #require(try stack.client().observe().supervisorPID)
        try stack.client().down()
        #expect(DirectoryListing.names(in: try FileDescriptor.open(stack.temporary.path, O_RDONLY).number) == [])
        #expect(kill(try #require(instance.pid), 0) != 0)
        #expect(eventually { waitpid(supervisor, nil, WNOHANG) != 0 })
    }

    @Test func aSecretIsReplacedWithoutARestartAndTheServiceIsTold() throws {
        try stack.up(
            stack.plan("web", "trap 'cat /run/secrets/key; echo' HUP; echo ready; while :; do sleep 0.01; done", files: [secret]), secrets: ["key": "old"])
        let before = try stack.instance("web")
        #expect(try eventually { try stack.output("web-1") == ["ready\n"] })
        try stack.write(.test("key", version: "2"), "new", of: "web", then: [.signal(service: "web", signal: SIGHUP)])
        #expect(try eventually { try stack.output("web-1") == ["ready\n", "new\n"] })
        #expect(try stack.instance("web")?.pid == before?.pid)
    }

    @Test func servicesOutliveTheirSupervisorAndTheNextOneTakesOver() throws {
        let web = stack.plan(
            "web", "trap 'cat /run/secrets/key; echo' HUP; trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done", restart: .always, files: [secret])
        try stack.up(web, stack.plan("job", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"), secrets: ["key": "old"])
        let before = try #require(try stack.instance("web")), job = try #require(try stack.instance("job"))
        #expect(try eventually { try stack.output("web-1") == ["ready\n"] && stack.output("job-1") == ["ready\n"] })
        try stack.killSupervisor()
        #expect(kill(try #require(before.pid), 0) == 0)
        // What it prints now, and how others end, is there for the next one.
        kill(try #require(before.pid), SIGHUP)
        kill(try #require(job.pid), SIGTERM)
        #expect(eventually { ProcessIdentity.startTime(of: job.pid!) != job.startTime })
        let after = try #require(try stack.instance("web"))
        #expect(after.pid == before.pid && after.status == .running && after.startTime == before.startTime)
        #expect(try stack.instance("job")?.exitCode == 7)
        #expect(try eventually { try stack.output("web-1") == ["ready\n", "old\n"] })
        // Rotation goes on working.
        try stack.write(.test("key", version: "2"), "new", of: "web", then: [.signal(service: "web", signal: SIGHUP)])
        #expect(try eventually { try stack.output("web-1") == ["ready\n", "old\n", "new\n"] })
        // And so do restarts, once a command has brought the plans; the tmpfs is the same.
        try stack.client().provide([web], StackSurroundings())
        kill(try #require(before.pid), SIGTERM)
        #expect(try eventually { try stack.instance("web")?.restarts == 1 && stack.instance("web")?.status == .running })
        #expect(try eventually { try stack.output("web-1").last == "ready\n" })
        try stack.client().kill(services: ["web"], signal: SIGHUP)
        #expect(try eventually { try stack.output("web-1").last == "new\n" })
        try stack.client().down()
        #expect(DirectoryListing.names(in: try FileDescriptor.open(stack.temporary.path, O_RDONLY).number) == [])
    }

    @Test func anInstanceThatNoRecordNamesIsEnded() throws {
        try stack.up(stack.plan("web", "exec sleep 1000"))
        let instance = try #require(try stack.instance("web"))
        try stack.killSupervisor()
        // As if it had been killed between the clone and the write.
        unlink("\(stack.directories.runtime)/state.json")
        #expect(try StackRemains.hasLiveInstances(stack.directories))
        #expect(try stack.client().observe().instances == [])
        #expect(try eventually { ProcessIdentity.startTime(of: try #require(instance.pid)) != instance.startTime })
    }

    /// Whoever got hold of its descriptors could else change how others seem to have ended: what is open for reading can be opened again.
    @Test func noInstanceKeepsAWayToTheStatusesOfOthers() throws {
        try stack.up(stack.plan("web", "exec sleep 1000"), stack.plan("db", "exec sleep 1000"))
        let pid = try #require(try stack.instance("web")?.pid)
        let folder = try FileDescriptor.open("/proc/\(pid)/fd", O_RDONLY | O_DIRECTORY)
        func numbers(of name: String) throws -> [String] {
            let wanted = try FileDescriptor.open("\(stack.directories.runtime)/\(name)", O_RDONLY).status()
            return DirectoryListing.names(in: folder.number).filter { number in
                var status = Glibc.stat()
                return stat("/proc/\(pid)/fd/\(number)", &status) == 0 && status.st_ino == wanted.st_ino && status.st_dev == wanted.st_dev
            }
        }
        #expect(try numbers(of: ExitStatuses.signName) == ["5"])
        #expect(try numbers(of: ExitStatuses.fileName) == [])
        let maps = String(decoding: try FileDescriptor.open("/proc/\(pid)/maps", O_RDONLY).readAll() ?? [], as: UTF8.self)
        let mapped = maps.split(separator: "\n").filter { $0.hasSuffix("/" + ExitStatuses.fileName) }
        let bounds = try #require(mapped.first).split(separator: " ")[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
        #expect(mapped.count == 1 && bounds.count == 2 && bounds[1] - bounds[0] == UInt64(getpagesize()))
    }

    @Test func aRestartPolicyBringsAServiceBack() throws {
        try stack.up(stack.plan("web", "echo run; exit 1", restart: .onFailure(maximumRetries: 2)))
        #expect(try eventually { try stack.instance("web").map { $0.status == .exited && $0.restarts == 2 } ?? false })
        #expect(try stack.output("web-1") == ["run\n", "run\n", "run\n"])
        #expect(try stack.instance("web")?.exitCode == 1)
    }

    @Test func whoIgnoresTheStopSignalIsKilled() throws {
        try stack.up(stack.plan("web", "trap '' TERM; echo ready; while :; do sleep 0.01; done", grace: 200))
        #expect(try eventually { try stack.output("web-1") == ["ready\n"] })
        let start = MonotonicClock.now()
        try stack.client().stop()
        #expect((200..<30_000).contains(MonotonicClock.now() - start))
        #expect(try stack.instance("web")?.exitCode == 137)
        #expect(try stack.instance("web")?.stoppedByUser == true)
    }

    /// As long as an instance is being set up, there is what it will not see: the host's tree, and other mounts.
    @Test func namespacesAreSharedOnceTheyAreSetUp() throws {
        let db = stack.plan("db", "exec sleep 1000")
        var web = stack.plan("web", "exec sleep 1000")
        web.namespaces = NamespacePlan()
        web.namespaces?.ipc = .service("db")
        // Nothing says that one comes after the other, and the supervisor hears of neither before it has launched both.
        do {
            try stack.up(db, web)
            Issue.record("it got namespaces that were not set up")
        } catch {
            #expect("\(error)".contains("'db', whose namespaces it shares, is not running"))
        }
        #expect(try stack.instance("db")?.status == .running)
        try stack.client().start(services: ["web"])
        #expect(try stack.instance("web")?.status == .running)
    }

    @Test func aCommandThatIsNotThereIsAnErrorWithItsName() throws {
        var plan = stack.plan("web", "")
        plan.arguments = ["/no/such/program"]
        do {
            try stack.up(plan)
            Issue.record("it started")
        } catch {
            #expect("\(error)".contains("/no/such/program"))
        }
        #expect(try stack.instance("web")?.exitCode == 127)
    }

    @Test func allThatAServicePrintsLastIsKept() throws {
        try stack.up(stack.plan("web", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf end"))
        #expect(try eventually { try stack.instance("web")?.status == .exited })
        let lines = try stack.output("web-1")
        #expect(lines.count == 3001 && lines.last == "end" && lines.first == "line 0\n")
    }

    @Test func aServiceThatIsHeldUpGoesOnWhenItsSyslogIsStartedAgain() throws {
        let path = stack.temporary.path + "/log"
        func listen(at path: String) -> Int32 {
            let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            #expect(SocketAddress.withUnix(path) { bind(number, $0, $1) } == 0)
            return number
        }
        var numbers: [Int] = []
        func take(from listener: Int32) {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(listener, &buffer, buffer.count, 0)
                guard count > 0 else { return }
                numbers.append(Int(String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ").last!)!)
            }
        }
        let first = listen(at: path)
        var plan = stack.plan("flood", "seq 20000; exec sleep 1000")
        plan.logging = LogPlan(isKept: false, destination: .syslog(socket: path, facility: 1, format: .rfc3164, tag: "flood"))
        try stack.up(plan)
        // It has written all that both ends take, and waits.
        var begun = pollfd(fd: first, events: Int16(POLLIN), revents: 0)
        #expect(poll(&begun, 1, 30_000) == 1)
        usleep(300_000)
        let second = listen(at: path + ".new")
        defer { close(second) }
        // Who is started again takes the place, and then what the one before has still got.
        rename(path + ".new", path)
        shutdown(first, Int32(SHUT_RD))
        take(from: first)
        close(first)
        #expect(!numbers.isEmpty && numbers.count < 20_000)
        // It is slow at first, so that the service is held up again.
        usleep(300_000)
        // However long it takes: but for a pause in which nothing comes at all.
        var wanted = pollfd(fd: second, events: Int16(POLLIN), revents: 0)
        while numbers.count < 20_000, poll(&wanted, 1, 60_000) == 1 { take(from: second) }
        #expect(numbers == Array(1...20_000), "\(numbers.count)")
    }

    @Test func servicesGoUpInOrderAndDownInReverse() throws {
        let client = try stack.client()
        try client.subscribe()
        try stack.up(
            stack.plan("web", "exec sleep 1000", after: ["api"]), stack.plan("api", "exec sleep 1000", after: ["db"]), stack.plan("db", "exec sleep 1000"))
        try stack.client().down()
        var events: [String] = []
        while let event = try client.nextEvent() { events.append(Bench.text(event)) }
        let interesting = events.filter { $0.contains("started") || $0.contains("exited") }.map { String($0.prefix { $0 != "(" }) }
        #expect(interesting == ["db-1 started", "api-1 started", "web-1 started", "web-1 exited", "api-1 exited", "db-1 exited"])
    }

    @Test func fiftyServicesGoUpAndDownAndCostLittle() throws {
        let plans = (1...50).map { stack.plan("s\($0)", "exec sleep 1000", files: [secret]) }
        let client = try stack.client()
        let start = MonotonicClock.now()
        try client.apply(Deployment(
            plans: plans, operations: plans.map { .create(service: $0.service, index: 1) },
            payloads: [.init(length: 7, files: plans.map { .init(service: $0.service, target: secret.target) })])
        ) { _, send in try Array("hunter2".utf8).withUnsafeBytes { try send($0) } }
        let up = MonotonicClock.now()
        let state = try client.observe()
        #expect(state.instances.filter { $0.status == .running }.count == 50)
        let observeStart = MonotonicClock.now()
        for _ in 0..<100 { _ = try client.observe() }
        let observed = MonotonicClock.now()
        let memory = residentMemory(try #require(state.supervisorPID))
        try client.down()
        let down = MonotonicClock.now()
        print("50 services: up \(up - start) ms, observe \((observed - observeStart) * 10) µs, down \(down - observed) ms, supervisor \(memory / 1024) MiB")
        #expect(memory < 40 * 1024)
        #expect(DirectoryListing.names(in: try FileDescriptor.open(stack.temporary.path, O_RDONLY).number) == [])
    }

    /// Who only looks on holds no lock, and may find a killed supervisor gone at the same time as others.
    @Test func whoeverComesTooLateToStartASupervisorFindsTheOneThatIsThere() throws {
        try stack.up(stack.plan("web", "exec sleep 1000"))
        let first = try stack.client().observe()
        let late = try stack.start().observe()
        #expect(late.supervisorPID == first.supervisorPID)
        #expect(late.instances.map(\.pid) == first.instances.map(\.pid))
        #expect(try stack.client().observe().supervisorPID == first.supervisorPID)
    }

    @Test func aSupervisorThatCannotStartSaysWhy() throws {
        _ = try RuntimeDirectory.open(stack.directories.runtime, create: true)
        let client = try SupervisorClient.start(
            stack.directories, supervisorExecutable: realpath("/proc/self/exe", nil).map { String(cString: $0) }!
                .split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/stackup",
            initExecutable: "/no/such/stackup-init")
        do {
            _ = try client.observe()
            Issue.record("it started")
        } catch {
            #expect("\(error)".contains("/no/such/stackup-init"))
        }
    }

    @Test func endingTheSupervisorEndsTheStackInOrder() throws {
        try stack.up(stack.plan("web", "exec sleep 1000", restart: .always))
        let state = try stack.client().observe()
        let supervisor = try #require(state.supervisorPID)
        kill(supervisor, SIGTERM)
        #expect(eventually { waitpid(supervisor, nil, WNOHANG) == supervisor })
        #expect(kill(try #require(state.instances[0].pid), 0) != 0)
        #expect(!stack.temporary.exists("run/shop/control.sock"))
        // The next one knows what ran, and starts it as a person asks.
        #expect(try stack.instance("web")?.status == .exited)
    }

    /// In KiB: what is its own, without the pages of shared files.
    private func residentMemory(_ pid: Int32) -> Int {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/status", O_RDONLY), let bytes = try? file.readAll() else { return .max }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? ""
        return Int(line.split(separator: " ").dropFirst().first ?? "") ?? .max
    }
}
