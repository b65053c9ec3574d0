import Compose
import Linux

/// What one service asked for when the secrets change that it reads, gathered from the files that get new values.
struct SecretReactions {
    private struct Wish {
        let reaction: SecretChangeReaction
        var secrets: [String]

        /// `api_key, db_password changed`
        var cause: String { secrets.sorted().joined(separator: ", ") + " changed" }
    }

    /// In the order in which they were added.
    private var wishes: [Wish] = []

    mutating func add(_ reaction: SecretChangeReaction, to secret: String) {
        guard reaction != .none else { return }
        guard let known = wishes.firstIndex(where: { $0.reaction.isSame(as: reaction) }) else {
            return wishes.append(Wish(reaction: reaction, secrets: [secret]))
        }
        if !wishes[known].secrets.contains(secret) { wishes[known].secrets.append(secret) }
    }

    /// Why the service has to be restarted; nil where nothing asks for it.
    var restartCause: String? {
        wishes.first { $0.reaction == .restart }?.cause
    }

    /// A restart stands for everything else; otherwise each signal once.
    func actions(for service: String) -> [Action] {
        if let restartCause { return [Action(.restartService(service: service), cause: restartCause)] }
        return wishes.compactMap { wish in
            guard case .signal(let signal) = wish.reaction else { return nil }
            return Action(.signalService(service: service, signal: signal), cause: wish.cause)
        }
    }
}

extension SecretChangeReaction {
    /// Whether it comes to the same: `SIGHUP`, `hup` and `1` are one signal.
    fileprivate func isSame(as other: SecretChangeReaction) -> Bool {
        if case .signal(let mine) = self, case .signal(let others) = other, let number = Signals.number(mine) {
            return number == Signals.number(others)
        }
        return self == other
    }
}
