import Linux

/// What becomes of an instance's output.
public struct LogPlan: Codable, Sendable, Equatable {
    public enum SyslogFormat: String, Codable, Sendable {
        case rfc3164, rfc5424, rfc5424micro
    }

    /// Where it goes beside the files.
    public enum Destination: Codable, Sendable, Equatable {
        /// The journal's native protocol (systemd.journal-fields(7)); `tag` with `{{.Name}}` for the instance's name.
        case journal(tag: String)
        /// A datagram for each line to a syslog's socket.
        case syslog(socket: String, facility: Int, format: SyslogFormat, tag: String)

        /// The path of the socket that takes the datagrams; the journal's is that of systemd-journald.service(8).
        public var socketPath: String {
            switch self {
            case .journal: "/run/systemd/journal/socket"
            case .syslog(let socket, _, _, _): socket
            }
        }
    }

    /// Of the files; nil: ``LogForm/local``.
    public var form: LogForm?
    /// nil: as ``LogLimits`` has it.
    public var fileSize: Int64?
    public var fileCount: Int?
    /// Whether there are files, which `logs` reads.
    public var isKept: Bool
    public var destination: Destination?

    public init(
        form: LogForm? = nil, fileSize: Int64? = nil, fileCount: Int? = nil, isKept: Bool = true, destination: Destination? = nil
    ) {
        self.form = form
        self.fileSize = fileSize
        self.fileCount = fileCount
        self.isKept = isKept
        self.destination = destination
    }
}
