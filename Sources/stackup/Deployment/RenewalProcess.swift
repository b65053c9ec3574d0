import Glibc
import Linux
import Reconciler
import Runner
import SecretStore
import Terminal

/// The short-lived process that gets new values for secrets when the supervisor says that they are due. It is the only one that holds a
/// key, and has nobody to talk to but the supervisor.
enum RenewalProcess {
    /// The first argument that makes the program one; the stack's name follows. By hand it does what is due, which is no harm.
    static let subcommand = "__renew"
    /// How long it may take, in seconds, to open the store and, later, to wait for stacks that other commands work on, before its alarm(2) ends
    /// it: there is no second one while it hangs.
    private static let patience: UInt32 = 900
    /// How long to wait for others' renewals, in seconds.
    private static let turnPatience: UInt32 = 3600
    /// How long it may take, in seconds, to store and send what was got.
    private static let storingPatience: UInt32 = 120

    static func run(arguments: [String]) -> Int32 {
        hardenProcess()
        alarm(patience)
        do {
            let parsed = try parse(arguments, command: Command(subcommand, summary: "Renew what is due", arguments: [.init("STACK")]))
            try renew(parsed.arguments[0], try Invocation(parsed, environment: callersEnvironment()))
            return 0
        } catch {
            put("stackup: error: \(error)\n", to: STDERR_FILENO)
            return 1
        }
    }

    private static func renew(_ stack: String, _ invocation: Invocation) throws {
        // Nobody waits for a stack without a supervisor: the next `up` does what is due by then.
        guard let supervisor = try SupervisorClient.connect(invocation.paths.directories(of: stack)),
            let schedule = try supervisor.observe().schedule
        else { return }
        let underWay = Set(schedule.underWay)
        let told = schedule.renewals.filter { underWay.contains($0.secret) }
        var report = RenewalReport()
        do {
            report = try self.report(stack, invocation, told: Dictionary(told.map { ($0.secret, $0.last) }, uniquingKeysWith: { $1 }))
        } catch {
            // The store can't be opened or written: it is locked, or its disk is full. It can't be noted there either.
            report.outcomes = told.map { .init($0.secret, .failed(reason: "\(error)")) }
        }
        try supervisor.report(report)
    }

    private static func report(_ stack: String, _ invocation: Invocation, told: [String: Int64]) throws -> RenewalReport {
        guard let store = try invocation.openStoreUnasked(), let record = try store.stackRecord(stack).flatMap({ StackRecord(decoding: $0) })
        else { return RenewalReport(schedule: []) }
        var renewing = SecretRenewing(stack, store, invocation)
        renewing.onTurn = begin
        renewing.onSent = { alarm(patience); DeferredTermination.end() }
        // Who has the turn ends in time, but for a person's command that was stopped: an end is a failure that is told, and tried again.
        alarm(turnPatience)
        let outcome = try renewing.renew(record.renewableSecrets(of: stack), told: told)
        let schedule = record.schedule(of: stack, try store.snapshot(), at: .millisecondsNow)
        return RenewalReport(outcomes: outcome.outcomes, schedule: schedule)
    }

    /// From here on it takes as long as the sources may. What a program has set somewhere is not to be lost because the stack goes down
    /// meanwhile: SIGTERM waits until it is stored and sent.
    private static func begin(_ due: [RenewableSecret]) {
        alarm(UInt32(SourcesProcess.patience(with: due.map(\.request.request)) / .seconds(1)) + storingPatience)
        if due.contains(where: \.isRotated) { DeferredTermination.begin() }
    }
}
