import Compose
import Reconciler
import Runner
import SecretStore

/// A command's hold on one stack: its folders, the store's record of it, and its supervisor where one runs.
struct StackSession: ~Copyable {
    let name: String
    let directories: StackDirectories
    /// nil where nothing was ever stored on this host.
    let store: SecretStore?
    let snapshot: StoreSnapshot?
    /// The stack as last applied.
    let record: StackRecord?
    private let lock: RuntimeLock?

    /// How a command means to use the stack.
    enum Purpose {
        /// Looks only.
        case reading
        /// Acts on what runs; waits for other commands that do.
        case changing
        /// The same, and makes the store where there is none.
        case deploying
    }

    init(_ name: String, _ invocation: Invocation, for purpose: Purpose) throws {
        self.name = name
        directories = invocation.paths.directories(of: name)
        if purpose == .reading {
            lock = nil
        } else {
            let streams = invocation.streams
            let command = "stackup " + invocation.arguments.path.joined(separator: " ")
            lock = try RuntimeLock.acquire(directories, command: command) { holder in
                streams.note("waiting for \(holder?.description ?? "another stackup"), which works on '\(name)'")
            }
        }
        store =
            purpose == .deploying
            ? try SecretStore.openOrCreate(invocation.paths.store) : try SecretStore.open(invocation.paths.store)
        snapshot = try store?.snapshot()
        record = try store?.stackRecord(name).flatMap(StackRecord.init(decoding:))
    }

    /// The running supervisor; one that was killed is replaced by a new one, which adopts what still runs.
    ///
    /// - Returns: nil where nothing of the stack runs.
    func supervisor() throws -> SupervisorClient? {
        if let client = try SupervisorClient.connect(directories) { return client }
        guard try StackRemains.hasLiveInstances(directories) else { return nil }
        return try startSupervisor()
    }

    /// The running supervisor, or a new one.
    func supervisorStartingIfNeeded() throws -> SupervisorClient {
        if let client = try SupervisorClient.connect(directories) { return client }
        return try startSupervisor()
    }

    private func startSupervisor() throws -> SupervisorClient {
        let client = try SupervisorClient.start(directories, initExecutable: try Installation.initExecutable())
        if let record { try client.provide(record.plans) }
        return client
    }

    /// What runs now; nothing where there is no supervisor.
    func observe() throws -> ObservedState {
        guard let supervisor = try supervisor() else { return ObservedState() }
        return try supervisor.observe()
    }

    /// What the reconciler compares with.
    var recordedState: RecordedState {
        var secrets: [String: RecordedSecret] = [:]
        for secret in snapshot?.secrets() ?? [] {
            secrets[secret.name] = RecordedSecret(version: secret.newest.number, fingerprint: secret.newest.fingerprint)
        }
        return RecordedState(secrets: secrets, services: record?.attributes ?? [:])
    }
}
