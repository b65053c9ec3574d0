/// How a secret comes by new values without anyone's doing: `x-stackup` of a top-level secret.
public enum SecretRenewal: Codable, Sendable, Equatable {
    /// A new value, made after so many seconds.
    case rotate(every: Int64, Generator)
    /// The value that its driver has by then, asked for after so many seconds.
    case refresh(every: Int64)

    /// What makes a new value.
    public enum Generator: Codable, Sendable, Equatable {
        /// `password:32`, `uuid`, `ed25519`, …
        case specification(String)
        /// A command line, in words as a shell would take them, which prints it.
        case command(String)
    }

    /// What a period may be, in seconds: shorter ones would leave time for nothing else, and longer ones are mistakes.
    public static let periods: ClosedRange<Int64> = 1...3650 * 86_400

    /// In seconds.
    public var period: Int64 {
        switch self {
        case .rotate(let every, _), .refresh(let every): every
        }
    }
}
