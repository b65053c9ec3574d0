import SourceProtocol
import Words

/// All drivers there are.
public enum DriverRegistry {
    /// In the order of docs/secret-sources.md.
    public static let drivers: [any SecretDriver.Type] = [
        CommandDriver.self,
        GenerateDriver.self,
    ]

    /// The driver of a request, with the request's options checked.
    ///
    /// - Throws: `SourceError` for a driver or an option that is not there.
    static func driver(for request: SourceRequest) throws(SourceError) -> any SecretDriver {
        guard let type = drivers.first(where: { $0.name == request.driver }) else {
            throw SourceError(
                "there is no driver '\(request.driver)'",
                remedy: Spelling.suggestion(for: request.driver, among: drivers.map { $0.name })
                    ?? "the drivers are: \(drivers.map { $0.name }.sorted().joined(separator: ", "))")
        }
        for (name, value) in request.options.sorted(by: { $0.key < $1.key }) {
            guard let option = type.options.first(where: { $0.name == name }) else {
                let names = type.options.map(\.name)
                throw SourceError(
                    "the driver '\(type.name)' has no option '\(name)'",
                    remedy: Spelling.suggestion(for: name, among: names) ?? "its options are: \(names.joined(separator: ", "))")
            }
            guard option.choices.isEmpty || option.choices.contains(value) else {
                throw SourceError(
                    "the driver option '\(name)' can't be '\(value)'", remedy: "give one of: \(option.choices.joined(separator: ", "))")
            }
        }
        for option in type.options where option.isRequired && (request.options[option.name] ?? "").isEmpty {
            throw SourceError(
                "the driver '\(type.name)' needs the option '\(option.name)': \(option.summary)",
                remedy: "add it to 'driver_opts'")
        }
        return type.init()
    }
}
