import Compose
import Glibc
import Runner
import SecretStore
import YAML

extension Stack {
    /// Makes the first values of secrets that have no other source, and the new ones that fell due meanwhile, of all that its services are
    /// granted. What is made is in the store before anything else is planned: a value that a program has set somewhere must not be lost because
    /// something else is wrong.
    ///
    /// - Throws: where a secret would have no value at all.
    func renewSecrets(_ invocation: Invocation) throws {
        let renewable = rotatedSecrets
        guard !renewable.isEmpty else { return }
        let store = try invocation.openOrCreateStore()
        let display = InstanceProgress(invocation.streams, title: "Rotating")
        var renewing = SecretRenewing(name, store, invocation)
        renewing.onTurn = { due in if due.contains(where: \.isRotated) { DeferredTermination.begin() } }
        renewing.onSent = DeferredTermination.end
        defer { DeferredTermination.end() }
        let outcome = try renewing.renew(renewable) { display.show($0, of: $1) }
        display.finish()
        tell(outcome, invocation)
        for failure in outcome.undelivered {
            for line in failure.reason.split(separator: "\n") { invocation.streams.warn("stack '\(failure.stack)': \(line)") }
        }
        var problems = Problems()
        let snapshot = try store.snapshot()
        for declaration in secrets {
            guard let error = outcome.errors[declaration.storeName] else { continue }
            let reason = "no new value could be made: \(error.reason)"
            let place = (declaration.location, "secrets.\(declaration.key).x-stackup.rotate")
            guard let stored = snapshot.secret(declaration.storeName) else {
                problems.add([Diagnostic(.error, reason, at: place.0, attribute: place.1, remedy: error.remedy)])
                continue
            }
            invocation.streams.report([Diagnostic(
                .warning, "\(reason); its stored value is used, version \(stored.newest.number)", at: place.0, attribute: place.1,
                remedy: error.remedy)])
        }
        guard problems.isEmpty else { throw problems.error }
    }

    /// Whether `up` may have to make values.
    var hasRotatedSecrets: Bool { !rotatedSecrets.isEmpty }

    /// Whether `up` is about to make values.
    ///
    /// - Parameter snapshot: nil where there is no store yet.
    func makesValues(_ snapshot: StoreSnapshot?) -> Bool {
        rotatedSecrets.contains { $0.isMade && snapshot?.secret($0.name) == nil } || !dueRotations(snapshot).isEmpty
    }

    /// Those that it is time for, which `up` makes new values of before anything else.
    ///
    /// - Parameter snapshot: nil where there is no store yet.
    func dueRotations(_ snapshot: StoreSnapshot?) -> [String] {
        let now = Int64.millisecondsNow
        return rotatedSecrets.filter { renewable in
            guard let secret = snapshot?.secret(renewable.name) else { return false }
            return renewable.renewal.due(secret, in: name, at: now) <= now
        }.map(\.name)
    }

    /// The secrets that its services are granted and that `up` may make new values of.
    private var rotatedSecrets: [RenewableSecret] {
        let renewed = secrets.filter { $0.renewal != nil }
        // Most stacks have none, and are asked several times.
        guard !renewed.isEmpty else { return [] }
        let granted = Set(services.flatMap { $0.secrets.map(\.secret) })
        return renewed.filter { granted.contains($0.key) }.compactMap { declaration in
            RenewableSecret(declaration.storeName, SecretOrigin(declaration), project: name, directory: workingDirectory)
        }.filter { $0.isRotated && mayBeRotated($0) }
    }

    /// A file that is there says what the value is, and `up` refuses it beside a rotation.
    private func mayBeRotated(_ renewable: RenewableSecret) -> Bool {
        guard case .file(let path)? = renewable.origin.place else { return true }
        return access(path, F_OK) != 0
    }

    /// Tells a supervisor that runs, for whoever looks on.
    private func tell(_ outcome: SecretRenewing.Outcome, _ invocation: Invocation) {
        guard !outcome.outcomes.isEmpty else { return }
        // One that can't be told is none of this command's business: what it needs comes with the deployment.
        _ = try? SupervisorClient.connect(invocation.paths.directories(of: name))?.report(RenewalReport(outcomes: outcome.outcomes))
    }
}
