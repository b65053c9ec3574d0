import Glibc

/// The service manager that has started this process, if one has: systemd.
public struct ServiceManager: Sendable {
    /// Of its socket; nil where it doesn't want to know.
    private let path: String?

    /// - Parameter environment: of this process: `NOTIFY_SOCKET` names the socket.
    public init(environment: [String: String]) {
        path = environment["NOTIFY_SOCKET"]
    }

    /// Tells it how far this process is, as sd_notify(3) does: by a datagram. That it does not hear it is no reason to do anything else.
    ///
    /// - Parameter state: `READY=1`, `STOPPING=1`, `STATUS=…`.
    public func notify(_ state: String) {
        guard let path else { return }
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return }
        let descriptor = FileDescriptor(owning: number)
        guard SocketAddress.withUnix(path, { connect(number, $0, $1) }) == 0 else { return }
        Array(state.utf8).withUnsafeBytes { _ = send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
