/// What a service wants done when a secret that it reads changes, as `on-secret-change` has it.
public enum SecretChangeReaction: Sendable, Equatable {
    case none
    /// The signal's name as written.
    case signal(String)
    case restart
}

extension SecretChangeReaction: LosslessStringConvertible {
    /// Reads `none`, `restart` or `signal NAME`; nil for any other text. Whether there is a signal of that name is not looked at.
    public init?(_ text: String) {
        let words = text.split(separator: " ")
        switch (words.first, words.count) {
        case ("none", 1): self = .none
        case ("restart", 1): self = .restart
        case ("signal", 2): self = .signal(String(words[1]))
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .none: "none"
        case .restart: "restart"
        case .signal(let name): "signal \(name)"
        }
    }
}
