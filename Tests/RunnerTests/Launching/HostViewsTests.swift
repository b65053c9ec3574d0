import CLinux
import Glibc
import Linux
import Testing

@testable import Runner

@Suite("Views of the host from one moment to the next", .enabled(if: RealStack.isPossible, "it needs root, and stackup-init beside the tests"))
struct HostViewsTests {
    private let staging = TemporaryDirectory(), disk = TemporaryDirectory()

    /// In a mount namespace in which nobody else mounts.
    private func inHost(_ body: @escaping @Sendable (HostViews, EventLoop) throws -> Void) throws {
        let staging = staging.path
        try inOwnMountNamespace {
            let loop = try EventLoop()
            let launcher = try InstanceLauncher(initExecutable: RealStack.programs + "/stackup-init", stagingDirectory: staging)
            try body(HostViews(launcher: launcher, loop: loop), loop)
        }
    }

    /// Lets the loop see what has happened.
    private static func turn(_ loop: EventLoop) throws {
        try loop.run(nextDeadline: { MonotonicClock.now() + 20 }) { loop.stop() }
    }

    @Test func `launches of one moment share one, and the next moment takes it up, to be looked through`() throws {
        try inHost { views, _ in
            let surroundings = StackSurroundings(privatePaths: ["/etc/shadow"])
            let first = try views.view(surroundings, writable: false)
            try claim(try views.view(surroundings, writable: false) === first && !first.isOfEarlierMoment, "two for one moment")
            try claim(try views.view(surroundings, writable: true) !== first, "host folders that can be written to are the same")
            views.endLaunches()
            try claim(try views.view(surroundings, writable: false) === first && first.isOfEarlierMoment, "it was not kept")
            views.endLaunches()
            try claim(try views.view(surroundings, writable: false) === first, "it was not kept twice")
            let specification = try InitSpecification.launch(
                RealStack().plan("web", "true"), index: 1, in: first, status: (9, 0), targets: [], groups: 0..<0, isUnprivileged: false)
            try claim(
                String(decoding: specification.bytes, as: UTF8.self).contains("maskagain\0/etc/shadow\0"), "nobody looks whether the mask is there")
        }
    }

    @Test func `one that hides less than is to be hidden now is not taken`() throws {
        try inHost { views, _ in
            let first = try views.view(StackSurroundings(), writable: false)
            views.endLaunches()
            try claim(try views.view(StackSurroundings(hiddenPaths: ["/etc/shadow"]), writable: false) !== first, "it was taken")
        }
    }

    @Test func `where looking costs more than another one, another one is made`() throws {
        try inHost { views, _ in
            let surroundings = StackSurroundings(privatePaths: (0..<200).map { "/none/\($0)" })
            let first = try views.view(surroundings, writable: false)
            views.endLaunches()
            try claim(try views.view(surroundings, writable: false) === first && views.view(surroundings, writable: false) === first, "it was not kept")
            let next = try views.view(surroundings, writable: false)
            try claim(next !== first && !next.isOfEarlierMoment, "a third launch took it")
        }
    }

    @Test func `whatever the host mounts or unmounts makes it go at once, and it holds up neither`() throws {
        let disk = disk.path
        try inHost { views, loop in
            try claim(mount("disk", disk, "tmpfs", 0, nil) == 0, "mount: errno \(errno)")
            weak let first = try views.view(StackSurroundings(), writable: false)
            views.endLaunches()
            try Self.turn(loop)
            try claim(first != nil, "it went by itself")
            try claim(umount2(disk, 0) == 0, "what it shows can't be unmounted: errno \(errno)")
            try Self.turn(loop)
            try claim(first == nil, "it stayed, and what was unmounted with it")

            weak let second = try views.view(StackSurroundings(), writable: false)
            views.endLaunches()
            try claim(mount("disk", disk, "tmpfs", 0, nil) == 0, "mount: errno \(errno)")
            defer { umount2(disk, Int32(MNT_DETACH)) }
            // Before the loop has heard of it.
            let third = try views.view(StackSurroundings(), writable: false)
            try claim(second == nil && !third.isOfEarlierMoment, "it was taken though the host has mounted something")
            views.endLaunches()
            try claim(try views.view(StackSurroundings(), writable: false) === third, "the new one was not kept")
        }
    }

    /// To ask for events of a file takes those that have been; the next ones may be long in coming.
    @Test func `what the host mounts or renames while launches are under way is not missed`() throws {
        let disk = disk.path
        try inHost { views, loop in
            weak let first = try views.view(StackSurroundings(), writable: false)
            try claim(mount("disk", disk, "tmpfs", 0, nil) == 0, "mount: errno \(errno)")
            defer { umount2(disk, Int32(MNT_DETACH)) }
            views.endLaunches()
            try Self.turn(loop)
            try claim(first == nil, "it was kept, without what the host has mounted")

            try claim(mkdir("\(disk)/a", 0o755) == 0 && mkdir("\(disk)/a/b", 0o755) == 0, "mkdir: errno \(errno)")
            try claim(mount("\(disk)", "\(disk)/a/b", nil, UInt(MS_BIND), nil) == 0, "mount: errno \(errno)")
            let surroundings = StackSurroundings(privatePaths: ["\(disk)/secret"])
            let second = try views.view(surroundings, writable: false)
            try claim(second.masks == ["\(disk)/secret", "\(disk)/a/b/secret"], "the other way is not known")
            views.endLaunches()
            // No event tells of it.
            try claim(rename("\(disk)/a", "\(disk)/c") == 0, "rename: errno \(errno)")
            let third = try views.view(surroundings, writable: false)
            try claim(third !== second, "it was taken though a mount has another name now")
            try claim(third.masks == ["\(disk)/secret", "\(disk)/c/b/secret"], "the way's new name is not known")
        }
    }

    @Test func `an entry of the root that comes or goes, or another resolv conf, shows`() throws {
        let root = disk.path
        try inOwnMountNamespace {
            try claim(mkdir("\(root)/etc", 0o755) == 0 && chroot(root) == 0 && chdir("/") == 0, "chroot: errno \(errno)")
            func put(_ path: String) throws { try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o644).writeAll([1]) }
            var last = HostCopies()
            try claim(!last.showsChanges, "a change within the same tick would not show")
            func hasChanged() -> Bool {
                defer { last = HostCopies() }
                return HostCopies() != last
            }
            try claim(!hasChanged(), "nothing has changed")
            usleep(20_000)
            try claim(mkdir("/late", 0o755) == 0 && hasChanged(), "a folder that came")
            usleep(20_000)
            try claim(rmdir("/late") == 0 && hasChanged(), "a folder that went")
            try put("/etc/resolv.conf")
            try claim(hasChanged(), "a file that came")
            try put("/etc/other")
            try claim(rename("/etc/other", "/etc/resolv.conf") == 0 && hasChanged(), "a file that was replaced")
        }
    }
}
