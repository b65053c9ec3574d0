import CLinux
import Glibc
import Linux
import Reconciler
import Testing

@testable import Runner

@Suite struct RuntimeDirectoryTests {
    let temporary = TemporaryDirectory()

    private func directories(_ name: String = "run/shop") -> StackDirectories {
        StackDirectories(runtime: "\(temporary.path)/\(name)", logs: "\(temporary.path)/logs/shop")
    }

    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    @Test func itIsMadeForItsOwnerAlone() throws {
        let directory = try #require(try RuntimeDirectory.open(directories().runtime, create: true))
        #expect(mode(directory.path) == 0o700)
        #expect(mode("\(temporary.path)/run") == 0o700)
    }

    @Test func aDirectoryThatOthersCanEnterIsClosedToThem() throws {
        mkdir("\(temporary.path)/run", 0o755)
        chmod("\(temporary.path)/run", 0o755)
        _ = try RuntimeDirectory.open("\(temporary.path)/run", create: true)
        #expect(mode("\(temporary.path)/run") == 0o700)
    }

    @Test func aLinkInItsPlaceIsRefused() {
        mkdir("\(temporary.path)/elsewhere", 0o700)
        symlink("\(temporary.path)/elsewhere", "\(temporary.path)/run")
        #expect(throws: SupervisionError.self) { try RuntimeDirectory.open("\(temporary.path)/run", create: true) }
    }

    @Test(.enabled(if: geteuid() == 0)) func anotherUsersDirectoryIsRefused() {
        mkdir("\(temporary.path)/run", 0o700)
        chown("\(temporary.path)/run", 65534, 65534)
        #expect(throws: SupervisionError.self) { try RuntimeDirectory.open("\(temporary.path)/run", create: false) }
    }

    @Test func aMissingOneIsNoError() throws {
        #expect(try RuntimeDirectory.open(directories().runtime, create: false) == nil)
        #expect(try SupervisorClient.connect(directories()) == nil)
        #expect(try !StackRemains.hasLiveInstances(directories()))
    }

    @Test func theSocketWorksHoweverLongThePathIs() throws {
        let deep = (0..<5).map { "\($0)-" + String(repeating: "x", count: 200) }.joined(separator: "/")
        let directory = try #require(try RuntimeDirectory.open("\(temporary.path)/\(deep)", create: true))
        let listener = try ControlSocket.listen(directory)
        #expect(try ControlSocket.connect(directory) != nil)
        #expect(mode("\(directory.path)/control.sock") == 0o600)
        _ = consume listener
        #expect(try ControlSocket.connect(directory) == nil)
    }

    /// Whoever starts a supervisor asks who answers in the place of one, too: it would hand its secrets to them.
    @Test(.enabled(if: geteuid() == 0, "needs root, to be two users")) func whoIsAnotherUserIsNotTakenForASupervisor() throws {
        let directory = try #require(try RuntimeDirectory.open(directories().runtime, create: true))
        func whileListening(as user: String, _ body: () throws -> Void) throws {
            let listener = FileDescriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
            directory.remove(RuntimeDirectory.socketName)
            #expect(SocketAddress.withUnix(directory.socketPath) { bind(listener.number, $0, $1) } == 0)
            let ready = try FileDescriptor.pipe()
            // Whose it is says who has begun to listen (unix(7)).
            let script = "import socket, time; socket.socket(fileno=3).listen(); print('ready', flush=True); time.sleep(1000)"
            let child = try ChildProcess(
                "/usr/bin/env", ["env", "setpriv", "--reuid", user, "--clear-groups", "python3", "-c", script], environment: [:],
                descriptors: [0, ready.write.number, 2, listener.number])
            defer {
                kill(child.pid, SIGKILL)
                waitpid(child.pid, nil, 0)
            }
            var wanted = pollfd(fd: ready.read.number, events: Int16(POLLIN), revents: 0)
            #expect(poll(&wanted, 1, 60_000) == 1)
            try body()
        }
        try whileListening(as: "65534") {
            do {
                _ = try SupervisorClient.start(directories(), initExecutable: "/no/such/init")
                Issue.record("it was taken for the supervisor")
            } catch {
                #expect("\(error)".contains("another user (uid 65534) listens there"))
            }
        }
        try whileListening(as: "0") { _ = try SupervisorClient.start(directories(), initExecutable: "/no/such/init") }
    }

    @Test func recordsAreReplacedAsAWhole() throws {
        let directory = try #require(try RuntimeDirectory.open(directories().runtime, create: true))
        #expect(directory.read(SupervisorRecord.self, from: "supervisor.json") == nil)
        let record = SupervisorRecord(process: .current(), bootID: BootIdentity.current())
        try directory.write(record, to: "supervisor.json")
        #expect(directory.read(SupervisorRecord.self, from: "supervisor.json") == record)
        #expect(record.process.isAlive)
        #expect(DirectoryListing.names(in: directory.number) == ["supervisor.json"])
    }

    @Test func aRecordFromBeforeTheLastBootNamesNoProcess() throws {
        let directory = try #require(try RuntimeDirectory.open(directories().runtime, create: true))
        let own = ProcessIdentity.current()
        let instance = runningInstance(pid: own.pid, startTime: own.startTime)
        try directory.write(StateRecord(bootID: "another", services: [], instances: [instance]), to: "state.json")
        #expect(directory.survivor() == nil)
        try directory.write(StateRecord(bootID: BootIdentity.current(), services: [], instances: [instance]), to: "state.json")
        #expect(directory.survivor() == own.pid)
    }

    /// A successor goes by the pid and the start time, wherever this one has it from.
    @Test func aStartTimeIsKnownWithoutLookingItUp() throws {
        var known = 0
        for _ in 0..<200 {
            let before = ProcessIdentity.startTimeNow()
            let pid = clinux_fork()
            if pid == 0 { while true { pause() } }
            let after = ProcessIdentity.startTimeNow()
            defer {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
            let found = try #require(ProcessIdentity.startTime(of: pid))
            #expect(before <= found && found <= after)
            if before == after { known += 1 }
        }
        #expect(known > 0)
    }

    @Test func removingItTakesEmptyParentsAlong() throws {
        let directory = try #require(try RuntimeDirectory.open(directories().runtime, create: true))
        _ = try ExitStatuses(directory).page(for: InstanceName(service: "web", index: 1))
        mkdir("\(temporary.path)/logs", 0o700)
        mkdir("\(temporary.path)/logs/other", 0o700)
        mkdir("\(temporary.path)/logs/shop", 0o700)
        try StackRemains.remove(directories())
        #expect(!temporary.exists("run"))
        #expect(temporary.exists("logs/other") && !temporary.exists("logs/shop"))
    }

    @Test func emptyingDoesNotFollowLinks() throws {
        try temporary.write("keep", to: "kept")
        mkdir("\(temporary.path)/elsewhere", 0o700)
        try temporary.write("keep", to: "elsewhere/kept")
        let directory = try #require(try RuntimeDirectory.open(directories().runtime, create: true))
        symlink("\(temporary.path)/elsewhere", "\(directory.path)/link")
        directory.removeAll()
        #expect(temporary.exists("elsewhere/kept") && !temporary.exists("run"))
    }
}

private func runningInstance(pid: Int32, startTime: UInt64) -> ObservedInstance {
    ObservedInstance(service: "web", index: 1, status: .running, pid: pid, startTime: startTime)
}

@Suite struct RuntimeLockTests {
    let temporary = TemporaryDirectory()
    var directories: StackDirectories { StackDirectories(runtime: "\(temporary.path)/shop", logs: "\(temporary.path)/logs") }

    @Test func whoWaitsIsToldWhoHoldsIt() throws {
        let first = try RuntimeLock.acquire(directories, command: "stackup up")
        let told = try FileDescriptor.pipe(), number = told.write.number, directories = directories
        nonisolated(unsafe) var holder: RuntimeLock.Holder?
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Waiting {
            let second = try? RuntimeLock.acquire(directories, command: "stackup down") {
                holder = $0
                _ = write(number, "!", 1)
            }
            _ = consume second
        })
        pthread_create(&thread, nil, { Unmanaged<Waiting>.fromOpaque($0!).takeRetainedValue().body(); return nil }, body.toOpaque())
        var wanted = pollfd(fd: told.read.number, events: Int16(POLLIN), revents: 0)
        #expect(poll(&wanted, 1, 60_000) == 1)
        _ = consume first
        pthread_join(thread, nil)
        #expect(holder == RuntimeLock.Holder(pid: getpid(), command: "stackup up"))
    }

    @Test func theLockOfARemovedDirectoryIsNotTheLockOfTheNewOne() throws {
        let old = try RuntimeLock.acquire(directories, command: "stackup down")
        try RuntimeDirectory.open(directories.runtime, create: false)?.removeAll()
        // Would wait for ever if it were the same.
        let new = try RuntimeLock.acquire(directories, command: "stackup up")
        #expect(temporary.exists("shop/lock"))
        _ = consume old
        _ = consume new
    }

    /// Whether the lock of a stack that may not be there could be had without waiting.
    private func isFree() throws -> Bool {
        switch try RuntimeLock.acquireIfPresent(directories, command: "stackup secret update", onWait: nil) {
        case .some: true
        case .none: false
        }
    }

    @Test func aStackThatIsNotThereHasNoLockAndGetsNoDirectory() throws {
        #expect(try !isFree())
        #expect(!temporary.exists("shop"))
    }

    @Test func whoDoesNotWaitIsTurnedAwayWhileAnotherCommandHoldsIt() throws {
        let first = try RuntimeLock.acquire(directories, command: "stackup up")
        #expect(try !isFree())
        _ = consume first
        #expect(try isFree())
    }
}
