/// Something that happened to a secret of the stack.
public struct SecretEvent: Codable, Sendable, Equatable {
    public enum Kind: Codable, Sendable, Equatable {
        /// A service can read it from now on.
        case granted(service: String, target: String, version: String)
        /// Another version, or another owner or mode, is in place where a service could read it before.
        case updated(service: String, target: String, version: String)
        case revoked(service: String, target: String)
        /// It got a new value because it was time.
        case rotated(version: Int)
        case refreshed(version: Int)
        /// It should have got one, and did not.
        case failed(reason: String)
    }

    /// Its name in the store.
    public var secret: String
    /// Those that it is in place for.
    public var services: [String]
    public var kind: Kind

    public init(secret: String, services: [String], kind: Kind) {
        self.secret = secret
        self.services = services
        self.kind = kind
    }
}

/// Something that happened in a stack, and when.
public struct StackEvent: Codable, Sendable, Equatable {
    public enum Subject: Codable, Sendable, Equatable {
        case instance(event: InstanceEvent)
        case secret(event: SecretEvent)
    }

    /// Nanoseconds since the epoch; no two events of a supervisor have the same.
    public var time: Int64
    public var subject: Subject

    public init(time: Int64, subject: Subject) {
        self.time = time
        self.subject = subject
    }
}

/// The last events of a stack, for those who come later.
struct EventHistory {
    /// As many as Docker keeps.
    static let capacity = 256

    private var events: [StackEvent] = []
    /// Where the next one goes once the history is full: over the oldest.
    private var place = 0
    private var last: Int64 = 0

    /// - Parameter time: nanoseconds since the epoch.
    /// - Returns: the event as it is kept.
    mutating func add(_ subject: StackEvent.Subject, at time: Int64) -> StackEvent {
        last = max(time, last + 1)
        let event = StackEvent(time: last, subject: subject)
        if events.count < Self.capacity {
            events.append(event)
        } else {
            events[place] = event
            place = (place + 1) % Self.capacity
        }
        return event
    }

    /// The events that are kept, from a time on, oldest first.
    func since(_ time: Int64) -> [StackEvent] {
        (events[place...] + events[..<place]).filter { $0.time >= time }
    }
}
