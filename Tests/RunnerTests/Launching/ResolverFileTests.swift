import CLinux
import Glibc
import Linux
import Testing

@testable import Runner

/// `/etc/resolv.conf` may lead anywhere, and nobody waits for it.
@Suite(.enabled(if: geteuid() == 0)) struct ResolverFileTests {
    private let folder = TemporaryDirectory()

    /// Runs `body` where `/` is a folder with `etc`, and a `run` in memory.
    private func inRoot(_ body: @escaping @Sendable () throws -> Void) throws {
        let root = folder.path
        try inOwnMountNamespace {
            for name in ["etc", "run", "hang", "proc"] { mkdir("\(root)/\(name)", 0o755) }
            try claim(mount("run", "\(root)/run", "tmpfs", 0, nil) == 0 && mount("proc", "\(root)/proc", "proc", 0, nil) == 0, "mount: errno \(errno)")
            try claim(chroot(root) == 0 && chdir("/") == 0, "chroot: errno \(errno)")
            try body()
        }
    }

    private static func put(_ path: String) throws { try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o644).writeAll([1]) }

    @Test func itIsFoundWhereItUsuallyLies() throws {
        try inRoot {
            try claim(ResolverFile() == .missing, "there is none yet")
            try Self.put("/etc/resolv.conf")
            let file = ResolverFile()
            guard case .found = file else { throw Broken("a file: \(file)") }
            for target in ["../run/resolv.conf", "/run/resolv.conf"] {
                unlink("/run/resolv.conf")
                unlink("/etc/resolv.conf")
                symlink(target, "/etc/resolv.conf")
                try claim(ResolverFile() == .missing, "\(target) leads nowhere yet")
                try Self.put("/run/resolv.conf")
                let linked = ResolverFile()
                guard case .found(let path, _) = linked, path.hasSuffix("/run/resolv.conf"), linked != file else { throw Broken("\(target): \(linked)") }
                unlink("/run/resolv.conf")
                usleep(20_000)
                try Self.put("/run/resolv.conf")
                try claim(ResolverFile() != linked, "another file lies there")
            }
        }
    }

    @Test func aMountOfItsOwnIsNoCopy() throws {
        try inRoot {
            for path in ["/etc/resolv.conf", "/run/other"] { try Self.put(path) }
            try claim(mount("/run/other", "/etc/resolv.conf", "none", UInt(MS_BIND), nil) == 0, "bind: errno \(errno)")
            try claim(ResolverFile() == .mounted, "\(ResolverFile())")
        }
    }

    @Test func aFilesystemThatHangsIsNotWaitedFor() throws {
        // Nobody ever answers there.
        let device = try FileDescriptor.open("/dev/fuse", O_RDWR)
        let number = device.number
        let root = folder.path
        try inRoot {
            let options = "fd=\(number),rootmode=40000,user_id=0,group_id=0"
            try claim(mount("hang", "/hang", "fuse", 0, options) == 0, "mount in \(root): errno \(errno)")
            let watchdog = try Watchdog(closing: number)
            for target in ["/hang/resolv.conf", "../hang/resolv.conf", "/run/link"] {
                symlink("/hang/resolv.conf", "/run/link")
                unlink("/etc/resolv.conf")
                symlink(target, "/etc/resolv.conf")
                try claim(ResolverFile() == .elsewhere, "\(target): \(ResolverFile())")
                try claim(!HostCopies().showsChanges, "what can't be looked at can't be kept")
            }
            try claim(!watchdog.hasBarked(), "it was waited for")
        }
    }
}

/// Ends what hangs on an unanswered FUSE mount once nobody can mean to wait so long.
private struct Watchdog: ~Copyable {
    private final class Leash: @unchecked Sendable {
        let end: Int32, device: Int32
        init(end: Int32, device: Int32) { (self.end, self.device) = (end, device) }
    }

    private let write: FileDescriptor
    private let thread: pthread_t

    init(closing device: Int32) throws {
        let pipe = try FileDescriptor.pipe()
        let end = fcntl(pipe.read.number, F_DUPFD_CLOEXEC, 3)
        write = pipe.takeWriteEnd()
        var thread = pthread_t()
        pthread_create(&thread, nil, { argument in
            let leash = Unmanaged<Leash>.fromOpaque(argument!).takeRetainedValue()
            var state = pollfd(fd: leash.end, events: Int16(POLLIN), revents: 0)
            let called = poll(&state, 1, 60_000) > 0
            close(leash.end)
            if !called {
                let null = open("/dev/null", O_RDWR)
                dup2(null, leash.device)
                close(null)
            }
            return UnsafeMutableRawPointer(bitPattern: called ? 1 : 2)
        }, Unmanaged.passRetained(Leash(end: end, device: device)).toOpaque())
        self.thread = thread
    }

    consuming func hasBarked() -> Bool {
        try? write.writeAll([1])
        var result: UnsafeMutableRawPointer?
        pthread_join(thread, &result)
        return result == UnsafeMutableRawPointer(bitPattern: 2)
    }
}
