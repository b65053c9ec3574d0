import Linux
import Reconciler

/// What a command asks of a running stack: a plan's operations, and all that they need.
///
/// It is applied as a whole once it has arrived as a whole: a command that dies while it sends changes nothing, and
/// one that dies later does not stop the work.
public struct Deployment: Codable, Sendable, Equatable {
    /// nil: they stay as they are.
    public var surroundings: StackSurroundings?
    /// The full wanted launch plan of every service that the operations start; of others too, where it has changed.
    public var plans: [LaunchPlan]
    /// Files are written and removed first, in this order; then instances are stopped and started, each
    /// service after those it depends on; signals and restarts come when every file is in place.
    public var operations: [Operation]
    /// The files' bytes, in the order in which they follow the message.
    public var payloads: [Payload]
    /// What running instances must not see into, to be covered anew: replacing a file lifts the cover.
    public var masks: [MaskedFile]
    /// The secrets that get new values by themselves, in the place of those before; nil: they stay as they are.
    public var schedule: [ScheduledRenewal]?
    /// Who has called for the one-off that is created, and waits for its end; nil where nobody does.
    public var caller: Caller?
    /// How long instances have that it ends, in milliseconds; nil: each service's own grace period.
    public var timeoutMilliseconds: Int64?

    public init(
        surroundings: StackSurroundings? = nil, plans: [LaunchPlan] = [], operations: [Operation] = [],
        payloads: [Payload] = [], masks: [MaskedFile] = [], schedule: [ScheduledRenewal]? = nil, caller: Caller? = nil,
        timeoutMilliseconds: Int64? = nil
    ) {
        self.surroundings = surroundings
        self.plans = plans
        self.operations = operations
        self.payloads = payloads
        self.masks = masks
        self.schedule = schedule
        self.caller = caller
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public enum Operation: Codable, Sendable, Equatable {
        case create(service: String, index: Int)
        /// Stop the old one, then launch the new one.
        case recreate(service: String, index: Int)
        case start(service: String, index: Int)
        /// Is there from now on, and stopped: see ``StoppedServices``.
        case hold(service: String, index: Int)
        /// Stop and forget, with the log.
        case remove(service: String, index: Int)
        case write(service: String, file: MountedFile)
        case removeFile(service: String, file: MountedFile)
        /// A signal to every instance of a service that runs and is not replaced by this deployment.
        case signal(service: String, signal: Int32)
        /// The same for a restart.
        case restart(service: String)
    }

    /// Its descriptors come with the message: what become the standard streams unless there is to be a terminal, and a socket.
    public struct Caller: Codable, Sendable, Equatable {
        /// nil: none.
        public var terminal: WindowSize?

        public init(terminal: WindowSize? = nil) {
            self.terminal = terminal
        }

        var descriptorCount: Int { terminal == nil ? 4 : 1 }
    }

    /// The bytes of one secret or config, and where they go: services share what they share.
    public struct Payload: Codable, Sendable, Equatable {
        /// In bytes, at most 500 KiB.
        public var length: Int
        public var files: [Destination]

        public init(length: Int, files: [Destination]) {
            self.length = length
            self.files = files
        }
    }

    /// A file of a service's tmpfs.
    public struct Destination: Codable, Sendable, Hashable {
        public var service: String
        /// The absolute path inside the service.
        @Bytewise public var target: String

        public init(service: String, target: String) {
            self.service = service
            self.target = target
        }
    }
}

/// In characters.
public struct WindowSize: Codable, Sendable, Equatable {
    public var rows: UInt16
    public var columns: UInt16

    public init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}
