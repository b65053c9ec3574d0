import CLinux
import Glibc
import Linux
import Synchronization
import Testing
import Waiting

@testable import SecretSources

/// Attacks from within: each goes well without the wall that is said to stop it, so that its failing means something.
@Suite(.enabled(if: geteuid() == 0, "needs root: others have less to give up"), .serialized) struct SandboxTests {
    private let folder = TestFolder()
    private let home: String
    /// Somebody else's process, which holds a secret in its memory and its environment.
    private let victim: Victim

    init() throws {
        home = folder.make("home")
        _ = folder.make("home/store")
        _ = folder.make("open", mode: 0o777)
        folder.write("home/store/index", "sealed-canary")
        folder.write("home/key", "key-canary")
        folder.write("open/file", "public")
        victim = try Victim(in: folder)
    }

    private static let python = "/usr/bin/python3"

    /// - Parameters:
    ///   - before: a program and arguments that start the probe.
    private func attack(
        _ walls: Sandbox.Walls, _ script: String, landlock: Int = .max, hiding others: [String] = [], named: [String] = [], writable: [String] = [],
        before: [String] = []
    ) throws -> ProgramOutput {
        let hidden = ([home + "/store", home + "/key"] + others).joined(separator: ":")
        let words = before + [
            Self.probe, "\(walls.rawValue)", "\(landlock)", hidden, (named + [folder.path]).joined(separator: ":"), writable.joined(separator: ":"), Self.python, "-c",
            "import ctypes, os, socket, sys\nlibc = ctypes.CDLL(None, use_errno=True)\nhome, victim, folder = \"\(home)\", \(victim.pid), \"\(folder.path)\"\n" + script,
        ]
        return try ProgramOutput(words[0], Array(words.dropFirst()))
    }

    /// It is built beside the tests.
    private static let probe: String = {
        let path = realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? ""
        return Paths.directory(of: path) + "/SandboxProbe"
    }()

    /// The attack goes well without walls, and not with each of the sets alone, nor with all.
    private func expect(
        _ script: String, isStoppedBy sets: [Sandbox.Walls], writable: [String] = [], before: [String] = [],
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let free = try attack([], script, before: before)
        #expect(free.isSuccess, "the attack is none: \(free.text)", sourceLocation: location)
        for walls in sets + [.all] {
            let outcome = try attack(walls, script, writable: writable, before: before)
            #expect(outcome.end == .exited(1), "walls \(walls.rawValue): \(outcome.end) \(script) \(outcome.text)", sourceLocation: location)
            #expect(!outcome.text.contains("canary"), sourceLocation: location)
        }
    }

    @Test func allWallsStandUnderThisKernel() throws {
        #expect(try attack(.all, "print('in')").text == "in\n")
    }

    @Test func whatIsNotHiddenCanBeReadAndListed() throws {
        #expect(try attack(.all, "print(open(folder + '/open/file').read(), sorted(os.listdir(folder)))").text == "public ['home', 'open', 'victim']\n")
    }

    @Test func theStoreAndTheKeyCanNotBeRead() throws {
        try expect("print(open(home + '/store/index').read(), open(home + '/key').read())", isStoppedBy: [.namespaces, .fileRules])
    }

    @Test func neitherThroughALinkNorARelativePath() throws {
        try expect(
            "os.chdir(home); os.path.islink('/tmp/stackup-link') or os.symlink(home, '/tmp/stackup-link')\nprint(open('/tmp/stackup-link/key').read())",
            isStoppedBy: [.namespaces, .fileRules], writable: ["/tmp"])
        unlink("/tmp/stackup-link")
    }

    @Test func norThroughAnotherProcessesRoot() throws {
        try expect("print(open(f'/proc/{victim}/root{home}/key').read())", isStoppedBy: [.fileRules, .namespaces])
        // Nor as the other one's user who has kept root's right to read all files.
        let user = try Victim(in: folder, as: 65534)
        try expect(
            """
            libc.prctl(8, 1)
            os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
            header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
            libc.capget(header, data)
            data[0], data[3] = data[1], data[4]
            libc.capset(header, data) == 0 or sys.exit(2)
            print(open(f'/proc/\(user.pid)/root{home}/key').read())
            """, isStoppedBy: [.fileRules, .namespaces, [.namespaces, .capabilities, .systemCallFilter]])
    }

    @Test func norWhereTheHostHasMountedItAgain() throws {
        let copy = folder.make("copy")
        try expect(
            "print(open(folder + '/copy/key').read())", isStoppedBy: [.namespaces, .fileRules],
            before: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", "mount --bind \"$0\" \"$1\" && shift && exec \"$@\"", home, copy])
    }

    @Test func norByAFileHandleNorByUncovering() throws {
        let handle = """
            handle = ctypes.create_string_buffer(b'\\x80\\0\\0\\0' + bytes(132))
            mount = ctypes.c_int()
            libc.name_to_handle_at(-100, (home + '/key').encode(), handle, ctypes.byref(mount), 0) == 0 or sys.exit(1)
            fd = libc.open_by_handle_at(os.open(folder, os.O_RDONLY), handle, os.O_RDONLY)
            fd >= 0 or sys.exit(1)
            print(os.read(fd, 99))
            """
        try expect(handle, isStoppedBy: [.systemCallFilter])
        let uncovering = "libc.umount2((home + '/key').encode(), 2)\nprint(open(home + '/key').read())"
        #expect(try attack(.namespaces, uncovering).text.contains("canary"), "the attack is none")
        try expect(uncovering, isStoppedBy: [[.namespaces, .systemCallFilter], [.namespaces, .capabilities]])
    }

    @Test func norByANamespaceOrAMountOfItsOwn() throws {
        try expect("libc.unshare(0x00020000) == 0 or sys.exit(1)", isStoppedBy: [.systemCallFilter, .capabilities])
        try expect("libc.unshare(0x10000000) == 0 or sys.exit(1)", isStoppedBy: [.systemCallFilter])
    }

    @Test func norOnTheDiskItself() throws {
        let disk = "device = os.stat(home).st_dev\nos.mknod(folder + '/disk', 0o60600, device)\n"
        try expect(disk + "os.unlink(folder + '/disk')", isStoppedBy: [.fileRules, .systemCallFilter, .capabilities], writable: [folder.path])
        unlink(folder.path + "/disk")
        try expect(
            "disks = [d for d in os.listdir('/sys/block') if os.path.exists('/dev/' + d)]\nopen('/dev/' + disks[0], 'rb')", isStoppedBy: [.namespaces, .fileRules])
    }

    @Test func noProcessCanBeTracedOrLookedInto() throws {
        try expect(
            "libc.ptrace(16, victim, 0, 0) == 0 or sys.exit(1)", isStoppedBy: [.namespaces, .fileRules, .systemCallFilter, .capabilities])
        try expect("os.open(f'/proc/{victim}/mem', os.O_RDONLY)", isStoppedBy: [.namespaces, .fileRules, .capabilities])
        // Newer kernels have Landlock let it pass for CAP_PERFMON, which root has without the other wall.
        try expect("b'canary' in open(f'/proc/{victim}/environ', 'rb').read() or sys.exit(1)", isStoppedBy: [.namespaces, .capabilities])
        try expect(
            """
            start = int(next(l for l in open('/proc/self/maps')).split('-')[0], 16)
            class Part(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
            here = ctypes.create_string_buffer(8)
            there = int(next(l for l in open(f'/proc/{victim}/maps')).split('-')[0], 16)
            own, other = Part(ctypes.addressof(here), 8), Part(there, 8)
            libc.process_vm_readv(victim, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) == 8 or sys.exit(1)
            """, isStoppedBy: [.namespaces, .systemCallFilter, .fileRules, .capabilities])
    }

    @Test func noProcessOutsideGetsASignal() throws {
        try expect("os.kill(victim, 0)", isStoppedBy: [.namespaces, .fileRules])
        let seen = try attack(.namespaces, "print([n for n in os.listdir('/proc') if n.isdigit()])")
        #expect(seen.text == "['1']\n")
    }

    @Test func noOtherProcessIsSlowedDownOrLimited() throws {
        let calls = [
            "libc.prlimit(victim, 7, None, (ctypes.c_uint64 * 2)())", "os.sched_setaffinity(victim, [0])",
            "os.sched_setscheduler(victim, 0, os.sched_param(0))", "os.setpriority(0, victim, 1)", "libc.syscall(\(systemCall(x86: 251, arm: 30)), 1, victim, 3 << 13)",
            "libc.syscall(\(systemCall(x86: 279, arm: 239)), victim, 0, 0, 0, 0, 0)",
        ]
        for call in calls { try expect("(\(call) or 0) == 0 or sys.exit(1)", isStoppedBy: [.namespaces, .systemCallFilter]) }
        // Its own are its own.
        #expect(try attack(.all, "import resource\nresource.setrlimit(7, (64, 64)); os.sched_setaffinity(0, [0])").isSuccess)
    }

    @Test func theKernelCanNotBeSet() throws {
        // Root's files, whose modes let root write without any capability.
        try expect("open('/proc/sys/kernel/core_pattern', 'a').close()", isStoppedBy: [.namespaces, .fileRules])
        try expect("open('/sys/kernel/mm/transparent_hugepage/enabled', 'a').close()", isStoppedBy: [.namespaces, .fileRules])
    }

    @Test func theKernelsKeyringsAreOutOfReach() throws {
        try expect(
            "libc.syscall(\(systemCall(x86: 250, arm: 219)), 0, -4, 1) >= 0 or sys.exit(1)", isStoppedBy: [.systemCallFilter])
    }

    @Test func nothingGetsPastTheFilterByARing() throws {
        try expect(
            "parameters = ctypes.create_string_buffer(120)\nlibc.syscall(425, 1, parameters) >= 0 or sys.exit(1)", isStoppedBy: [.systemCallFilter])
    }

    @Test func nothingIsTypedIntoTerminals() throws {
        // On what is no terminal the kernel says so, unless it isn't asked.
        try expect(
            "libc.ioctl(os.open('/dev/null', os.O_RDONLY), 0x5412, b'x')\nctypes.get_errno() == 25 or sys.exit(1)", isStoppedBy: [.systemCallFilter])
    }

    @Test func otherTerminalsAreOutOfReach() throws {
        let terminal = try FileDescriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var (lock, number) = (Int32(0), Int32(0))
        // TIOCSPTLCK, TIOCGPTN.
        #expect(ioctl(terminal.number, 0x4004_5431, &lock) == 0 && ioctl(terminal.number, 0x8004_5430, &number) == 0)
        let path = "/dev/pts/\(number)"
        for flag in ["O_RDONLY", "O_WRONLY"] {
            try expect("os.open('\(path)', os.\(flag) | os.O_NOCTTY | os.O_NONBLOCK)", isStoppedBy: [.namespaces, .fileRules])
        }
        // Programs that make terminals find some of their own.
        let own = try attack(.all, "master, slave = os.openpty(); os.write(slave, b'x'); print(os.read(master, 1), os.ttyname(slave))")
        #expect(own.text == "b'x' /dev/pts/0\n")
    }

    @Test func ofTheDevicesThereAreThoseThatDriversNeed() throws {
        let devices = try attack(.namespaces, "print([n for n in sorted(os.listdir('/dev')) if n[:3] not in ('tpm', 'hid', 'bus')])")
        #expect(devices.text == "['fd', 'full', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'tty', 'urandom', 'zero']\n")
        let using = "open('/dev/null', 'w').write('x')\nprint(open('/dev/zero', 'rb').read(1), len(open('/dev/urandom', 'rb').read(9)))"
        #expect(try attack(.all, using).text == "b'\\x00' 9\n")
    }

    @Test func theHostsDeviceNodesAreNotChanged() throws {
        // Its mode is this one already.
        try expect("os.chmod('/dev/null', 0o666)", isStoppedBy: [.namespaces])
        try expect("os.utime('/dev/null')", isStoppedBy: [.namespaces])
    }

    @Test func temporaryFilesAreTheSandboxsOwn() throws {
        let other = TestFolder()
        other.write("theirs", "theirs")
        let paths = ["\(other.path)/theirs"] + ["/var/tmp", "/dev/shm"].map { "\($0)/stackup-test-\(getpid())" }
        for path in paths.dropFirst() { close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)) }
        defer { for path in paths.dropFirst() { unlink(path) } }
        for path in paths { try expect("open('\(path)').close()", isStoppedBy: [.namespaces]) }
        #expect(try attack(.all, "print(open('\(paths[0])').read())", named: [other.path]).text == "theirs\n")
        // What is left there is left to nobody; what is unpacked there is run.
        let using = """
            for folder in ('/tmp', '/var/tmp', '/dev/shm'):
                open(folder + '/stackup-left', 'w').write('#!/bin/sh\\necho run')
                os.chmod(folder + '/stackup-left', 0o700)
            print(os.popen('/tmp/stackup-left').read(), end='')
            """
        #expect(try attack(.all, using, writable: ["/tmp", "/var/tmp", "/dev/shm"]).text == "run\n")
        #expect(access("/tmp/stackup-left", F_OK) != 0 && access("/var/tmp/stackup-left", F_OK) != 0 && access("/dev/shm/stackup-left", F_OK) != 0)
        // Who may write to no folder for temporary files doesn't write there either.
        #expect(try attack(.all, "open('/tmp/stackup-left', 'w')").end == .exited(1))
        // A folder in there that may be written to is the host's.
        #expect(try attack(.all, "open('\(other.path)/written', 'w').close()", writable: ["/tmp", other.path]).isSuccess)
        #expect(access(other.path + "/written", F_OK) == 0)
        // So is all of it where a Compose file lies directly in there.
        #expect(try attack(.all, "print(open('\(paths[0])').read())", named: ["/tmp"]).text == "theirs\n")
    }

    @Test func whatCanNotBeCoveredIsNotLeftOpen() throws {
        // Enough descriptors for the process that waits outside, and not for those that are needed at once inside.
        let outcome = try attack(.all, "print('in')", before: ["/usr/bin/prlimit", "--nofile=6"])
        #expect(outcome.end == .exited(4) && outcome.text.contains("can't be closed"), "\(outcome.end) \(outcome.text)")
    }

    @Test func aSocketThatVanishesWhileItIsCoveredTakesNoWallAway() throws {
        let sockets = (0..<200).map { folder.path + "/open/s\($0)" }
        let isOver = Atomic(false)
        let flicker = Thread {
            while !isOver.load(ordering: .relaxed) {
                for path in sockets {
                    mknod(path, S_IFSOCK | 0o600, 0)
                    unlink(path)
                }
            }
        }
        for _ in 0..<5 { #expect(try attack(.all, "print('in')", hiding: sockets).text == "in\n") }
        isOver.store(true, ordering: .relaxed)
        flicker.join()
    }

    @Test func nothingIsWrittenButWhereItMay() throws {
        try expect("open(folder + '/written', 'w').write('x')", isStoppedBy: [.fileRules])
        try expect("open(folder + '/open/file', 'a').write('x')", isStoppedBy: [.fileRules])
        try expect("os.truncate(folder + '/open/file', 3)", isStoppedBy: [.fileRules])
        try expect("os.rename(folder + '/open/file', folder + '/open/f'); os.rename(folder + '/open/f', folder + '/open/file')", isStoppedBy: [.fileRules])
        try expect("os.chmod(folder + '/open/file', 0o666)", isStoppedBy: [.namespaces])
        try expect("os.chown(folder + '/open/file', 1, 1); os.chown(folder + '/open/file', 0, 0)", isStoppedBy: [.namespaces, .capabilities])
        try expect("os.utime(folder + '/open/file', (1, 1))", isStoppedBy: [.namespaces])
        try expect("os.setxattr(folder + '/open/file', 'user.x', b'x')", isStoppedBy: [.namespaces])
        let allowed = try attack(.all, "open(folder + '/open/new', 'w').write('x')\nos.chmod(folder + '/open/new', 0o600)\nos.truncate(folder + '/open/new', 0)\nos.unlink(folder + '/open/new')", writable: [folder.path + "/open"])
        #expect(allowed.isSuccess, "\(allowed.text)")
    }

    @Test func noFileIsMadeThatGivesRights() throws {
        let path = "folder + '/open/rights'"
        var makings = [
            "os.mknod(\(path), 0o4755)", "os.close(os.open(\(path), os.O_CREAT | os.O_WRONLY, 0o4755))",
            "os.close(os.open(\(path), os.O_CREAT | os.O_WRONLY, 0o755)); os.chmod(\(path), 0o4755)",
            "os.close(os.open(\(path), os.O_CREAT | os.O_WRONLY, 0o755)); os.chmod(\(path), 0o2755)",
            "file = os.open(\(path), os.O_CREAT | os.O_WRONLY, 0o755); os.fchmod(file, 0o4755)",
            "file = os.open(folder + '/open', os.O_TMPFILE | os.O_RDWR, 0o4755)\nlibc.linkat(-100, f'/proc/self/fd/{file}'.encode(), -100, (\(path)).encode(), 0x400)",
            "how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o4755, 0)\nlibc.syscall(437, -100, (\(path)).encode(), how, 24) >= 0 or sys.exit(1)",
            "os.close(os.open(\(path), os.O_CREAT, 0o755)); libc.syscall(452, -100, (\(path)).encode(), 0o4755, 0) == 0 or sys.exit(1)",
        ]
        #if arch(x86_64)
            makings += ["libc.syscall(85, (\(path)).encode(), 0o4755) >= 0 or sys.exit(1)", "os.close(os.open(\(path), os.O_CREAT, 0o755)); libc.syscall(90, (\(path)).encode(), 0o4755) == 0 or sys.exit(1)"]
        #endif
        for making in makings {
            let check = "\nos.stat(\(path)).st_mode & 0o6000 or sys.exit(1)"
            try expect("os.umask(0); os.path.exists(\(path)) and os.unlink(\(path))\n" + making + check, isStoppedBy: [.systemCallFilter], writable: [folder.path + "/open"])
        }
    }

    @Test func whoMayWriteAboveTheStoreMayNotWriteInIt() throws {
        try expect("open(home + '/store/index', 'a').write('x')", isStoppedBy: [.namespaces, .fileRules], writable: [folder.path])
        try expect("open(home + '/store/new', 'w').write('x')\nos.unlink(home + '/store/new')", isStoppedBy: [.namespaces, .fileRules], writable: [folder.path])
    }

    @Test func whoNamesWhatLiesInTheStoreMayNotWriteThere() throws {
        try expect(
            "open(home + '/store/index', 'a').write('x')", isStoppedBy: [.namespaces, .fileRules], writable: [folder.path + "/store/index"])
        try expect("open(home + '/store/index').read()", isStoppedBy: [.namespaces, .fileRules], writable: [folder.path + "/store/index"])
    }

    @Test func socketsInHiddenFoldersCanNotBeReached() throws {
        let path = home + "/store/control.sock"
        let server = try Listener(at: path)
        try expect("socket.socket(socket.AF_UNIX).connect(home + '/store/control.sock')", isStoppedBy: [.namespaces])
        withExtendedLifetime(server) {}
    }

    @Test func nobodyOutsideCanBeAskedToRunSomething() throws {
        let runtime = folder.make("runtime")
        let bus = try Listener(at: runtime + "/bus")
        let other = try Listener(at: folder.path + "/other-bus")
        let environment = ["/usr/bin/env", "XDG_RUNTIME_DIR=" + runtime, "DBUS_SESSION_BUS_ADDRESS=unix:path=\(folder.path)/other-bus,guid=1"]
        for name in ["runtime/bus", "other-bus"] {
            try expect("socket.socket(socket.AF_UNIX).connect(folder + '/\(name)')", isStoppedBy: [.namespaces], before: environment)
        }
        withExtendedLifetime((bus, other)) {}
        // A terminal multiplexer's, as they lie in /tmp; no agent's that the caller names.
        let multiplexer = try Listener(at: folder.path + "/default")
        let connecting = "socket.socket(socket.AF_UNIX).connect(folder + '/default')"
        try expect(connecting, isStoppedBy: [.namespaces])
        #expect(try attack(.all, connecting, before: ["/usr/bin/env", "SSH_AUTH_SOCK=\(folder.path)/default"]).isSuccess)
        withExtendedLifetime(multiplexer) {}
        let abstract = try Listener(abstract: "stackup-test-\(getpid())")
        try expect("socket.socket(socket.AF_UNIX).connect('\\0stackup-test-\(getpid())')", isStoppedBy: [.fileRules])
        withExtendedLifetime(abstract) {}
    }

    @Test func ofTheRuntimeFolderThereIsWhatIsKnownOrNamed() throws {
        let runtime = "/run/stackup-test-\(getpid())"
        mkdir(runtime, 0o755)
        defer { unlink(runtime + "/socket"); rmdir(runtime) }
        let daemon = try Listener(at: runtime + "/socket")
        let connecting = "socket.socket(socket.AF_UNIX).connect('\(runtime)/socket')"
        try expect(connecting, isStoppedBy: [.namespaces])
        try expect("os.chdir('\(runtime)')", isStoppedBy: [.namespaces])
        try expect("socket.socket(socket.AF_UNIX).connect('socket')", isStoppedBy: [.namespaces], before: ["/usr/bin/env", "-C", runtime])
        // The whole folder, or the one that users' daemons listen in, is not to be had.
        for named in ["/run", "/run/", "/run/user", "/run/systemd"] { #expect(try attack(.all, connecting, named: [named]).end == .exited(1)) }
        for named in [runtime, runtime + "/socket"] { #expect(try attack(.all, connecting, named: [named]).isSuccess) }
        let writing = "open('\(runtime)/file', 'w').close()\nos.unlink('\(runtime)/file')"
        #expect(try attack(.all, writing, named: [runtime]).end == .exited(1))
        #expect(try attack(.all, writing, named: [runtime + "/socket"], writable: [runtime]).isSuccess)
        withExtendedLifetime(daemon) {}
    }

    @Test func whatIsNamedByALinkIsThereByThatLink() throws {
        let runtime = "/run/stackup-test-\(getpid())"
        mkdir(runtime, 0o755)
        mkdir(runtime + "/v1", 0o755)
        symlink("v1", runtime + "/current")
        symlink(runtime + "/current", "/tmp/stackup-test-\(getpid())")
        let daemon = try Listener(at: runtime + "/v1/socket")
        defer {
            for path in ["/v1/socket", "/current"] { unlink(runtime + path) }
            unlink("/tmp/stackup-test-\(getpid())")
            for path in ["/v1", ""] { rmdir(runtime + path) }
        }
        for named in [runtime + "/current/socket", "/tmp/stackup-test-\(getpid())/socket"] {
            let outcome = try attack(.all, "os.chdir('\(Paths.directory(of: named))'); socket.socket(socket.AF_UNIX).connect('\(named)')", named: [named])
            #expect(outcome.isSuccess, "\(outcome.text)")
        }
        withExtendedLifetime(daemon) {}
    }

    @Test(arguments: 1...7) func everyVersionOfLandlockKeepsTheStoreAndTheRestFromBeingWritten(version: Int) throws {
        for script in ["print(open(home + '/key').read())", "open(folder + '/written', 'w')", "os.rename(folder + '/open/file', folder + '/file')"] {
            let outcome = try attack(.fileRules, script, landlock: version)
            #expect(outcome.end == .exited(1), "\(outcome.text)")
        }
        // Each older version lacks something, and says so: the other walls are there for that.
        let cut = try attack(.fileRules, "os.truncate(folder + '/open/file', 3)", landlock: version)
        #expect(cut.isSuccess == (version < 3))
        let signal = try attack(.fileRules, "os.kill(victim, 0)", landlock: version)
        #expect(signal.isSuccess == (version < 6))
        let allowed = try attack(.fileRules, "open(folder + '/open/new', 'w').write('x')\nos.rename(folder + '/open/new', folder + '/open/newer')", landlock: version, writable: [folder.path + "/open"])
        #expect(allowed.isSuccess, "\(allowed.text)")
    }

    @Test func anOrdinaryUserIsKeptOutToo() throws {
        chmod(folder.path + "/home/key", 0o444)
        let user = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        try expect("print(open(home + '/key').read())", isStoppedBy: [.namespaces, .fileRules], before: user)
        try expect("open(folder + '/open/written', 'w')\nos.unlink(folder + '/open/written')", isStoppedBy: [.fileRules], before: user)
        let inside = try attack(.all, "print(os.getuid(), open(folder + '/open/file').read())", before: user)
        #expect(inside.text == "65534 public\n")
    }

    @Test func aProgramKeepsNoRightsThatItCouldUse() throws {
        let status = "print([l.split()[1] for l in open('/proc/self/status') if l[:6] in ('CapEff', 'CapBnd', 'NoNewP')])"
        #expect(try attack(.all, status).text == "['00000000000040e6', '00000000000040e6', '1']\n")
    }

    private func systemCall(x86: Int, arm: Int) -> Int {
        #if arch(x86_64)
            x86
        #else
            arm
        #endif
    }
}

/// A process outside of the sandbox that has something to hide.
private final class Victim: Sendable {
    let pid: Int32

    init(in folder: TestFolder, as user: Int = 0) throws {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let program = folder.program("victim", "#!/bin/sh\nexec setpriv --reuid=\(user) --regid=\(user) --clear-groups sleep 600\n")
        let process = try ChildProcess(
            program, ["victim"], environment: ["TOKEN": "canary"], descriptors: [null.number, null.number, null.number])
        pid = process.pid
        // It is as it should be once it has become what it waits with.
        let pid = process.pid
        eventually { (try? FileDescriptor.open("/proc/\(pid)/comm", O_RDONLY).readAll()) == Array("sleep\n".utf8) }
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}

/// A thread of its own.
final class Thread {
    private var thread = pthread_t()

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    init(_ body: @escaping @Sendable () -> Void) {
        pthread_create(&thread, nil, { pointer in
            Unmanaged<Body>.fromOpaque(pointer!).takeRetainedValue().run()
            return nil
        }, Unmanaged.passRetained(Body(body)).toOpaque())
    }

    func join() { pthread_join(thread, nil) }
}

/// A unix socket that somebody listens at.
private final class Listener: Sendable {
    private let descriptor: FileDescriptor

    convenience init(at path: String) throws {
        try self.init(Array(path.utf8))
    }

    /// - Parameter name: one that is in no filesystem (unix(7)).
    convenience init(abstract name: String) throws {
        try self.init([0] + Array(name.utf8))
    }

    private init(_ name: [UInt8]) throws {
        descriptor = FileDescriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let number = descriptor.number
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (name.first == 0 ? 0 : 1))
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) }
        }
        precondition(code == 0 && listen(number, 64) == 0)
    }
}
