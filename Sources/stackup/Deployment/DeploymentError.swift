import Compose
import YAML

/// Why a stack cannot be brought to what its files ask for.
struct DeploymentError: Error, CustomStringConvertible {
    /// Each thing that stands in the way, with its place in the Compose file where that is known. Never a secret's value.
    let diagnostics: [Diagnostic]

    /// - Parameters:
    ///   - message: for the person: what was tried, why it failed.
    ///   - location: where the files ask for it.
    ///   - attribute: the path of the attribute that asks for it; of a service, behind the service's own.
    ///   - remedy: what to do.
    init(_ message: String, at location: SourceLocation? = nil, attribute: String = "", remedy: String? = nil) {
        diagnostics = [Diagnostic(.error, message, at: location, attribute: attribute, remedy: remedy)]
    }

    init(_ diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics
    }

    var description: String {
        diagnostics.map { diagnostic in diagnostic.remedy.map { "\(diagnostic.message); \($0)" } ?? diagnostic.message }
            .joined(separator: "\n")
    }

    /// The same about an attribute's part.
    func below(_ attribute: String) -> DeploymentError {
        DeploymentError(diagnostics.map {
            Diagnostic(
                $0.severity, $0.message, at: $0.location, attribute: $0.attribute.isEmpty ? attribute : "\(attribute).\($0.attribute)",
                remedy: $0.remedy)
        })
    }

    /// The same about one service, and at its place unless there is a closer one.
    func about(_ service: String, at location: SourceLocation?) -> DeploymentError {
        DeploymentError(
            diagnostics.map { diagnostic in
                let path = "services.\(service)"
                return Diagnostic(
                    .error, "service '\(service)': \(diagnostic.message)", at: diagnostic.location ?? location,
                    attribute: diagnostic.attribute.isEmpty ? path : "\(path).\(diagnostic.attribute)", remedy: diagnostic.remedy)
            })
    }

    /// The same about one service, where it has the attribute that is named.
    func about(_ service: Service) -> DeploymentError {
        DeploymentError(diagnostics.flatMap { diagnostic in
            let attribute = service.places.name(of: diagnostic.attribute)
            let named = Diagnostic(.error, diagnostic.message, at: diagnostic.location, attribute: attribute, remedy: diagnostic.remedy)
            return DeploymentError([named]).about(service.name, at: service.location(of: attribute)).diagnostics
        })
    }

    /// The same about a secret or config, at its place.
    ///
    /// - Parameters:
    ///   - kind: `secret` or `config`.
    ///   - attribute: the one that says where the value comes from.
    func about(_ kind: String, _ key: String, _ attribute: String, at location: SourceLocation?) -> DeploymentError {
        DeploymentError(
            diagnostics.map {
                Diagnostic(
                    .error, "\(kind) '\(key)': \($0.message)", at: $0.location ?? location, attribute: "\(kind)s.\(key).\(attribute)",
                    remedy: $0.remedy)
            })
    }
}

/// Gathers what stands in the way, so that one run shows all of it.
struct Problems {
    private var diagnostics: [Diagnostic] = []

    var isEmpty: Bool { diagnostics.isEmpty }

    /// Everything gathered, in the order of the files and their lines.
    var error: DeploymentError {
        let order = diagnostics.enumerated().sorted { left, right in
            guard let one = left.element.location, let other = right.element.location, one.file == other.file else {
                return left.offset < right.offset
            }
            return (one.line, one.column, left.offset) < (other.line, other.column, right.offset)
        }
        return DeploymentError(order.map(\.element))
    }

    mutating func add(_ more: [Diagnostic]) { diagnostics += more }

    mutating func add(_ message: String, attribute: String = "", remedy: String? = nil) {
        diagnostics.append(Diagnostic(.error, message, attribute: attribute, remedy: remedy))
    }

    /// What `body` gives; nil where it throws, with its reasons kept.
    @discardableResult
    mutating func collect<Result>(_ body: () throws(DeploymentError) -> Result) -> Result? {
        do {
            return try body()
        } catch {
            add(error.diagnostics)
            return nil
        }
    }
}
