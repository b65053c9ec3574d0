import Words
import YAML

/// Collects what is wrong, so that one run shows everything.
final class Reporter {
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var hasErrors = false
    /// Warnings that are given once for a project however often their cause occurs.
    private var given: Set<String> = []
    private var comparisonsLeft = 500_000
    /// What was said of a place, without the attribute that it was said of.
    private var reported: [SourceLocation: Set<String>] = [:]
    /// Values that are known to be wrong already.
    private var silenced: Set<SourceLocation> = []
    /// The variables without a value in a text, by its place.
    private var unset: [SourceLocation: [String]] = [:]
    /// Diagnostics by their place in ``diagnostics`` that only matter once nothing is wrong.
    private var advice: Set<Int> = []
    private var noEffect = NoEffect()
    /// The files in the order in which they were read.
    private var files: [String: Int] = [:]

    let purpose: ProjectOptions.Purpose

    init(_ purpose: ProjectOptions.Purpose = .running) {
        self.purpose = purpose
    }

    func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error, isRepeated(diagnostic) { return }
        if diagnostic.severity == .error { hasErrors = true }
        diagnostics.append(diagnostic)
    }

    /// Whether the same was said of the same place: a value may be of several services by `extends` or an alias.
    private func isRepeated(_ diagnostic: Diagnostic) -> Bool {
        guard let location = diagnostic.location else { return false }
        let message = diagnostic.message.hasPrefix(diagnostic.attribute)
            ? String(diagnostic.message.dropFirst(diagnostic.attribute.count)) : diagnostic.message
        return !reported[location, default: []].insert(message).inserted
    }

    func add(_ more: [Diagnostic]) {
        for diagnostic in more { add(diagnostic) }
    }

    /// Notes that a file is read: what is wrong in it comes before what is wrong in later ones.
    func reading(_ file: String) {
        if files[file] == nil { files[file] = files.count }
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

    /// Notes that variables of a text have no value: what is wrong with it most likely follows from that.
    func noteUnset(_ variables: [String], at place: Place) {
        if !variables.isEmpty { unset[place.location] = variables }
    }

    /// What to do about a value: to set the variables that leave it empty, before anything else.
    private func remedy(_ remedy: String?, at place: Place?) -> String? {
        guard !unset.isEmpty, let place, let variables = unset[place.location] else { return remedy }
        return "set \(variables.joined(separator: " and ")) in the environment or in .env"
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
        add(Diagnostic(.error, message, at: place, attribute: attribute, remedy: self.remedy(remedy, at: place)))
    }

    /// Reports what Compose takes and an engine refuses, or stackup can't do: an error, unless the project is only printed.
    func obstacle(_ message: String, at place: Place? = nil, attribute: String = "", remedy: String? = nil) {
        switch purpose {
        case .running: error(message, at: place, attribute: attribute, remedy: remedy)
        case .printing, .listing:
            warning(message + ", and 'up' refuses it", at: place, attribute: attribute, remedy: self.remedy(remedy, at: place))
        }
    }

    /// A warning about what is right, but will not do what someone may expect. While there are errors it is kept back:
    /// they come first, and may be its cause.
    func advise(_ message: String, at place: Place? = nil, attribute: String = "", remedy: String? = nil) {
        advice.insert(diagnostics.count)
        add(Diagnostic(.warning, message, at: place, attribute: attribute, remedy: remedy))
    }

    /// Notes an attribute that does nothing here. Like ``advise(_:at:attribute:remedy:)`` it is held back while there are
    /// errors, and nothing is said of it where only names are asked for.
    func note(_ use: NoEffect.Use) {
        if purpose != .listing { noEffect.add(use) }
    }

    func warning(
        _ message: String, at place: Place? = nil, attribute: String = "", remedy: String? = nil, once: Bool = false
    ) {
        if once, !given.insert(message).inserted { return }
        add(Diagnostic(.warning, message, at: place, attribute: attribute, remedy: remedy))
    }

    /// Everything in the order of the files and their lines; what has no place comes first.
    ///
    /// Of what one mistake causes, only what was reported first is left: a place that has an error has no other
    /// diagnostic about the same attribute, or about one above or below it.
    ///
    /// - Parameter disabled: services whose warnings don't matter, since no active profile enables them.
    func sorted(disabled: Set<String> = []) -> [Diagnostic] {
        for diagnostic in diagnostics { if let file = diagnostic.location?.file { reading(file) } }
        let grouped = hasErrors ? [] : noEffect.diagnostics(disabled: disabled) { one, other in
            (files[one.source.file] ?? 0, one.line, one.column) < (files[other.source.file] ?? 0, other.line, other.column)
        }
        let diagnostics = diagnostics + grouped
        var wrong: [SourceLocation: [String]] = [:]
        for diagnostic in diagnostics where diagnostic.severity == .error {
            if let location = diagnostic.location { wrong[location, default: []].append(diagnostic.attribute) }
        }
        var seen: [SourceLocation: [String]] = [:]
        var order: [(file: Int, line: Int, column: Int, index: Int)] = []
        for (index, diagnostic) in diagnostics.enumerated() {
            if hasErrors, advice.contains(index) { continue }
            if !disabled.isEmpty, concerns(diagnostic, disabled) { continue }
            guard let location = diagnostic.location else {
                order.append((-1, 0, 0, index))
                continue
            }
            if let errors = wrong[location] {
                let known = diagnostic.severity == .error ? seen[location] ?? [] : errors
                guard !known.contains(where: { Self.related($0, diagnostic.attribute) }) else { continue }
                seen[location, default: []].append(diagnostic.attribute)
            }
            order.append((files[location.file] ?? 0, location.line, location.column, index))
        }
        return Self.once(order.sorted(by: <).map { diagnostics[$0.index] })
    }

    /// Without those that are there twice, as where a file is both given and extended.
    ///
    /// - Parameter sorted: by their places.
    private static func once(_ sorted: [Diagnostic]) -> [Diagnostic] {
        var location: SourceLocation?
        var seen: Set<[String]> = []
        return sorted.filter { diagnostic in
            guard diagnostic.location != nil else { return true }
            if diagnostic.location != location {
                location = diagnostic.location
                seen.removeAll(keepingCapacity: true)
            }
            return seen.insert([diagnostic.attribute, diagnostic.message]).inserted
        }
    }

    /// Whether one attribute is the other, or holds it.
    private static func related(_ one: String, _ other: String) -> Bool {
        let (short, long) = one.utf8.count < other.utf8.count ? (one, other) : (other, one)
        guard long.utf8.starts(with: short.utf8) else { return false }
        let next = long.utf8.dropFirst(short.utf8.count).first
        return short.isEmpty || next == nil || next == UInt8(ascii: ".") || next == UInt8(ascii: "[")
    }

    private func concerns(_ diagnostic: Diagnostic, _ disabled: Set<String>) -> Bool {
        guard diagnostic.severity == .warning, diagnostic.attribute.hasPrefix("services.") else { return false }
        let rest = diagnostic.attribute.dropFirst("services.".count)
        // A service's name may have dots itself.
        return rest.indices.contains { rest[$0] == "." && disabled.contains(String(rest[..<$0])) }
    }
}
