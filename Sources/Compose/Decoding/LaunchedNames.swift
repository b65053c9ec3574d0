import Linux
import YAML

/// Names of the kernel's that are only looked up when a service starts: Compose takes any, and Docker refuses it then.
struct LaunchedNames {
    private let path: String
    private let reporter: Reporter

    init(_ service: String, _ reporter: Reporter) {
        path = service
        self.reporter = reporter
    }

    func checkSignal(_ node: Node) {
        guard let text = node.string, !text.isEmpty, Signals.number(text) == nil else { return }
        let attribute = "\(path).stop_signal"
        reporter.obstacle(
            "\(attribute): '\(text)' is not a signal", at: node.place, attribute: attribute, remedy: Self.signalRemedy(text, reporter))
    }

    func checkCapabilities(_ node: Node, _ attribute: String) {
        for (index, item) in (node.sequence ?? []).enumerated() {
            guard let text = item.string, text.uppercased() != "ALL", Capabilities.number(text) == nil else { continue }
            let attribute = "\(path).\(attribute)[\(index)]"
            reporter.obstacle(
                "\(attribute): '\(text)' is not a capability", at: item.place, attribute: attribute,
                remedy: Self.suggestion(text, Capabilities.names, prefix: "CAP_", reporter) ?? "capabilities(7) lists them")
        }
    }

    /// What to write instead of a word that names no signal.
    static func signalRemedy(_ text: String, _ reporter: Reporter) -> String {
        suggestion(text, Signals.names, prefix: "SIG", reporter) ?? "write for example SIGTERM, SIGHUP or 15"
    }

    /// A prefix that all names have makes none of them nearer to what was meant.
    private static func suggestion(_ text: String, _ names: [String], prefix: String, _ reporter: Reporter) -> String? {
        let word = text.uppercased()
        let hasPrefix = word.hasPrefix(prefix)
        let own = hasPrefix ? String(word.dropFirst(prefix.utf8.count)) : word
        let ends = names.map { String($0.dropFirst(prefix.utf8.count)) }
        let near = ends.filter { reporter.suggestion(for: own, among: [$0]) != nil }
        return reporter.suggestion(for: hasPrefix ? prefix + own : own, among: hasPrefix ? near.map { prefix + $0 } : near)
    }
}
