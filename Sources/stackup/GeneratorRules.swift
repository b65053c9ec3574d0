import Compose
import SourceProtocol
import YAML

extension Stack {
    /// What is wrong with the generators that its secrets name: the room that reads Compose files knows none.
    ///
    /// - Parameter purpose: what `up` refuses is a warning where the project is only printed.
    func generatorProblems(for purpose: ProjectOptions.Purpose) -> [Diagnostic] {
        secrets.compactMap { declaration -> Diagnostic? in
            guard case .rotate(_, .specification(let spec))? = declaration.renewal else { return nil }
            do throws(SourceError) {
                _ = try GeneratorSpec(spec)
                return nil
            } catch {
                let attribute = "secrets.\(declaration.key).x-stackup.rotate.generate"
                let message = "\(attribute): \(error.reason)"
                return purpose == .running
                    ? Diagnostic(.error, message, at: declaration.location, attribute: attribute, remedy: error.remedy)
                    : Diagnostic(
                        .warning, message + ", and 'up' refuses it", at: declaration.location, attribute: attribute, remedy: error.remedy)
            }
        }
    }
}
