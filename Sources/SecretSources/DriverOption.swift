import SourceProtocol

/// One of the `driver_opts` that a driver takes.
public struct DriverOption: Sendable, Equatable {
    public let name: String
    /// What it is, for the docs: a part of a sentence, without a full stop.
    public let summary: String
    /// Whether the driver can't do without it.
    public let isRequired: Bool
    /// What holds where it is not given, for the docs.
    public let otherwise: String?
    /// The only values that it may have; any where there are none.
    public let choices: [String]

    public init(_ name: String, _ summary: String, isRequired: Bool = false, otherwise: String? = nil, choices: [String] = []) {
        self.name = name
        self.summary = summary
        self.isRequired = isRequired
        self.otherwise = otherwise
        self.choices = choices
    }

    /// How long the driver may take, which all take that wait for something.
    public static let timeout = DriverOption(SourceRequest.timeoutOption, "how long it may take, such as `10s` or `1m`", otherwise: "`30s`")
}
