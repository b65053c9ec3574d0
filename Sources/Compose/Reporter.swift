import YAML

/// Collects what is wrong, so that one run shows everything.
final class Reporter {
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var hasErrors = false
    /// Warnings that are given once for a project however often their cause occurs.
    private var given: Set<String> = []
    private var comparisonsLeft = 500_000
    /// Values that are known to be wrong already.
    private var silenced: Set<SourceLocation> = []

    private let purpose: ProjectOptions.Purpose

    init(_ purpose: ProjectOptions.Purpose = .running) {
        self.purpose = purpose
    }

    func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { hasErrors = true }
        diagnostics.append(diagnostic)
    }

    func add(_ more: [Diagnostic]) {
        for diagnostic in more { add(diagnostic) }
    }

    /// Whether a warning that is given once was given.
    func wasGiven(_ message: String) -> Bool {
        given.contains(message)
    }

    /// `did you mean 'ports'?`, as long as looking for it stays cheap: a file with thousands of wrong names among
    /// thousands of right ones gets its errors without it.
    func suggestion(for word: String, among candidates: @autoclosure () -> [String]) -> String? {
        guard comparisonsLeft > 0 else { return nil }
        let candidates = candidates()
        comparisonsLeft -= candidates.count
        return Spelling.suggestion(for: word, among: candidates)
    }

    /// Keeps errors about a value back from now on.
    func silence(_ place: Place) {
        silenced.insert(place.location)
    }

    /// Keeps errors back that follow from those already reported: the same values are about to be looked at again.
    func silenceErrors() {
        for diagnostic in diagnostics where diagnostic.severity == .error {
            if let location = diagnostic.location { silenced.insert(location) }
        }
    }

    func error(_ message: String, at place: Place? = nil, attribute: String = "", remedy: String? = nil) {
        if !silenced.isEmpty, let place, silenced.contains(place.location) { return }
        add(Diagnostic(.error, message, at: place, attribute: attribute, remedy: remedy))
    }

    /// Reports what Compose takes and an engine refuses, or stackup can't do: an error, unless the project is only printed.
    func obstacle(_ message: String, at place: Place? = nil, attribute: String = "", remedy: String? = nil) {
        switch purpose {
        case .running: error(message, at: place, attribute: attribute, remedy: remedy)
        case .printing: warning(message + ", and 'up' refuses it", at: place, attribute: attribute, remedy: remedy)
        }
    }

    func warning(
        _ message: String, at place: Place? = nil, attribute: String = "", remedy: String? = nil, once: Bool = false
    ) {
        if once, !given.insert(message).inserted { return }
        add(Diagnostic(.warning, message, at: place, attribute: attribute, remedy: remedy))
    }

    /// Everything in the order of the files and their lines; what has no place comes first.
    ///
    /// - Parameter disabled: services whose warnings don't matter, since no active profile enables them.
    func sorted(disabled: Set<String> = []) -> [Diagnostic] {
        var fileOrder: [String: Int] = [:]
        for diagnostic in diagnostics {
            if let file = diagnostic.location?.file, fileOrder[file] == nil { fileOrder[file] = fileOrder.count }
        }
        let kept = disabled.isEmpty ? diagnostics : diagnostics.filter { !concerns($0, disabled) }
        let order = kept.enumerated().map { offset, diagnostic in
            guard let location = diagnostic.location else { return (-1, 0, 0, offset) }
            return (fileOrder[location.file] ?? 0, location.line, location.column, offset)
        }
        return order.sorted(by: <).map { kept[$0.3] }
    }

    private func concerns(_ diagnostic: Diagnostic, _ disabled: Set<String>) -> Bool {
        guard diagnostic.severity == .warning, diagnostic.attribute.hasPrefix("services.") else { return false }
        let rest = diagnostic.attribute.dropFirst("services.".count)
        // A service's name may have dots itself.
        return rest.indices.contains { rest[$0] == "." && disabled.contains(String(rest[..<$0])) }
    }
}
