/// Whether an instance does its work, by its health check.
public struct ObservedHealth: Sendable, Equatable, Codable {
    public enum Status: String, Sendable, Codable {
        /// No check has succeeded yet, nor have too many failed.
        case starting
        case healthy
        case unhealthy
    }

    public var status: Status
    /// So many checks in a row have failed.
    public var failures: Int
    /// Seconds since the epoch; nil before the first check has ended. So are the others.
    public var checkedAt: Int64?
    /// nil where the check could not be run, or took too long.
    public var exitCode: Int32?
    /// What the last check printed, or what hindered it.
    public var output: String?

    public init(
        status: Status = .starting, failures: Int = 0, checkedAt: Int64? = nil, exitCode: Int32? = nil, output: String? = nil
    ) {
        self.status = status
        self.failures = failures
        self.checkedAt = checkedAt
        self.exitCode = exitCode
        self.output = output
    }
}
