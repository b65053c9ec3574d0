import Compose
import Reconciler
import SecretStore
import SourceProtocol

/// What is asked for a secret's new value.
struct RenewalRequest {
    let request: SourceRequest
    /// For people: `generated password:32`.
    let source: String
}

extension SecretRenewal.Generator {
    /// For people: `generated password:32`. Arguments of a program are nobody's business.
    var text: String {
        switch self {
        case .specification(let spec): "generated \(spec)"
        case .command(let line): "command \(line.prefix { $0 != " " })"
        }
    }

    /// - Parameters:
    ///   - name: the secret's key.
    ///   - directory: where a command runs.
    func request(for name: String, project: String, directory: String, labels: [String: String]) -> RenewalRequest {
        let (driver, options) = switch self {
        case .specification(let spec): (GeneratorSpec.driver, ["spec": spec])
        case .command(let line): ("command", ["command": line])
        }
        return RenewalRequest(
            request: SourceRequest(
                driver: driver, options: options, name: name, project: project, directory: directory, labels: labels),
            source: text)
    }
}

/// A secret that gets new values by itself, and how.
struct RenewableSecret {
    /// In the store.
    let name: String
    let origin: SecretOrigin
    let renewal: SecretRenewal
    let request: RenewalRequest

    /// - Returns: nil for a secret that keeps its value.
    init?(_ name: String, _ origin: SecretOrigin, project: String, directory: String) {
        guard let renewal = origin.renewal else { return nil }
        let request = switch renewal {
        case .rotate: origin.generatorRequest(project: project, directory: directory)
        case .refresh: origin.driverRequest(project: project)
        }
        guard let request else { return nil }
        self.name = name
        self.origin = origin
        self.renewal = renewal
        self.request = request
    }

    /// Whether it has no source but its rotation, which makes the first value, too.
    var isMade: Bool { origin.isMade }

    var isRotated: Bool { if case .rotate = renewal { true } else { false } }
}

extension StackRecord {
    /// The secrets that its services are granted and that get new values by themselves, by name.
    func renewableSecrets(of stack: String) -> [RenewableSecret] {
        // Few stacks have any, and some have thousands of others.
        guard secrets.values.contains(where: { $0.renewal != nil }) else { return [] }
        let granted = Set(services.values.flatMap { $0.plan.files.filter { $0.kind == .secret }.map(\.name) })
        return secrets.filter { granted.contains($0.key) }.sorted { $0.key < $1.key }.compactMap { name, origin in
            RenewableSecret(name, origin, project: stack, directory: workingDirectory)
        }
    }

    /// When each of them is due.
    ///
    /// - Parameter now: milliseconds since the epoch.
    func schedule(of stack: String, _ snapshot: StoreSnapshot, at now: Int64) -> [ScheduledRenewal] {
        renewableSecrets(of: stack).compactMap { renewable in
            guard let secret = snapshot.secret(renewable.name) else { return nil }
            return ScheduledRenewal(
                secret: secret.name, due: max(renewable.renewal.due(secret, in: stack, at: now), 0),
                period: renewable.renewal.periodMilliseconds, last: max(RenewalHistory(secret).last, 0),
                failure: secret.failure.map { .init(count: $0.count, reason: $0.reason) })
        }
    }
}
