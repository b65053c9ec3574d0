import Linux
import YAML

/// The long forms that an entry of a list stands for.
struct ShortForms {
    private let reporter: Reporter

    init(_ reporter: Reporter) {
        self.reporter = reporter
    }

    func expand(_ node: Node, _ form: Shape.ShortForm, _ path: String) -> [Node] {
        let text = node.scalarText ?? ""
        switch form {
        case .attribute(let name):
            return [object(node, [(name, .string(text))])]
        case .volume:
            return [volume(text, node, path)]
        case .port:
            return ports(text, node, path)
        case .device:
            return [device(text, node, path)]
        case .ulimit, .gpus, .envFile:
            return [node]
        }
    }

    private func object(_ node: Node, _ values: [(String, Node.Value)]) -> Node {
        Node(
            .mapping(Mapping(values.map { Mapping.Entry($0, at: node.place, Node($1, at: node.place)) })),
            at: node.place)
    }

    private func volume(_ text: String, _ node: Node, _ path: String) -> Node {
        let parsed = VolumeSpecification.parse(text)
        if let problem = parsed.problem {
            reporter.error(
                "\(path): invalid volume '\(text)': \(problem)", at: node.place, attribute: path,
                remedy: "write it as SOURCE:TARGET or SOURCE:TARGET:ro")
        }
        for option in parsed.unknownOptions {
            reporter.advise(
                "\(path): unknown option '\(option)', which is passed over", at: node.place, attribute: path,
                remedy: reporter.suggestion(for: option, among: VolumeSpecification.options)
                    ?? "for example ro, which lets the service only read")
        }
        var values: [(String, Node.Value)] = [("type", .string(parsed.isBind ? "bind" : "volume"))]
        if !parsed.source.isEmpty { values.append(("source", .string(parsed.source))) }
        values.append(("target", .string(Paths.clean(parsed.target))))
        if parsed.readOnly { values.append(("read_only", .bool(true))) }
        // Compose looks no further into a text this short.
        if text.utf8.count <= 2 { return object(node, values) }
        var options: [(String, Node.Value)] = []
        if let selinux = parsed.selinux { options.append(("selinux", .string(selinux))) }
        if let propagation = parsed.propagation { options.append(("propagation", .string(propagation))) }
        if parsed.isBind {
            options.append(("create_host_path", .bool(true)))
        }
        let volume: [(String, Node.Value)] = parsed.noCopy ? [("nocopy", .bool(true))] : []
        if !parsed.isBind || parsed.noCopy { values.append(("volume", object(node, volume).value)) }
        if !options.isEmpty { values.append(("bind", object(node, options).value)) }
        return object(node, values)
    }

    private func ports(_ text: String, _ node: Node, _ path: String) -> [Node] {
        do {
            return try PortSpecification.parse(text).map { port in
                var values: [(String, Node.Value)] = [("mode", .string("ingress"))]
                if !port.hostIP.isEmpty { values.append(("host_ip", .string(port.hostIP))) }
                values.append(("target", .integer(Int64(port.target))))
                if !port.published.isEmpty { values.append(("published", .string(port.published))) }
                values.append(("protocol", .string(port.protocolName)))
                return object(node, values)
            }
        } catch {
            reporter.error(
                "\(path): invalid port '\(text)': \(error.reason)", at: node.place, attribute: path,
                remedy: "write it as [ADDRESS:]HOST_PORT:CONTAINER_PORT[/udp]")
            return []
        }
    }

    private func device(_ text: String, _ node: Node, _ path: String) -> Node {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 3 {
            reporter.error(
                "\(path): confusing device mapping '\(text)'", at: node.place, attribute: path, remedy: "use the long form")
        }
        let target = parts.count > 1 && !parts[1].isEmpty ? parts[1] : parts[0]
        return object(node, [
            ("source", .string(parts[0])), ("target", .string(target)),
            ("permissions", .string(parts.count > 2 ? parts[2] : "rwm")),
        ])
    }
}
