import Linux

/// What goes wrong between a command and a supervisor, for the person to read.
public enum SupervisionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A directory or file that is not safe to use.
    case unsafeDirectory(path: String, reason: String)
    case system(SystemCallError)
    /// The supervisor could not be started.
    case notStarted(reason: String)
    /// The connection ended in the middle of a request, with a supervisor that ended in order.
    case connectionLost
    /// It ended while services run that it was to look after: somebody killed it.
    case killed
    /// Somebody killed it, and nothing of what it looked after runs any more either.
    case killedWithServices
    /// A message that is not what the protocol says.
    case malformed(String)
    /// The supervisor did not do it, and says why.
    case refused(String)

    /// Why a connection to a stack's supervisor is at its end.
    public static func lostConnection(to directories: StackDirectories) -> SupervisionError {
        (try? killing(of: directories)) ?? .connectionLost
    }

    /// That a stack's supervisor, which is gone, was killed; nil where it ended in order, as with the stack.
    public static func killing(of directories: StackDirectories) throws(SupervisionError) -> SupervisionError? {
        guard try StackRemains.needSuccessor(directories) else { return nil }
        return try StackRemains.hasLiveInstances(directories) ? .killed : .killedWithServices
    }

    /// Whether the supervisor is gone, however it ended.
    public var isLostConnection: Bool { self == .connectionLost || self == .killed || self == .killedWithServices }

    init(_ error: SafePathError) {
        switch error {
        case .unsafe(let path, let problem, let remedy): self = .unsafeDirectory(path: path, reason: "\(problem); \(remedy)")
        case .system(let error): self = .system(error)
        }
    }

    public var description: String {
        switch self {
        case .unsafeDirectory(let path, let reason): "\(path): \(reason)"
        case .system(let error): error.description
        case .notStarted(let reason): "the stack's supervisor did not start: \(reason)"
        case .connectionLost: "the stack's supervisor ended before it answered; run the command again"
        case .killed: "the stack's supervisor was killed; its services run on: 'stackup up -d' looks after them again"
        case .killedWithServices: "the stack's supervisor was killed, and its services have ended: 'stackup up -d' starts them again"
        case .malformed(let what): "the stack's supervisor sent what this version does not understand: \(what)"
        case .refused(let reason): reason
        }
    }
}
