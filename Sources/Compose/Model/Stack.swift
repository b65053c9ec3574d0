/// What the Compose files of a project describe, resolved: the model that everything after parsing works from.
///
/// Source: the Compose specification, <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.
public struct Stack: Sendable, Equatable {
    /// The project's name, by Compose's rules.
    public var name: String
    /// The absolute directory that relative paths start from.
    public var workingDirectory: String
    /// The absolute paths of the Compose files, in the order they were merged.
    public var composeFiles: [String]
    /// The services that the active profiles enable, by name.
    public var services: [Service]
    /// The names of services that no active profile enables.
    public var disabledServices: [String]
    public var secrets: [SecretDeclaration]
    public var configs: [ConfigDeclaration]
    public var volumes: [VolumeDeclaration]
    /// Every profile that a service names, sorted.
    public var profiles: [String]

    public init(
        name: String, workingDirectory: String, composeFiles: [String] = [], services: [Service] = [],
        disabledServices: [String] = [], secrets: [SecretDeclaration] = [], configs: [ConfigDeclaration] = [],
        volumes: [VolumeDeclaration] = [], profiles: [String] = []
    ) {
        self.name = name
        self.workingDirectory = workingDirectory
        self.composeFiles = composeFiles
        self.services = services
        self.disabledServices = disabledServices
        self.secrets = secrets
        self.configs = configs
        self.volumes = volumes
        self.profiles = profiles
    }

    public func service(_ name: String) -> Service? {
        services.first { $0.name == name }
    }

    public func secret(_ key: String) -> SecretDeclaration? {
        secrets.first { $0.key == key }
    }

    public func config(_ key: String) -> ConfigDeclaration? {
        configs.first { $0.key == key }
    }
}
