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
            let hasPrefix = text.uppercased().hasPrefix("CAP_")
            let names = Capabilities.names.map { hasPrefix ? $0 : String($0.dropFirst(4)) }
            let attribute = "\(path).\(attribute)[\(index)]"
            reporter.obstacle(
                "\(attribute): '\(text)' is not a capability", at: item.place, attribute: attribute,
                remedy: reporter.suggestion(for: text, among: names) ?? "capabilities(7) lists them")
        }
    }

    /// What to write instead of a word that names no signal.
    static func signalRemedy(_ text: String, _ reporter: Reporter) -> String {
        let hasPrefix = text.uppercased().hasPrefix("SIG")
        let names = Signals.names.map { hasPrefix ? $0 : String($0.dropFirst(3)) }
        return reporter.suggestion(for: text, among: names) ?? "write for example SIGTERM, SIGHUP or 15"
    }
}
