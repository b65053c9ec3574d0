/// Where a service's output goes.
///
/// Source: the Compose specification, "logging", and Docker's documentation of its logging drivers.
public struct Logging: Sendable, Equatable {
    public enum Driver: String, Sendable, CaseIterable {
        case local
        case jsonFile = "json-file"
        case none
        case journald
        case syslog
    }

    public enum SyslogFormat: String, Sendable, CaseIterable {
        case rfc3164
        case rfc5424
        case rfc5424micro
    }

    public var driver: Driver
    /// In bytes; a file that has reached it is rotated. nil: the usual size.
    public var fileSize: Int64?
    /// With the one that is written to; nil: the usual number.
    public var fileCount: Int?
    /// What names the instance in the journal or the syslog, with `{{.Name}}` for its name.
    public var tag = "{{.Name}}"
    /// The syslog's socket.
    public var socket = "/dev/log"
    /// syslog(3).
    public var facility = 3
    public var format = SyslogFormat.rfc3164
    /// Whether output that goes elsewhere is kept for `logs`, too.
    public var isKept = true

    public init(driver: Driver = .local) {
        self.driver = driver
    }
}
