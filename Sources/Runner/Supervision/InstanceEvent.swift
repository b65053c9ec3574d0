/// Something that happened to an instance, or to a service's files, as it happens.
public struct InstanceEvent: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// Wanted, and waiting for what it depends on.
        case created
        /// Its processes are being made.
        case starting
        /// Its command runs.
        case started(pid: Int32)
        /// Its command ended by itself or by a signal; as a shell has it, 128 + signal.
        case exited(code: Int32)
        /// Its restart policy starts it again after this time.
        case restarting(milliseconds: Int64)
        /// It was asked to end.
        case stopping
        /// It ended as asked.
        case stopped
        /// It is gone, with its log.
        case removed
        /// It could not be started.
        case failed(reason: String)
        case signalled(signal: Int32)
        /// It starts once this is so: `db is healthy`.
        case waiting(until: String)
        /// Its health check has found out.
        case healthy
        /// Too many checks in a row have failed; what the last one printed.
        case unhealthy(output: String)
        /// The kernel has killed a process of it for want of memory.
        case outOfMemory
        case paused
        case unpaused
        /// A hook, `post_start` or `pre_stop`, did not end well.
        case hookFailed(hook: String, reason: String)
        /// A secret or config of the service is in place.
        case fileWritten(target: String)
        case fileRemoved(target: String)
    }

    public var service: String
    /// nil where it is about every instance of the service.
    public var index: Int?
    public var kind: Kind
    /// A one-off's own name; its key, in the service's place, means nothing to people.
    public var oneOff: String?

    public init(service: String, index: Int? = nil, kind: Kind, oneOff: String? = nil) {
        self.service = service
        self.index = index
        self.kind = kind
        self.oneOff = oneOff
    }
}
