import Linux
import YAML

/// Names of the kernel's that are only looked up when a service starts: Compose takes any, and Docker refuses it then.
///
/// Each unknown one is a warning of the files, and a refusal for whoever is about to start the service.
struct LaunchedNames {
    private let path: String
    private let reporter: Reporter

    init(_ service: String, _ reporter: Reporter) {
        path = service
        self.reporter = reporter
    }

    func signal(_ node: Node) -> [Diagnostic] {
        guard let text = node.string, !text.isEmpty, Signals.number(text) == nil else { return [] }
        return refuse("\(path).stop_signal", "'\(text)' is not a signal", at: node.place, remedy: Self.signalRemedy(text, reporter))
    }

    func capabilities(_ node: Node, _ attribute: String) -> [Diagnostic] {
        (node.sequence ?? []).enumerated().flatMap { index, item -> [Diagnostic] in
            guard let text = item.string, text.uppercased() != "ALL", Capabilities.number(text) == nil else { return [] }
            let hasPrefix = text.uppercased().hasPrefix("CAP_")
            let names = Capabilities.names.map { hasPrefix ? $0 : String($0.dropFirst(4)) }
            return refuse(
                "\(path).\(attribute)[\(index)]", "'\(text)' is not a capability", at: item.place,
                remedy: reporter.suggestion(for: text, among: names) ?? "capabilities(7) lists them")
        }
    }

    /// What to write instead of a word that names no signal.
    static func signalRemedy(_ text: String, _ reporter: Reporter) -> String {
        let hasPrefix = text.uppercased().hasPrefix("SIG")
        let names = Signals.names.map { hasPrefix ? $0 : String($0.dropFirst(3)) }
        return reporter.suggestion(for: text, among: names) ?? "write for example SIGTERM, SIGHUP or 15"
    }

    private func refuse(_ attribute: String, _ problem: String, at place: Place, remedy: String) -> [Diagnostic] {
        reporter.warning("\(attribute): \(problem), and up refuses it", at: place, attribute: attribute, remedy: remedy)
        return [Diagnostic(.error, "\(attribute): \(problem)", at: place, attribute: attribute, remedy: remedy)]
    }
}
