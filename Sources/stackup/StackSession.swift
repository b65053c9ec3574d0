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
    /// The supervisor that ran at first, which puts its state together while the store is read.
    private let asked: SupervisorClient?

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
        let directories = invocation.paths.directories(of: name)
        let lock = purpose == .reading ? nil : try Self.lock(name, directories, invocation)
        let asked = try Self.ask(directories)
        let store =
            purpose == .deploying
            ? try SecretStore.openOrCreate(invocation.paths.store) : try SecretStore.open(invocation.paths.store)
        let snapshot = try store?.snapshot()
        let record = try store?.stackRecord(name).flatMap { StackRecord(decoding: $0) }
        self.name = name
        self.directories = directories
        self.store = store
        self.snapshot = snapshot
        self.record = record
        self.lock = lock
        self.asked = asked
    }

    private static func ask(_ directories: StackDirectories) throws(SupervisionError) -> SupervisorClient? {
        let client = try SupervisorClient.connect(directories)
        do {
            try client?.askForState()
        } catch {
            // It is just ending.
            guard error == .connectionLost else { throw error }
        }
        return client
    }

    private static func lock(
        _ name: String, _ directories: StackDirectories, _ invocation: Invocation
    ) throws -> RuntimeLock {
        let command = "stackup " + invocation.arguments.path.joined(separator: " ")
        return try RuntimeLock.acquire(directories, command: command) { holder in
            invocation.streams.note("waiting for \(holder?.description ?? "another stackup"), which works on '\(name)'")
        }
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
        // A new stack's plans come with the deployment; only what runs already has to be told of.
        let adopts = try StackRemains.hasLiveInstances(directories)
        let client = try SupervisorClient.start(directories, initExecutable: try Installation.executable(.initProcess))
        if let record, adopts { try client.provide(record.plans, record.surroundings) }
        return client
    }

    /// What runs now; nothing where there is no supervisor.
    func observe() throws -> ObservedState {
        if let asked, let state = try Self.state(of: asked) { return state }
        // One that is ending takes connections and answers none; then there is none, or a new one.
        for _ in 0..<3 {
            guard let supervisor = try supervisor() else { return ObservedState() }
            if let state = try Self.state(of: supervisor) { return state }
        }
        throw SupervisionError.connectionLost
    }

    /// - Returns: nil where it ended before it answered.
    private static func state(of supervisor: SupervisorClient) throws -> ObservedState? {
        do {
            return try supervisor.observe()
        } catch {
            guard error == .connectionLost else { throw error }
            return nil
        }
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
