import Compose
import Glibc
import Linux
import Reconciler
import Runner

/// A plan with all that it was made from.
struct PlannedDeployment {
    let preparation: Preparation
    let observed: ObservedState
    let plan: Plan
    private let reportsOrphans: Bool
    /// Where what runs was brought up from, where that is another project that has the same name.
    private let otherFolder: String?
    /// Secrets that `up` will have made new values of before it comes to the plan.
    private let dueRotations: [String]

    /// The flag of commands that may leave drivers alone.
    static let withoutDrivers = "no-drivers"

    /// Reads sources, looks at what runs, and lets the reconciler find the difference.
    ///
    /// - Parameter oneOff: what is to run beside the services that it depends on.
    init(
        _ project: LoadedProject, _ invocation: Invocation, _ session: borrowing StackSession, running oneOff: OneOffRequest? = nil
    ) throws {
        var involved = project.stack
        if let oneOff { involved.services.append(oneOff.service) }
        let possible = try invocation.identities(for: involved)
        try possible.checkGroup(of: project.stack.name)
        preparation = try Preparation(
            project, services: oneOff?.dependencies(in: project) ?? project.stack.services, paths: invocation.paths, possible: possible,
            store: session.store, snapshot: session.snapshot, record: session.record, oneOff: oneOff,
            asksDrivers: !invocation.flag(Self.withoutDrivers), waiting: SecretWaiting(invocation.streams))
        reportsOrphans = try !invocation.ignoresOrphans()
        dueRotations = project.stack.dueRotations(session.snapshot)
        observed = try session.observe()
        try oneOff?.checkName(observed)
        let folder = session.record?.workingDirectory
        otherFolder = observed.instances.isEmpty || folder.map { Self.isSameFolder($0, project.stack.workingDirectory) } ?? true ? nil : folder
        // Of services that were named, not of those that they need, as in Compose.
        let named = invocation.operands.isEmpty ? project.stack.services.map(\.name) : invocation.operands
        let options = PlanOptions(
            forceRecreate: invocation.flag("force-recreate") ? Set(named) : [], removeOrphans: invocation.removesOrphans,
            stopped: invocation.flag(Up.keepStopped) ? try StoppedServices.of(session.directories) : [])
        plan = makePlan(
            wanted: preparation.wanted, recorded: session.recordedState, observed: observed, options: options)
    }

    /// Whatever they are called. One that is gone has moved, for all that is known.
    private static func isSameFolder(_ old: String, _ new: String) -> Bool {
        if old == new { return true }
        var (one, other) = (stat(), stat())
        guard stat(old, &one) == 0, stat(new, &other) == 0 else { return true }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }

    /// The services' instances that run and that the plan leaves as they are; files that change in place are told of by themselves.
    var unchangedInstances: [ObservedInstance] {
        let services = Set(preparation.wanted.services.map(\.service.name))
        var changed = Set<String>()
        for action in plan.actions {
            switch action.operation {
            case .createInstance(let service, let index), .recreateInstance(let service, let index), .startInstance(let service, let index),
                .removeInstance(let service, let index):
                changed.insert("\(service)-\(index)")
            case .signalService(let service, _), .restartService(let service): changed.insert(service)
            case .storeSecret, .writeFile, .removeFile, .holdInstance: continue
            }
        }
        return observed.replicas.filter {
            $0.status == .running && services.contains($0.service) && !changed.contains($0.service) && !changed.contains($0.name)
        }.sorted { ($0.service, $0.index) < ($1.service, $1.index) }
    }

    /// Services that were stopped, and stay so.
    var heldServices: Set<String> {
        Set(plan.actions.compactMap { action in
            if case .holdInstance(let service, _) = action.operation { service } else { nil }
        })
    }

    /// What is worth knowing before `up`: secrets that may be out of date, whose file does not count, or counts
    /// again, or whose sealing was cut short; services that it
    /// will refuse, and those that it will leave alone.
    func reportProspects(_ streams: Streams) {
        let name = preparation.stack.name
        if let otherFolder {
            streams.warn(
                "the stack '\(name)' runs from \(otherFolder), and \(preparation.stack.workingDirectory) has the same name: 'up' makes one stack of "
                    + "both. To keep them apart, give this one another name: stackup -p NAME up")
        }
        streams.report(preparation.warnings + preparation.secrets.warnings + preparation.unfinishedSeals.map(\.warning))
        for secret in preparation.secrets.sealed {
            streams.note("secret '\(secret.name)' is sealed: version \(secret.newest.number) of the store is used")
        }
        for secret in preparation.secrets.unsealed {
            streams.note("secret '\(secret.name)' was sealed, and its file is back: the file counts again")
        }
        let unasked = preparation.secrets.unasked
        if !unasked.isEmpty { streams.note("not asked, so whether they changed is not known: " + unasked.map { "secret '\($0)'" }.joined(separator: ", ")) }
        for name in heldServices.sorted() { streams.note("service '\(name)' was stopped and stays so; 'stackup start \(name)' starts it") }
        for name in dueRotations { streams.note("secret '\(name)' is due for a new value, which 'up' makes first") }
        for source in VolumePlanning.missingSources(preparation.wanted.services.map(\.service), plans: preparation.launchPlans) {
            streams.note("there is no \(source) on the host; 'up' makes a folder of that name")
        }
        for service in preparation.stack.services where service.needsImage { streams.reportImage(of: service, .warning) }
        if reportsOrphans { streams.warnOfOrphans(plan.orphans, of: preparation.stack.name) }
    }
}

extension Streams {
    /// Compose's warning about what is there, running or ended, and in no file any more.
    func warnOfOrphans(_ services: [String], of stack: String) {
        guard !services.isEmpty else { return }
        warn(
            "there are services that the Compose files of '\(stack)' don't define: \(services.joined(separator: ", ")); "
                + "--remove-orphans removes them")
    }
}
