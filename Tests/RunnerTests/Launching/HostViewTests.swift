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
            let view = try launcher.hostView(StackSurroundings(plaintextSources: masks), writable: false)
            try view.entered(withHost: true) { () throws(SystemCallError) in
                for name in ["key.txt", "other.txt", "store/x", "link.txt"] where isReadable(name) {
                    throw SystemCallError("\(name) can be read in the view", code: 0)
                }
            }
            for name in ["key.txt", "other.txt", "store/x", "link.txt"] { try claim(isReadable(name), "\(name) is masked outside") }
        }
    }

    @Test(.enabled(if: RealStack.isPossible, "it needs root, and stackup-init beside the tests"))
    func `it is masked wherever else the host has mounted it, and no link is followed from a private path`() throws {
        defer { clear() }
        try put("key.txt", "value")
        try put("other.txt", "value")
        try #require(mkdir("\(folder)/store", 0o755) == 0)
        try #require(symlink("other.txt", "\(folder)/link.txt") == 0)
        let (folder, staging) = (folder, staging.path)
        try inOwnMountNamespace {
            func isReadable(_ path: String) -> Bool {
                (try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 100)) == Array("value".utf8)
            }
            try claim(mount(folder, "\(folder)/store", nil, UInt(MS_BIND), nil) == 0, "mount: errno \(errno)")
            defer { umount2("\(folder)/store", Int32(MNT_DETACH)) }
            try claim(isReadable("\(folder)/store/key.txt"), "there is no second way to the file")
            let launcher = try InstanceLauncher(initExecutable: RealStack.programs + "/stackup-init", stagingDirectory: staging)
            let surroundings = StackSurroundings(privatePaths: ["\(folder)/key.txt", "\(folder)/link.txt"])
            let view = try launcher.hostView(surroundings, writable: false)
            try view.entered(withHost: true) { () throws(SystemCallError) in
                for path in ["\(folder)/key.txt", "\(folder)/store/key.txt"] where isReadable(path) {
                    throw SystemCallError("\(path) can be read in the view", code: 0)
                }
                guard isReadable("\(folder)/other.txt") else { throw SystemCallError("a link led a mask away", code: 0) }
            }
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

    private static func text(_ file: borrowing FileDescriptor?) throws -> String {
        switch file {
        case .some(let open): String(decoding: try open.readAll() ?? [], as: UTF8.self)
        case .none: ""
        }
    }

    /// A neighbour may rename a folder after it was written down where the host's processes are mounted: then no cover is laid on them.
    @Test(.enabled(if: RealStack.isPossible, "it needs root, and stackup-init beside the tests"), arguments: [false, true])
    func `an instance does not see the host's processes, whatever they are called by now`(isMoved: Bool) throws {
        defer { clear() }
        let (folder, staging) = (folder, staging.path)
        try inOwnMountNamespace {
            for name in ["/chroot", "/chroot/proc"] { try claim(mkdir(folder + name, 0o755) == 0, "mkdir: errno \(errno)") }
            defer {
                for name in ["/chroot/proc", "/moved/proc"] { umount2(folder + name, Int32(MNT_DETACH)) }
                unlink(folder + "/run/" + ExitStatuses.fileName)
                rmdir(folder + "/run")
                for name in ["/chroot/proc", "/chroot", "/moved/proc", "/moved"] { rmdir(folder + name) }
            }
            try claim(mount("proc", folder + "/chroot/proc", "proc", 0, nil) == 0, "mount: errno \(errno)")
            let launcher = try InstanceLauncher(initExecutable: RealStack.programs + "/stackup-init", stagingDirectory: staging)
            let view = try launcher.hostView(StackSurroundings(), writable: false)
            if isMoved { try claim(rename(folder + "/chroot", folder + "/moved") == 0, "rename: errno \(errno)") }
            var plan = RealStack().plan("web", "cat /vol/*/proc/sys/kernel/ostype; echo looked")
            plan.mounts = [.bind(source: folder, target: "/vol", readOnly: false)]
            guard let runtime = try RuntimeDirectory.open(folder + "/run", create: true) else { return try claim(false, "there is no runtime directory") }
            let statuses = ExitStatuses(runtime)
            let status = try statuses.page(for: InstanceName(service: "web", index: 1))
            let launched = try launcher.launch(plan, index: 1, in: view, mount: launcher.makeMount(for: "web"), exitStatus: status)
            let report = try Self.text(launched.startReport)
            let output = String(decoding: try launched.standardOutput.readAll() ?? [], as: UTF8.self)
            waitpid(launched.pid, nil, 0)
            try claim(output == "looked\n" && report == "", "it has read '\(output)', and reports '\(report)'")
        }
    }
}
