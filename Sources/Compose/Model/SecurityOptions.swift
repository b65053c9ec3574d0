/// What `security_opt` asks for.
public struct SecurityOptions: Sendable, Equatable {
    /// Which system calls the service may make.
    public enum SystemCalls: Sendable, Equatable {
        case standard
        /// All of them.
        case unconfined
        /// Those of a profile, by the path of its file as written.
        case profile(String)
    }

    public var systemCalls = SystemCalls.standard

    public init() {}
}
