/// One secret that `stackup-sources` is to fetch.
public struct SourceRequest: Equatable, Sendable {
    /// What `driver:` in the Compose file says.
    public var driver: String
    /// The `driver_opts`, without those that are stackup's own.
    public var options: [String: String]
    /// The secret's key in the Compose file.
    public var name: String
    /// The stack's name.
    public var project: String
    /// The folder of the Compose file, which relative paths start from; absolute.
    public var directory: String
    /// The secret's labels.
    public var labels: [String: String]
    /// The environment of whoever runs the command. It is inherited, so it is no part of the message.
    public var environment: [String: String] = [:]

    public init(
        driver: String, options: [String: String], name: String, project: String, directory: String, labels: [String: String] = [:],
        environment: [String: String] = [:]
    ) {
        self.driver = driver
        self.options = options
        self.name = name
        self.project = project
        self.directory = directory
        self.labels = labels
        self.environment = environment
    }
}

extension SourceRequest: Codable {
    private enum CodingKeys: String, CodingKey {
        case driver, options, name, project, directory, labels
    }
}

/// All that one command wants, as it is written to the standard input of `stackup-sources`.
public struct SourceRequests: Equatable, Sendable, Codable {
    public var requests: [SourceRequest]
    /// Paths that `stackup-sources`, and whatever it starts, must not get at: stores, keys, runtime folders, logs.
    public var hidden: [String]

    public init(_ requests: [SourceRequest], hidden: [String]) {
        self.requests = requests
        self.hidden = hidden
    }
}
