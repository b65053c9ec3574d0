import CLinux
import Glibc
import Linux

@testable import Runner

/// A process in a mount namespace of its own that has a service's files where an instance has them.
final class FakeInstance {
    let pid: Int32
    private let process: FileDescriptor
    private let input: DescriptorPair

    /// Starts it and attaches `mounts`; below `/run` it has nothing else but `extra`, files that are the host's.
    init(_ mounts: borrowing InstanceMounts, extra: [String] = []) throws {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        // cat(1) waits for input that never comes.
        let program = try FileDescriptor.open("/bin/cat", O_PATH)
        input = try FileDescriptor.pipe()
        var descriptors = [
            clinux_descriptor(source: input.read.number, number: 0), clinux_descriptor(source: null.number, number: 1),
            clinux_descriptor(source: null.number, number: 2),
        ]
        var pidfd: Int32 = -1
        pid = clinux_spawn(program.number, "cat", UInt64(CLINUX_NEWNS), &descriptors, Int32(descriptors.count), 0, -1, &pidfd)
        process = FileDescriptor(owning: pidfd)
        try claim(pid > 0, "clinux_spawn: errno \(errno)")
        let (secrets, paths, numbers) = (mounts.secrets.number, mounts.targetPaths, mounts.targetNumbers)
        try inside {
            try claim(mount("tmpfs", "/run", "tmpfs", 0, nil) == 0, "mount(/run): errno \(errno)")
            try claim(mkdir("/run/secrets", 0o755) == 0 && mkdir("/run/etc", 0o755) == 0, "mkdir")
            let place = try FileDescriptor.open("/run/secrets", O_PATH)
            try claim(clinux_tree_attach(secrets, place.number, 0) == 0, "move_mount: errno \(errno)")
            for path in paths + extra {
                try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o644).writeAll(Array("host".utf8))
            }
            for (path, number) in zip(paths, numbers) {
                let place = try FileDescriptor.open(path, O_PATH)
                try claim(clinux_tree_attach(number, place.number, 0) == 0, "move_mount(\(path)): errno \(errno)")
            }
        }
    }

    /// Runs `body` in its mount namespace, on a thread of its own.
    func inside(_ body: @escaping @Sendable () throws -> Void) throws {
        let number = process.number
        try inOwnMountNamespace {
            try claim(clinux_join_mounts(number) == 0, "setns: errno \(errno)")
            try body()
        }
    }

    /// A file's content as the instance sees it; nil where there is none.
    func read(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/root\(path)", O_RDONLY), let bytes = try? file.readAll()
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    func end() {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    deinit {
        end()
    }
}
