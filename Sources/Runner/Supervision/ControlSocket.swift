import CLinux
import Glibc
import Linux

/// The unix socket of a runtime directory, both ends.
enum ControlSocket {
    /// - Returns: nil where nobody listens.
    /// - Throws: where another user does.
    static func connect(_ directory: RuntimeDirectory) throws(SupervisionError) -> FileDescriptor? {
        let socket = try make(flags: 0)
        let number = socket.number
        let path = directory.socketPath
        do {
            try retryingInterrupts("connect", on: "\(directory.path)/\(RuntimeDirectory.socketName)") {
                SocketAddress.withUnix(path) { Glibc.connect(number, $0, $1) }
            }
        } catch where error.code == ENOENT || error.code == ECONNREFUSED || error.code == ENOTSOCK {
            return nil
        } catch {
            throw .system(error)
        }
        var pid: Int32 = 0
        var uid: UInt32 = 0
        guard clinux_peer(number, &pid, &uid) == 0, uid == geteuid() else {
            throw .unsafeDirectory(path: "\(directory.path)/\(RuntimeDirectory.socketName)", reason: "another user (uid \(uid)) listens there")
        }
        return socket
    }

    /// Listens, in place of what a dead supervisor may have left.
    static func listen(_ directory: RuntimeDirectory) throws(SupervisionError) -> FileDescriptor {
        let socket = try make(flags: Int32(SOCK_NONBLOCK.rawValue))
        let number = socket.number
        let path = directory.socketPath
        directory.remove(RuntimeDirectory.socketName)
        do {
            // Before bind(2), so that the file never has another mode.
            try retryingInterrupts("fchmod") { fchmod(number, 0o600) }
            try retryingInterrupts("bind", on: "\(directory.path)/\(RuntimeDirectory.socketName)") {
                SocketAddress.withUnix(path) { bind(number, $0, $1) }
            }
            try retryingInterrupts("listen") { Glibc.listen(number, 128) }
        } catch {
            throw .system(error)
        }
        return socket
    }

    private static func make(flags: Int32) throws(SupervisionError) -> FileDescriptor {
        do {
            return FileDescriptor(owning: try retryingInterrupts("socket") {
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | flags, 0)
            })
        } catch {
            throw .system(error)
        }
    }
}
