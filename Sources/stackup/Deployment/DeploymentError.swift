import YAML

/// Why a stack cannot be brought to what its files ask for.
struct DeploymentError: Error, CustomStringConvertible {
    /// Each thing that stands in the way, with its place in the Compose file where that is known. Never a secret's value.
    let diagnostics: [Diagnostic]

    /// - Parameters:
    ///   - message: for the person: what was tried, why it failed, what to do.
    ///   - location: where the files ask for it.
    init(_ message: String, at location: SourceLocation? = nil) {
        diagnostics = [Diagnostic(.error, message, at: location)]
    }

    init(_ diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics
    }

    var description: String { diagnostics.map(\.message).joined(separator: "\n") }

    /// The same about one service, and at its place unless there is a closer one.
    func about(_ service: String, at location: SourceLocation?) -> DeploymentError {
        DeploymentError(
            diagnostics.map { Diagnostic(.error, "service '\(service)': \($0.message)", at: $0.location ?? location) })
    }
}
