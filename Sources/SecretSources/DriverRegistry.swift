import SourceProtocol
import Words

/// All drivers there are.
public enum DriverRegistry {
    /// In the order of docs/secret-sources.md.
    public static let drivers: [any SecretDriver.Type] = [
        VaultDriver.self, SecretsManagerDriver.self, ParameterStoreDriver.self, KeyVaultDriver.self, SecretManagerDriver.self,
        SopsDriver.self, AgeDriver.self, PassDriver.self, SystemdCredsDriver.self, CommandDriver.self, GenerateDriver.self,
    ]

    /// What a request's driver has to write to.
    static func writablePaths(for request: SourceRequest) -> [String] {
        drivers.first { $0.name == request.driver }?.writablePaths(for: request) ?? []
    }

    /// The driver of a request, with the request's options checked.
    ///
    /// - Throws: `SourceError` for a driver or an option that is not there.
    static func driver(for request: SourceRequest) throws(SourceError) -> any SecretDriver {
        guard let type = drivers.first(where: { $0.name == request.driver }) else {
            throw SourceError(
                mistake: "there is no driver '\(request.driver)'",
                remedy: Spelling.suggestion(for: request.driver, among: drivers.map { $0.name })
                    ?? "the drivers are: \(drivers.map { $0.name }.sorted().joined(separator: ", "))")
        }
        for (name, value) in request.options.sorted(by: { $0.key < $1.key }) {
            guard let option = type.options.first(where: { $0.name == name }) else {
                let names = type.options.map(\.name)
                throw SourceError(
                    mistake: "the driver '\(type.name)' has no option '\(name)'",
                    remedy: Spelling.suggestion(for: name, among: names) ?? "its options are: \(names.joined(separator: ", "))")
            }
            guard option.choices.isEmpty || option.choices.contains(value) else {
                throw SourceError(
                    mistake: "the driver option '\(name)' can't be '\(value)'", remedy: "give one of: \(option.choices.joined(separator: ", "))")
            }
        }
        for option in type.options where option.isRequired && (request.options[option.name] ?? "").isEmpty {
            throw SourceError(
                mistake: "the driver '\(type.name)' needs the option '\(option.name)': \(option.summary)",
                remedy: "add it to 'driver_opts'")
        }
        return type.init()
    }
}
