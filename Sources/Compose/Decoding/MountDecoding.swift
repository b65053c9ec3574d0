import Linux
import YAML

/// Reads a service's `volumes` and `tmpfs`.
struct MountDecoding {
    private let name: String
    private let reporter: Reporter

    private var service: String { "services.\(name)" }

    /// - Parameter name: the service's.
    init(_ name: String, _ reporter: Reporter) {
        self.name = name
        self.reporter = reporter
    }

    func volumes(_ node: Node) -> [ServiceMount] {
        (node.sequence ?? []).enumerated().compactMap { index, item in
            volume(item, "\(service).volumes[\(index)]")
        }
    }

    private func volume(_ item: Node, _ path: String) -> ServiceMount? {
        guard item.mapping != nil, let type = item["type"]?.string else { return nil }
        guard let target = target(item["target"]?.string ?? "", item["target"]?.place ?? item.place, path) else {
            return nil
        }
        let source = item["source"]?.string ?? ""
        let readOnly = item["read_only"]?.bool ?? false
        switch type {
        case "bind":
            guard !source.isEmpty else {
                // One that is missing is an error whatever becomes of the project: see DeclarationRules.
                if let node = item["source"] {
                    reporter.obstacle("\(path): a bind mount needs a source", at: node.place, attribute: path)
                }
                return nil
            }
            let creates = item["bind"]?["create_host_path"]?.bool ?? false
            return .bind(source: source, target: target, readOnly: readOnly, createHostPath: creates)
        case "volume":
            return .volume(volume: source.isEmpty ? nil : source, target: target, readOnly: readOnly)
        case "tmpfs":
            let size = item["tmpfs"]?["size"]?.string.flatMap { Int64($0) }
            let mode = item["tmpfs"]?["mode"]?.integer.map { UInt32(truncatingIfNeeded: $0) & 0o7777 }
            return .tmpfs(target: target, readOnly: readOnly, size: size == 0 ? nil : size, mode: mode, options: [])
        default:
            reporter.note(
                NoEffect.Use(
                    attribute: path, pattern: "services.*.volumes[]", owner: name, place: item.place,
                    reason: "there are no volumes of type \(type)"))
            return nil
        }
    }

    func tmpfs(_ node: Node) -> [ServiceMount] {
        (node.sequence ?? []).enumerated().compactMap { index, item in
            guard let text = item.string else { return nil }
            let path = "\(service).tmpfs[\(index)]"
            let (directory, options) = Text.cut(text, at: UInt8(ascii: ":"))
            guard let target = target(directory, item.place, path) else { return nil }
            return tmpfs(target, options ?? "", item.place, path)
        }
    }

    private func tmpfs(_ target: String, _ options: String, _ place: Place, _ path: String) -> ServiceMount {
        var size: Int64?
        var mode: UInt32?
        var readOnly = false
        var rest: [String] = []
        for option in options.split(separator: ",") {
            let (name, value) = Text.cut(String(option), at: UInt8(ascii: "="))
            switch (name, value) {
            case ("size", let value?):
                size = ScalarText.bytes(value)
                if size == nil {
                    reporter.obstacle("\(path): invalid size '\(value)'", at: place, attribute: path, remedy: "write it as size=64m")
                }
            case ("mode", let value?):
                mode = ScalarText.octal(value).map { UInt32($0) }
                if mode == nil {
                    reporter.obstacle("\(path): invalid mode '\(value)'", at: place, attribute: path, remedy: "write it as mode=1777")
                }
            case ("ro", nil): readOnly = true
            case ("rw", nil): readOnly = false
            default: rest.append(String(option))
            }
        }
        return .tmpfs(target: target, readOnly: readOnly, size: size, mode: mode, options: rest)
    }

    private func target(_ text: String, _ place: Place, _ path: String) -> String? { reporter.mountTarget(text, at: place, path) }
}
