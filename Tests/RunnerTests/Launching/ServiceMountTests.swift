import CLinux
import Glibc
import Linux
import Reconciler
import Testing

@testable import Runner

private func file(
    _ target: String, _ kind: MountedFile.Kind = .secret, version: String = "1", uid: UInt32 = geteuid(), gid: UInt32 = getegid(),
    mode: UInt32 = 0o444
) -> MountedFile {
    MountedFile(kind: kind, name: "name", version: version, target: target, uid: uid, gid: gid, mode: mode)
}

extension ServiceMount {
    fileprivate func write(_ file: MountedFile, _ text: String, in pids: [Int32] = []) throws {
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBytes { try write(file, bytes: $0, inInstances: pids) }
    }

    fileprivate func makeInstance(extra: [String] = []) throws -> FakeInstance {
        try FakeInstance(try descriptorsForInstance(), extra: extra)
    }
}

/// Reads a file over and over, until it is told to stop, and keeps what it has seen.
private final class LoopingReader: @unchecked Sendable {
    private let path: String
    private var stop = false
    private var ready = false
    private(set) var seen: Set<String> = []
    private(set) var gaps = 0
    private var thread = pthread_t()

    init(_ path: String) {
        self.path = path
        pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<LoopingReader>.fromOpaque(argument!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
        while !ready { sched_yield() }
    }

    private func run() {
        // Not to share a root with the thread that made this one: setns(2) would refuse to move that.
        clinux_unshare(UInt64(CLINUX_NEWNS))
        ready = true
        while !stop {
            if let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = try? file.readAll() {
                seen.insert(String(decoding: bytes, as: UTF8.self))
            } else {
                gaps += 1
            }
        }
    }

    func end() {
        stop = true
        pthread_join(thread, nil)
    }
}

@Suite(.serialized, .enabled(if: geteuid() == 0, "mounts need root"))
struct ServiceMountTests {
    let staging = TemporaryDirectory()

    @Test func `a file has the content, owner and mode that were asked for, also in a folder`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            try mount.write(file("/run/secrets/tls/key", uid: 101, gid: 102, mode: 0o400), "key")
            let instance = try mount.makeInstance()
            try claim(instance.read("/run/secrets/tls/key") == "key", "content")
            let status = try FileDescriptor.open("/proc/\(instance.pid)/root/run/secrets/tls/key", O_PATH).status()
            try claim(status.st_uid == 101 && status.st_gid == 102 && status.st_mode == S_IFREG | 0o400, "owner and mode")
            let folder = try FileDescriptor.open("/proc/\(instance.pid)/root/run/secrets/tls", O_PATH).status()
            try claim(folder.st_mode == S_IFDIR | 0o755, "the folder's mode")
        }
    }

    @Test func `root cannot write through what an instance is given`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            try mount.write(file("/run/secrets/key", mode: 0o666), "key")
            try mount.write(file("/run/etc/app.conf", .config, mode: 0o666), "conf")
            let instance = try mount.makeInstance()
            for target in ["/run/secrets/key", "/run/etc/app.conf"] {
                let result = open("/proc/\(instance.pid)/root\(target)", O_WRONLY)
                try claim(result < 0 && errno == EROFS, "\(target) can be written")
            }
            try claim(mkdir("/proc/\(instance.pid)/root/run/secrets/new", 0o755) != 0 && errno == EROFS, "mkdir")
        }
    }

    @Test(arguments: [true, false]) func `a reader sees the old value or the new one, never a mix or a gap`(mountsBeneath: Bool) throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path), mountsBeneath: mountsBeneath)
            let values = [String(repeating: "a", count: 9000), String(repeating: "b", count: 5000)]
            let secret = file("/run/secrets/key"), config = file("/run/etc/app.conf", .config)
            try mount.write(secret, values[0])
            try mount.write(config, values[0])
            let instance = try mount.makeInstance()
            let readers = [secret, config].map { LoopingReader("/proc/\(instance.pid)/root\($0.target)") }
            for round in 1...(mountsBeneath ? 300 : 60) {
                try mount.write(secret, values[round % 2], in: [instance.pid])
                try mount.write(config, values[round % 2], in: [instance.pid])
            }
            for reader in readers {
                reader.end()
                try claim(reader.gaps == 0, "\(reader.gaps) gaps")
                try claim(reader.seen == Set(values), "\(reader.seen.count) values")
            }
        }
    }

    @Test func `it grows with its content`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            let big = String(repeating: "x", count: 500 * 1024)
            for number in 1...4 { try mount.write(file("/run/secrets/\(number)"), big) }
            let instance = try mount.makeInstance()
            for number in 1...4 { try claim(instance.read("/run/secrets/\(number)") == big, "\(number)") }
        }
    }

    @Test func `a service that keeps old values open cannot stop new ones from coming`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            var held: [Int32] = []
            defer { held.forEach { close($0) } }
            let instance = try mount.makeInstance()
            for number in 1...12 {
                try mount.write(file("/run/secrets/key"), String(repeating: "\(number)", count: 100_000))
                held.append(open("/proc/\(instance.pid)/root/run/secrets/key", O_RDONLY))
            }
        }
    }

    @Test func `the host's mount table never shows it, nor does the supervisor's`() throws {
        let path = staging.path
        @Sendable func table(_ process: String) -> String {
            (try? FileDescriptor.open("/proc/\(process)/mountinfo", O_RDONLY).readAll())
                .flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        let before = table("1")
        try inOwnMountNamespace {
            let own = table("thread-self")
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            try mount.write(file("/run/secrets/key"), "key")
            let mounts = try mount.descriptorsForInstance()
            _ = mounts.secrets.number
            try claim(table("thread-self") == own, "the supervisor's table has changed")
            try claim(table("1") == before, "the host's table has changed")
        }
    }

    @Test func `the working directory is the same afterwards`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            try claim(chdir("/usr/share") == 0, "chdir")
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            try mount.write(file("/run/etc/app.conf", .config), "1")
            let instance = try mount.makeInstance()
            try mount.write(file("/run/etc/app.conf", .config), "2", in: [instance.pid])
            var buffer = [CChar](repeating: 0, count: 4096)
            try claim(getcwd(&buffer, buffer.count).map { String(cString: $0) } == "/usr/share", "it has changed")
        }
    }

    @Test(arguments: [true, false]) func `a file of a running instance is taken away where it was mounted`(mountsBeneath: Bool) throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path), mountsBeneath: mountsBeneath)
            let secret = file("/run/secrets/a/b/key"), config = file("/run/etc/app.conf", .config)
            try mount.write(secret, "key")
            try mount.write(config, "conf")
            let instance = try mount.makeInstance()
            try claim(instance.read(config.target) == "conf", "mounted")
            for round in 1...20 {
                try mount.write(config, "\(round)", in: [instance.pid])
                try claim(instance.read(config.target) == "\(round)", "replaced")
            }
            try mount.remove(secret, inInstances: [instance.pid])
            try mount.remove(config, inInstances: [instance.pid])
            try claim(mount.files.isEmpty, "files")
            try claim(instance.read(config.target) == "host", "the host's own file is seen again")
            try claim(access("/proc/\(instance.pid)/root/run/secrets/a", F_OK) != 0, "empty folders stay")
        }
    }

    @Test func `what has to stay of replaced files loses its content after a while`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path), mountsBeneath: false)
            let config = file("/run/etc/app.conf", .config)
            try mount.write(config, "first")
            let instance = try mount.makeInstance()
            let reader = try FileDescriptor.open("/proc/\(instance.pid)/root\(config.target)", O_RDONLY)
            func seen() throws -> String {
                lseek(reader.number, 0, SEEK_SET)
                return String(decoding: try reader.readAll() ?? [], as: UTF8.self)
            }
            for round in 1...3 { try mount.write(config, "\(round)", in: [instance.pid]) }
            try claim(try seen() == "first", "it is emptied while somebody may read it")
            // Those that were written just now are of the past.
            mount.readingTime = -2
            try mount.write(config, "last", in: [instance.pid])
            try claim(try seen().isEmpty, "the first value is still there")
            try claim(instance.read(config.target) == "last", "the last one")
        }
    }

    @Test func `a new target is mounted over an existing file of a running instance`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            let instance = try mount.makeInstance(extra: ["/run/etc/app.conf"])
            try mount.write(file("/run/etc/app.conf", .config), "conf", in: [instance.pid])
            try claim(instance.read("/run/etc/app.conf") == "conf", "mounted")
        }
    }

    @Test func `a new target without a mount point says that the service must be recreated, and changes nothing`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            let instance = try mount.makeInstance()
            do {
                try mount.write(file("/run/etc/none.conf", .config), "conf", in: [instance.pid])
                throw Broken("no error")
            } catch let error as LaunchError {
                try claim(error.description.contains("recreate"), error.description)
                try claim(error.description.contains("'web'"), error.description)
            }
            try claim(mount.files.isEmpty, "files")
            let mounts = try mount.descriptorsForInstance()
            try claim(mounts.targetPaths.isEmpty, "targets")
        }
    }

    @Test func `an instance that has ended is no error`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            let config = file("/run/etc/app.conf", .config)
            try mount.write(config, "1")
            let instance = try mount.makeInstance()
            instance.end()
            try mount.write(config, "2", in: [instance.pid])
            try mount.remove(config, inInstances: [instance.pid])
        }
    }

    @Test func `a process that is no instance of the service is left alone`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let web = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            let other = try ServiceMount(service: "other", bare: try BareMountNamespace(stagingDirectory: path))
            let instance = try other.makeInstance(extra: ["/run/etc/app.conf"])
            #expect(throws: LaunchError.self) { try web.write(file("/run/etc/app.conf"), "key", in: [instance.pid]) }
            try claim(instance.read("/run/etc/app.conf") == "host", "a file was mounted")
        }
    }

    @Test(arguments: [true, false]) func `one supervisor after the other takes the mount over, with all that can be done to it`(mountsBeneath: Bool) throws {
        let path = staging.path
        try inOwnMountNamespace {
            var mount: ServiceMount? = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path), mountsBeneath: mountsBeneath)
            let secret = file("/run/secrets/key"), config = file("/run/etc/app.conf", .config)
            try mount!.write(secret, "0")
            try mount!.write(config, "0")
            let mounts = try mount!.descriptorsForInstance()
            let first = try FakeInstance(mounts)
            for round in ["1", "2", "3"] {
                let files = mount!.files + [file("/run/secrets/never-written")]
                mount = nil
                // What an instance's pid 1 holds stays the same for every supervisor to come.
                let keeper = try mounts.keeper.duplicate()
                try inOwnMountNamespace(adopting: keeper, files: files, mountsBeneath: mountsBeneath) { adopted in
                    try claim(adopted.files.count == 2, "it claims to hold \(adopted.files.count) files")
                    let second = try adopted.makeInstance()
                    try claim(second.read(config.target) == "\(Int(round)! - 1)", "what a new instance gets")
                    for file in [secret, config] {
                        try adopted.write(file, round, in: [first.pid, second.pid])
                        for instance in [first, second] {
                            try claim(instance.read(file.target) == round, "round \(round): \(file.target)")
                        }
                    }
                }
                mount = try ServiceMount.adopt(
                    service: "web", files: files, keeper: try mounts.keeper.duplicate(), mountsBeneath: mountsBeneath)
            }
        }
    }

    @Test func `a mount that was left to an instance goes with it, and not before`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            let secret = file("/run/secrets/key")
            try mount.write(secret, "value")
            let mounts = try mount.descriptorsForInstance()
            let keeper = try mounts.keeper.duplicate()
            let instance = try FakeInstance(mounts, extra: ["/run/etc/plain.txt"])
            mount.release()
            try claim(instance.read(secret.target) == "value", "the instance has lost its file")
            try mount.remask(["/run/etc/plain.txt"], pins: [], inInstance: instance.pid)
            try claim(instance.read("/run/etc/plain.txt") == nil, "nothing can be covered any more")
            try claim((try? mount.write(secret, "another")) == nil, "what was given up was written to")
            try claim((try? mount.descriptorsForInstance()) == nil, "what was given up was handed out")
            // A successor finds what it held.
            let adopted = try ServiceMount.adopt(service: "web", files: mount.files, keeper: keeper)
            try claim(adopted.files == [secret], "the record of it has gone")
        }
    }

    @Test func `a cover that was lost with the file it lay on is laid again, once`() throws {
        let path = staging.path
        try inOwnMountNamespace {
            let mount = try ServiceMount(service: "web", bare: try BareMountNamespace(stagingDirectory: path))
            let instance = try mount.makeInstance(extra: ["/run/etc/plain.txt"])
            try instance.inside { try claim(mkdir("/run/etc/store", 0o755) == 0 && mkdir("/run/etc/store/x", 0o755) == 0, "mkdir") }
            func mountCount() -> Int {
                ((try? FileDescriptor.open("/proc/\(instance.pid)/mountinfo", O_RDONLY).readAll()) ?? nil)?
                    .count { $0 == UInt8(ascii: "\n") } ?? 0
            }
            let masks = ["/run/etc/plain.txt", "/run/etc/store", "/run/etc/none", "/run/etc/plain.txt/none"]
            try mount.remask(masks, pins: [], inInstance: instance.pid)
            let count = mountCount()
            try mount.remask(masks, pins: [], inInstance: instance.pid)
            try claim(mountCount() == count, "covered twice")
            try claim(instance.read("/run/etc/plain.txt") == nil, "the file can be read")
            try claim(access("/proc/\(instance.pid)/root/run/etc/store/x", F_OK) != 0, "the folder can be entered")
        }
    }
}

/// Runs `body` with the mount in another supervisor's place: a mount namespace that did not exist when it was made.
private func inOwnMountNamespace(
    adopting keeper: consuming FileDescriptor, files: [MountedFile], mountsBeneath: Bool,
    _ body: @escaping (ServiceMount) throws -> Void
) throws {
    let number = keeper.release()
    nonisolated(unsafe) let body = body
    try inOwnMountNamespace {
        try body(
            try ServiceMount.adopt(
                service: "web", files: files, keeper: FileDescriptor(owning: number), mountsBeneath: mountsBeneath))
    }
}
