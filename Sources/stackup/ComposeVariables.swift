import Compose

/// `COMPOSE_` variables that stand for options; they may be in the project's `.env` as well as in the environment.
///
/// Source: `docker compose`'s documentation of its environment variables.
extension Invocation {
    /// `--remove-orphans`, or `COMPOSE_REMOVE_ORPHANS` where nothing is said about it.
    var removesOrphans: Bool {
        arguments.flagIfGiven("remove-orphans") ?? isOn("COMPOSE_REMOVE_ORPHANS")
    }

    /// `COMPOSE_IGNORE_ORPHANS`: nothing is said about orphans.
    ///
    /// - Throws: where they are to be removed as well.
    func ignoresOrphans() throws(CommandFailure) -> Bool {
        guard isOn("COMPOSE_IGNORE_ORPHANS") else { return false }
        guard !removesOrphans else {
            throw CommandFailure("COMPOSE_IGNORE_ORPHANS and --remove-orphans contradict each other: give one of them")
        }
        return true
    }

    private func isOn(_ variable: String) -> Bool {
        let variables = ProjectEnvironment.withComposeVariables(projectOptions(for: .printing))
        return ["1", "t", "true", "y"].contains((variables[variable] ?? "").lowercased())
    }
}
