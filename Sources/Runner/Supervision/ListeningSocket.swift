import Glibc
import Linux

/// A socket that somebody can connect to, or send to.
public struct ListeningSocket: Sendable, Equatable {
    public enum TransportProtocol: String, Sendable, CaseIterable {
        case tcp, udp
    }

    public let transport: TransportProtocol
    /// `127.0.0.1`, or `::1`.
    public let address: String
    public let port: UInt16
    /// What `/proc/PID/fd` names it by.
    public let inode: UInt64

    /// `127.0.0.1:80`, or `[::1]:80`.
    public var place: String { address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]:\(port)" : "\(address):\(port)" }

    /// Those of processes, by the protocol, the port, and then IPv4 first; each address once.
    ///
    /// - Parameter processes: pids, in the network namespace of this process.
    public static func opened(by processes: [Int32]) -> [ListeningSocket] {
        let own = Set(processes.flatMap(sockets))
        guard !own.isEmpty else { return [] }
        var found: [ListeningSocket] = []
        for transport in TransportProtocol.allCases {
            for table in [transport.rawValue, transport.rawValue + "6"] {
                let text = ((try? FileDescriptor.open("/proc/self/net/\(table)", O_RDONLY).readAll()) ?? nil) ?? []
                for line in text.split(separator: UInt8(ascii: "\n")).dropFirst() {
                    guard let socket = ListeningSocket(line, transport), own.contains(socket.inode) else { continue }
                    if !found.contains(where: { $0.transport == transport && $0.place == socket.place }) { found.append(socket) }
                }
            }
        }
        return found
    }

    /// Inodes of the sockets that a process has open.
    private static func sockets(of process: Int32) -> [UInt64] {
        guard let folder = try? FileDescriptor.open("/proc/\(process)/fd", O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: folder.number).compactMap { name in
            var buffer = [CChar](repeating: 0, count: 64)
            let count = readlinkat(folder.number, name, &buffer, 63)
            let target = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return target.hasPrefix("socket:[") ? UInt64(target.dropFirst(8).dropLast()) : nil
        }
    }

    /// A line of `/proc/net/tcp` or its like (proc(5)); nil where nobody can reach it.
    init?(_ line: ArraySlice<UInt8>, _ transport: TransportProtocol) {
        let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        // TCP_LISTEN; a UDP socket that is connected to somebody hears nobody else, and others are TCP_CLOSE.
        guard fields.count > 9, fields[3] == (transport == .tcp ? "0A" : "07"), let inode = UInt64(fields[9]) else { return nil }
        let parts = fields[1].split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16), let address = Self.address(parts[0]) else { return nil }
        self.transport = transport
        self.address = address
        self.port = port
        self.inode = inode
    }

    /// Words of 32 bits in the machine's order.
    private static func address(_ text: Substring) -> String? {
        guard text.utf8.count == 8 || text.utf8.count == 32 else { return nil }
        var words: [UInt32] = []
        var rest = text
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            words.append(word)
            rest = rest.dropFirst(8)
        }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = words.count == 1 ? AF_INET : AF_INET6
        guard inet_ntop(family, words, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
