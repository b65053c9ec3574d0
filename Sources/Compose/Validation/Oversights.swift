import Linux
import YAML

/// Warns of what Compose takes in the lists of one file without a word, though hardly anybody means it.
///
/// Once files are merged there is no telling it from what an override file does on purpose.
struct Oversights {
    let reporter: Reporter

    /// - Parameter document: a file's, before anything is merged into it.
    func check(_ document: Node) {
        for service in document["services"]?.mapping?.entries ?? [] {
            for attribute in service.value.mapping?.entries ?? [] {
                guard let items = attribute.value.sequence else { continue }
                switch attribute.key {
                case "environment": checkVariables(items, "services.\(service.key).environment")
                case "volumes": checkTargets(items, "services.\(service.key).volumes")
                case "devices": checkDevices(items, "services.\(service.key).devices")
                default: break
                }
            }
        }
    }

    private func checkVariables(_ items: [Node], _ path: String) {
        var lines: [String: Int] = [:]
        for (index, item) in items.enumerated() {
            guard let text = item.string else { continue }
            let (name, value) = Text.cut(text, at: UInt8(ascii: "="))
            if value == nil, let intended = Self.nameBeforeColon(text) {
                // What follows the colon is not shown: it is somebody's value.
                reporter.advise(
                    "there is no '=', so all of this is a variable's name", at: item.place, attribute: "\(path)[\(index)]",
                    remedy: "write it as \(intended)=VALUE")
            }
            guard let line = lines.updateValue(item.place.line, forKey: name) else { continue }
            reporter.advise(
                "'\(name)' is in the list already, at line \(line): the later one counts", at: item.place,
                attribute: "\(path)[\(index)]", remedy: "remove one of the two")
        }
    }

    private static func nameBeforeColon(_ text: String) -> String? {
        let (name, rest) = Text.cut(text, at: UInt8(ascii: ":"))
        let bytes = Array(name.utf8)
        guard rest != nil, let first = bytes.first, TemplateReference.isNameStart(first),
            TemplateReference.nameEnd(bytes, 0, bytes.count) == bytes.count
        else { return nil }
        return name
    }

    private func checkTargets(_ items: [Node], _ path: String) {
        guard items.count > 1 else { return }
        var known: [String: (index: Int, line: Int)] = [:]
        for (index, item) in items.enumerated() {
            let text = item.string.map { VolumeSpecification.parse($0).target }
            guard let target = text ?? item["target"]?.string,
                let other = known.updateValue((index, item.place.line), forKey: target)
            else { continue }
            reporter.advise(
                "it is mounted over volumes[\(other.index)], at line \(other.line), which is dropped: both have the target \(target)",
                at: item.place, attribute: "\(path)[\(index)]", remedy: "give one of them another target, or remove it")
        }
    }

    /// Of two devices at one place, one would be missing without a word, or the wrong one be there.
    private func checkDevices(_ items: [Node], _ path: String) {
        guard items.count > 1 else { return }
        var known: [String: (index: Int, line: Int)] = [:]
        for (index, item) in items.enumerated() {
            let parts = (item.string ?? "").split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            let source = item["source"]?.string ?? parts.first ?? ""
            let target = item["target"]?.string ?? (parts.count > 1 && !parts[1].isEmpty ? parts[1] : source)
            guard !target.isEmpty, let other = known.updateValue((index, item.place.line), forKey: Paths.clean(target)) else { continue }
            reporter.obstacle(
                "\(path)[\(index)] has the target \(target), as devices[\(other.index)] has, at line \(other.line)", at: item.place,
                attribute: "\(path)[\(index)]", remedy: "give one of them another target, or remove it")
        }
    }
}
