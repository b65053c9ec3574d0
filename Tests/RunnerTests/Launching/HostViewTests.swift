import Glibc
import Linux
import Testing

@testable import Runner

@Suite("The host as instances see it")
struct HostViewTests {
    private let folder: String
    private let staging = TemporaryDirectory()

    init() throws {
        var template = Array("/var/tmp/stackup-view.XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
    }

    private func put(_ name: String, _ text: String) throws {
        try FileDescriptor.open("\(folder)/\(name)", O_WRONLY | O_CREAT, mode: 0o644).writeAll(Array(text.utf8))
    }

    private func clear() {
        for name in ["key.txt", "other.txt", "store/x", "link.txt"] { unlink("\(folder)/\(name)") }
        rmdir("\(folder)/store")
        rmdir(folder)
    }

    @Test(.enabled(if: RealStack.isPossible, "it needs root, and stackup-init beside the tests"))
    func `what is masked cannot be opened in the view, and can outside of it`() throws {
        defer { clear() }
        try put("key.txt", "value")
        try put("other.txt", "value")
        try #require(mkdir("\(folder)/store", 0o755) == 0)
        try put("store/x", "value")
        try #require(symlink("key.txt", "\(folder)/link.txt") == 0)
        let (folder, staging) = (folder, staging.path)
        try inOwnMountNamespace {
            func isReadable(_ name: String) -> Bool {
                (try? FileDescriptor.open("\(folder)/\(name)", O_RDONLY).readAll(limit: 100)) == Array("value".utf8)
            }
            let launcher = try InstanceLauncher(initExecutable: RealStack.programs + "/stackup-init", stagingDirectory: staging)
            let masks = ["key.txt", "other.txt", "store", "none"].map { "\(folder)/\($0)" }
            let view = try launcher.hostView(StackSurroundings(masks: masks), writable: false)
            try view.entered(withHost: true) { () throws(SystemCallError) in
                for name in ["key.txt", "other.txt", "store/x", "link.txt"] where isReadable(name) {
                    throw SystemCallError("\(name) can be read in the view", code: 0)
                }
            }
            for name in ["key.txt", "other.txt", "store/x", "link.txt"] { try claim(isReadable(name), "\(name) is masked outside") }
        }
    }

    @Test(.enabled(if: RealStack.isPossible, "it needs root, and stackup-init beside the tests"))
    func `what the host mounts later stays out of it`() throws {
        defer { clear() }
        try #require(mkdir("\(folder)/store", 0o755) == 0)
        let (folder, staging) = (folder, staging.path)
        try inOwnMountNamespace {
            let launcher = try InstanceLauncher(initExecutable: RealStack.programs + "/stackup-init", stagingDirectory: staging)
            let view = try launcher.hostView(StackSurroundings(), writable: false)
            try claim(mount("late", "\(folder)/store", "tmpfs", 0, nil) == 0, "mount: errno \(errno)")
            defer { umount2("\(folder)/store", Int32(MNT_DETACH)) }
            let seen = try view.entered(withHost: true) { () throws(SystemCallError) in
                try FileDescriptor.open("/proc/thread-self/mountinfo", O_RDONLY).readAll() ?? []
            }
            try claim(!seen.isEmpty && !String(decoding: seen, as: UTF8.self).contains(folder), "it is in the view")
        }
    }

    @Test func `mounts of processes are found by their type, wherever they are`() throws {
        let table = """
            22 29 0:21 / /proc rw,nosuid shared:13 - proc proc rw
            30 29 0:21 / /srv/a\\040chroot/proc rw - proc none rw
            31 29 0:5 / /dev/proc rw shared:2 master:1 - devtmpfs proc rw
            32 29 0:5 / /mnt/-\\134x rw - ext4 /dev/proc rw

            """
        #expect(try MountTable.places(ofType: "proc", in: Array(table.utf8)) == ["/proc", "/srv/a chroot/proc"])
        #expect(try MountTable.places(ofType: "ext4", in: Array(table.utf8)) == ["/mnt/-\\x"])
    }

    @Test func `a mount point that is no text is not passed over`() {
        let table = Array("30 29 0:21 / /x".utf8) + [0xff] + Array(" rw - proc none rw\n".utf8)
        #expect(throws: SystemCallError.self) { try MountTable.places(ofType: "proc", in: table) }
    }
}
