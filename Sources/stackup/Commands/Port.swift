import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `stackup port`: where a service's port can be reached.
enum Port {
    static let command = Command(
        "port", summary: "Print the address at which a service's port can be reached",
        discussion: """
            Services share the host's network, so a port that one listens on is the host's own, and 'ports' in the Compose file maps nothing: \
            what is printed is where the service really listens. One that listens nowhere, or in a network of its own, is an error.
            """,
        usage: "[OPTIONS] SERVICE PRIVATE_PORT",
        examples: [
            .init("stackup port web 8080", "0.0.0.0:8080, or wherever it listens"),
            .init("stackup port --protocol udp dns 53", "of another protocol"),
            .init("stackup port --index 2 web 8080", "of one of several instances"),
        ],
        options: [
            .value("index", "N", help: "The instance, if the service has several (default: the first that runs)"),
            .choice("protocol", ["tcp", "udp"], help: "The protocol (default tcp)"),
        ],
        arguments: [.init("SERVICE"), .init("PRIVATE_PORT")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let (name, text) = (invocation.operands[0], invocation.operands[1])
        guard let port = UInt16(text), port > 0 else {
            throw invocation.arguments.usageError("'\(text)' is no port", remedy: "write a number from 1 to 65535")
        }
        let transport = ListeningSocket.TransportProtocol(rawValue: invocation.value("protocol") ?? "tcp") ?? .tcp
        let target = try invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .observing)
        let state = try session.observe()
        let service = try target.services(named: [name], observed: state, record: session.record)?[0] ?? name
        let instance = try state.runningInstance(try invocation.arguments.integer("index", in: 1...Int.max), of: service, in: target)
        guard let pid = instance.pid else { throw CommandFailure("'\(instance.name)' has just ended") }
        // Pid 1 is the init, which nobody but root may look at.
        let processes = (ProcessesOfInstance.grouped(by: [pid])[pid] ?? []).filter { $0 != pid }
        guard let process = processes.first else { throw CommandFailure("'\(instance.name)' has just ended") }
        guard Self.network(of: process) == Self.network(of: getpid()) else {
            throw CommandFailure("service '\(name)' has a network of its own (network_mode), and no port of it can be reached from the host")
        }
        let sockets = ListeningSocket.opened(by: processes)
        guard let socket = sockets.first(where: { $0.port == port && $0.transport == transport }) else {
            let others = sockets.map { "\($0.port)/\($0.transport.rawValue)" }.withoutRepeats()
            throw CommandFailure(
                "no port \(port)/\(transport.rawValue) for container \(target.name)-\(instance.name): "
                    + (others.isEmpty ? "it listens on none" : others.joined(separator: ", ")))
        }
        invocation.streams.print(socket.place)
        return 0
    }

    /// What names a network namespace (namespaces(7)).
    private static func network(of process: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = readlink("/proc/\(process)/ns/net", &buffer, 63)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
