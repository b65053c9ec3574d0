import Compose
import Linux
import Reconciler
import Runner
import SecretStore

/// That a stack's supervisor is about to end is not to be waited for.
struct SupervisorIsEnding: Error {}

/// A command's hold on one stack: its folders, the store's record of it, and its supervisor where one runs.
struct StackSession: ~Copyable {
    let name: String
    let directories: StackDirectories
    /// nil where nothing was ever stored on this host, and where a command that can do without it can't use it.
    let store: SecretStore?
    let snapshot: StoreSnapshot?
    /// The stack as last applied.
    var record: StackRecord? { recorded.record }
    private let recorded: Recorded
    private let lock: RuntimeLock?
    let holdsLock: Bool
    /// Whether to wait for what else keeps the stack from being changed.
    private let waits: Bool
    /// Of those who wait for this command, should it take the lock later.
    let commandName: String
    let streams: Streams
    /// Of processes that stay in the background.
    private let backgroundEnvironment: [String: String]
    /// The supervisor that ran at first, which puts its state together while the store is read.
    private let asked: SupervisorClient?

    /// How a command means to use the stack.
    enum Purpose {
        /// Looks at what runs. A store that can't be opened is no reason not to: nobody is asked for a passphrase.
        case observing
        /// Looks at what is stored, too.
        case reading
        /// Acts on what runs; waits for other commands that do. As with observing, no trouble with the store keeps a person from it.
        case changing
        /// The same, of what is to end: of its state, only the services are asked for.
        case ending
        /// As with changing, and makes the store where there is none.
        case deploying
    }

    init(_ name: String, _ invocation: Invocation, for purpose: Purpose) throws {
        let directories = invocation.paths.directories(of: name)
        let lock = purpose == .reading || purpose == .observing ? nil : try Self.lock(name, directories, invocation)
        try self.init(name, directories, invocation, lock: lock, asks: purpose == .ending ? .services : .state) {
            switch purpose {
            case .observing, .changing, .ending:
                do {
                    return try Stored(try invocation.openStoreUnasked(), of: name)
                } catch {
                    invocation.warnOfStore(error)
                    return Stored()
                }
            case .reading: return try Stored(try invocation.openStore(), of: name)
            case .deploying: return try Stored(try invocation.openOrCreateStore(), of: name)
            }
        }
    }

    /// A hold on one of several stacks, for a command that has the store open. A stack without a runtime folder does not run, and
    /// gets none.
    ///
    /// - Parameter waits: whether to wait for another command that works on the stack, and for a supervisor that is about to end.
    /// - Returns: nil where the stack does not run, and where another command holds it that is not to be waited for.
    static func holding(_ name: String, _ invocation: Invocation, store: SecretStore, waits: Bool) throws -> StackSession? {
        let directories = invocation.paths.directories(of: name)
        guard let lock = try RuntimeLock.acquireIfPresent(
            directories, command: invocation.commandName, onWait: waits ? noteOfWaiting(for: name, invocation) : nil)
        else { return nil }
        return try StackSession(name, directories, invocation, lock: lock, waits: waits) { try Stored(store, of: name) }
    }

    /// A look at one of several stacks, for a command that has the store open where it can be.
    static func observing(_ name: String, _ invocation: Invocation, store: SecretStore?) throws -> StackSession {
        try StackSession(name, invocation.paths.directories(of: name), invocation, lock: nil) { try Stored(store, of: name) }
    }

    /// What the store has of a stack.
    private struct Stored {
        /// nil where nothing was ever stored on this host, and where it can't be used.
        var store: SecretStore?
        var snapshot: StoreSnapshot?
        var recorded = Recorded(nil)

        init() {}

        init(_ store: SecretStore?, of name: String) throws {
            self.store = store
            snapshot = try store?.snapshot()
            recorded = Recorded(try store?.stackRecord(name))
        }
    }

    /// What the store has of the stack itself: taken apart when it is first asked for, which takes a while with many services.
    private final class Recorded {
        private let bytes: [UInt8]?
        private(set) lazy var record = bytes.flatMap { StackRecord(decoding: $0) }

        init(_ bytes: [UInt8]?) { self.bytes = bytes }
    }

    /// What the supervisor is asked for before the store is read.
    private enum Question {
        case state, services
    }

    private init(
        _ name: String, _ directories: StackDirectories, _ invocation: Invocation, lock: consuming RuntimeLock?, waits: Bool = true,
        asks question: Question = .state, read: () throws -> Stored
    ) throws {
        // It puts its answer together meanwhile.
        let asked = try Self.ask(question, directories)
        let stored = try read()
        self.name = name
        self.directories = directories
        store = stored.store
        snapshot = stored.snapshot
        recorded = stored.recorded
        holdsLock = lock != nil
        self.waits = waits
        self.lock = lock
        commandName = invocation.commandName
        streams = invocation.streams
        backgroundEnvironment = HostPaths.environment(from: invocation.environment, workingDirectory: invocation.workingDirectory)
        self.asked = asked
    }

    private static func ask(_ question: Question, _ directories: StackDirectories) throws(SupervisionError) -> SupervisorClient? {
        let client = try SupervisorClient.connect(directories)
        do throws(SupervisionError) {
            switch question {
            case .state: try client?.askForState()
            case .services: try client?.askForServices()
            }
        } catch {
            // It is just ending.
            guard error.isLostConnection else { throw error }
        }
        return client
    }

    private static func lock(
        _ name: String, _ directories: StackDirectories, _ invocation: Invocation
    ) throws -> RuntimeLock {
        try RuntimeLock.acquire(
            directories, command: invocation.commandName, onWait: noteOfWaiting(for: name, invocation))
    }

    /// Says whom a command waits for, once, though it may have to wait for several.
    private static func noteOfWaiting(for name: String, _ invocation: Invocation) -> (RuntimeLock.Holder?) -> Void {
        var isSaid = false
        return { holder in
            guard !isSaid else { return }
            isSaid = true
            invocation.streams.note("waiting for \(holder?.description ?? "another stackup"), which works on '\(name)'")
        }
    }

    /// The running supervisor; one that was killed is replaced by a new one, which adopts what still runs, and what has ended since.
    ///
    /// - Returns: nil where nothing is left of the stack.
    func supervisor() throws -> SupervisorClient? {
        if let client = try SupervisorClient.connect(directories) { return client }
        guard try StackRemains.needSuccessor(directories) else { return nil }
        return try startSupervisor()
    }

    /// The running supervisor, or a new one.
    func supervisorStartingIfNeeded() throws -> SupervisorClient {
        if let client = try SupervisorClient.connect(directories) { return client }
        return try startSupervisor()
    }

    private func startSupervisor() throws -> SupervisorClient {
        // A new stack's plans come with the deployment; only what runs already has to be told of.
        let adopts = try StackRemains.needSuccessor(directories)
        let client = try SupervisorClient.start(directories, initExecutable: try Installation.executable(.initProcess))
        if let record, adopts {
            try client.provide(record.plans, record.surroundings)
            // The one before has ended with its supervisor.
            if !record.renewableSecrets(of: name).isEmpty { try startAttendant() }
            try restoreFiles(to: client, try client.observe()) { $0.awaitsMeans == true }
        } else if adopts {
            // What runs can be looked at and stopped; how to start it again is in the store.
            streams.warn(
                "the supervisor of '\(name)' was gone, and the new one can't start its services again without the store; "
                    + "once that can be opened, run: stackup up -d")
        }
        return client
    }

    /// Does what needs the supervisor that was just started. Where that could not start, and nothing of the stack ran before, nothing is left of it.
    func clearingFailedStart<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch SupervisionError.notStarted(let reason) {
            StackRemains.removeUnstarted(directories)
            throw SupervisionError.notStarted(reason: reason)
        }
    }

    /// Starts the process that gets new values for secrets when the supervisor says that they are due.
    func startAttendant() throws(SystemCallError) {
        try RenewalAttendant.start(name, environment: backgroundEnvironment)
    }

    /// What runs now; nothing where there is no supervisor. Where that was told to end, whoever means to change something waits for it: another one is
    /// started only after it, if there has to be one.
    ///
    /// - Throws: ``SupervisorIsEnding`` where that is not to be waited for.
    func observe() throws -> ObservedState {
        try answer(isEnding: \.isSupervisorEnding) { client throws(SupervisionError) in try client.observe() } ?? ObservedState()
    }

    /// Which services there are, under the same conditions.
    func observeServices() throws -> ObservedServices {
        try answer(isEnding: \.isSupervisorEnding) { client throws(SupervisionError) in try client.observeServices() } ?? ObservedServices()
    }

    /// - Returns: nil where there is no supervisor.
    private func answer<Answer>(
        isEnding: (Answer) -> Bool?, _ read: (SupervisorClient) throws(SupervisionError) -> Answer
    ) throws -> Answer? {
        if let asked, let answer = try Self.answer(of: asked, read), try isLasting(asked, isEnding(answer)) { return answer }
        // One that is ending takes connections and answers none; then there is none, or a new one.
        for _ in 0..<3 {
            guard let supervisor = try supervisor() else { return nil }
            if let answer = try Self.answer(of: supervisor, read), try isLasting(supervisor, isEnding(answer)) { return answer }
        }
        throw SupervisionError.lostConnection(to: directories)
    }

    /// - Returns: false where an answer is of no use any more, since its supervisor has ended.
    private func isLasting(_ supervisor: SupervisorClient, _ isEnding: Bool?) throws -> Bool {
        guard holdsLock, isEnding == true else { return true }
        guard waits else { throw SupervisorIsEnding() }
        streams.note("waiting for the supervisor of '\(name)', which was told to end and stops its services")
        try supervisor.awaitEnd()
        return false
    }

    /// - Returns: nil where it ended before it answered.
    private static func answer<Answer>(
        of supervisor: SupervisorClient, _ read: (SupervisorClient) throws(SupervisionError) -> Answer
    ) throws -> Answer? {
        do {
            return try read(supervisor)
        } catch {
            guard error.isLostConnection else { throw error }
            return nil
        }
    }

    /// What the reconciler compares with.
    var recordedState: RecordedState {
        var secrets: [String: RecordedSecret] = [:]
        for secret in snapshot?.secrets() ?? [] {
            secrets[secret.name] = RecordedSecret(
                version: secret.newest.number, identity: secret.newest.identity, fingerprint: secret.newest.fingerprint)
        }
        return RecordedState(secrets: secrets, services: record?.attributes ?? [:])
    }
}
