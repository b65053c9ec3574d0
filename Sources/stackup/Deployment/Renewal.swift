import Compose
import Glibc
import Linux
import Reconciler
import Runner
import SecretStore
import SourceProtocol

/// What is asked for a secret's new value.
struct RenewalRequest {
    let request: SourceRequest
    /// For people: `generated password:32`.
    let source: String
}

extension SecretRenewal.Generator {
    /// - Parameters:
    ///   - name: the secret's key.
    ///   - directory: where a command runs.
    func request(for name: String, project: String, directory: String, labels: [String: String]) -> RenewalRequest {
        switch self {
        case .specification(let text):
            RenewalRequest(
                request: SourceRequest(
                    driver: GeneratorSpec.driver, options: ["spec": text], name: name, project: project, directory: directory, labels: labels),
                source: "generated \(text)")
        case .command(let line):
            RenewalRequest(
                request: SourceRequest(
                    driver: "command", options: ["command": line], name: name, project: project, directory: directory, labels: labels),
                source: "command \(line.prefix { $0 != " " })")
        }
    }
}

extension SecretDeclaration {
    /// - Parameter stored: as the store has it; nil where it has none.
    /// - Returns: nil where it is not yet time for a new value, or never is.
    func rotation(of stored: SecretMetadata?, project: String, directory: String, at now: Int64) -> RenewalRequest? {
        guard case .rotate(_, let generator)? = renewal, let renewal, RenewalTime.due(renewal, of: stored, at: now) <= now else { return nil }
        return generator.request(for: key, project: project, directory: directory, labels: labels)
    }
}

extension StackRecord {
    /// When which secrets are due.
    ///
    /// - Parameter now: seconds since the epoch.
    func renewals(_ snapshot: StoreSnapshot, at now: Int64) -> [ObservedRenewal] {
        secrets.sorted { $0.key < $1.key }.compactMap { name, origin in
            guard let renewal = origin.renewal, let secret = snapshot.secret(name) else { return nil }
            return ObservedRenewal(
                secret: name, due: RenewalTime.due(renewal, of: secret, at: now),
                failure: secret.failure.map { .init(at: $0.at, count: $0.count, reason: $0.reason) })
        }
    }
}

extension RenewalSchedule {
    /// What the process that renews secrets finds the store and programs by; nothing else of the caller's environment, which
    /// may hold secrets.
    private static let variables = ["HOME", "PATH", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"]

    init(of stack: String, _ secrets: [ObservedRenewal], _ invocation: Invocation) {
        var environment = Self.variables.compactMap { name in invocation.environment[name].map { "\(name)=\($0)" } }
        if let home = invocation.environment["STACKUP_HOME"], !home.isEmpty {
            environment.append("STACKUP_HOME=\(Paths.join(invocation.workingDirectory, home))")
        }
        self.init(stack: stack, environment: environment, secrets: secrets)
    }
}
