import Glibc

/// Addresses of sockets that lie in a filesystem (unix(7)).
public enum SocketAddress {
    /// Calls connect(2) or bind(2) with the address of a path.
    ///
    /// - Parameters:
    ///   - path: of the socket; with an `@` in front the name of an abstract one. One that is longer than an address can be (107 bytes) can be reached by a descriptor of its folder (`/proc/self/fd/N/name`).
    ///   - body: the call, with the address and its length.
    /// - Returns: what `body` returns; -1, and `ENAMETOOLONG` in `errno`, where the path is too long for it to be called.
    public static func withUnix(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        let isFitting = withUnsafeMutableBytes(of: &address.sun_path) { field in
            // One byte is for the end.
            guard bytes.count < field.count else { return false }
            field.copyBytes(from: bytes)
            return true
        }
        guard isFitting else {
            errno = ENAMETOOLONG
            return -1
        }
        // Every byte of an abstract name counts.
        let size = isAbstract ? MemoryLayout<sa_family_t>.size + bytes.count : MemoryLayout<sockaddr_un>.size
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }
}
