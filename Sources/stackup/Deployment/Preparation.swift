import Compose
import Glibc
import JSON
import Linux
import Reconciler
import Runner
import SecretMemory
import SecretStore
import YAML

/// Everything that has to be known of a project before a plan can be made: what is wanted, with sources read
/// and users resolved, and how each service would be launched.
struct Preparation {
    let stack: Stack
    let wanted: WantedStack
    let secrets: SecretIntake
    /// By service, or a one-off's key, complete but for the versions of their files; services with an image have none.
    let launchPlans: [String: LaunchPlan]
    let surroundings: StackSurroundings
    /// The bytes of each config, by its name.
    let configs: [String: [UInt8]]
    /// What this host does not do of what the files ask for.
    let warnings: [Diagnostic]
    /// Plaintext that secrets come from, as real paths.
    let plaintextSources: [String]
    /// Secrets whose sealing was cut short.
    let unfinishedSeals: [PlaintextSources.UnfinishedSeal]

    /// - Parameters:
    ///   - services: what is to run; all that is selected.
    ///   - possible: whom services can be.
    ///   - store: nil where there is none yet.
    ///   - record: the stack as last applied.
    ///   - oneOff: what is to run beside them.
    ///   - asksDrivers: see `SecretIntake`.
    ///   - waiting: tells of secrets that take a while.
    init(
        _ project: LoadedProject, services: [Service], paths: HostPaths, possible: PossibleIdentities, store: SecretStore?,
        snapshot: StoreSnapshot?, record: StackRecord?, oneOff: OneOffRequest? = nil, asksDrivers: Bool, waiting: SecretWaiting
    ) throws(DeploymentError) {
        stack = project.stack
        let name = stack.name
        var folders = WritableFolders(
            stack, record: record, otherFolders: { try Self.writableFolders(in: store, snapshot, besides: name) }, paths: paths, user: possible.user)
        var problems = Problems()
        for file in project.files + project.envFiles { problems.collect { () throws(DeploymentError) in try folders.check(file) } }
        let (stack, environment) = (stack, project.environment)
        let sources = problems.collect { () throws(DeploymentError) in
            try PlaintextSources(of: stack, recorded: record, envFiles: project.envFiles.map(\.path), folders: &folders)
        }
        plaintextSources = sources?.paths ?? []
        unfinishedSeals = sources?.unfinishedSeals ?? []
        let privatePaths = paths.privatePaths
        let all = oneOff.map { services + [$0.service] } ?? services
        let secrets = problems.collect { () throws(DeploymentError) in
            try SecretIntake(
                all, of: stack, environment: environment, folders: &folders, hidden: privatePaths, store: store, snapshot: snapshot,
                asksDrivers: asksDrivers, waiting: waiting)
        }
        let configs = problems.collect { () throws(DeploymentError) in
            try Self.readConfigs(all, of: stack, environment: environment, folders: &folders)
        }
        var planning = LaunchPlanning(stack: stack, paths: paths, privatePaths: privatePaths, possible: possible, folders: folders)
        surroundings = planning.surroundings(plaintextSources: plaintextSources)
        var volumes = VolumeCheck(stack, paths)
        var launchPlans: [String: LaunchPlan] = [:]
        var wantedServices: [WantedService] = []
        let storeNames = Dictionary(stack.secrets.map { ($0.key, $0.storeName) }, uniquingKeysWith: { first, _ in first })
        for service in services {
            problems.collect { () throws(DeploymentError) in try Self.refuseForeignOwners(of: service, possible) }
            var plan: LaunchPlan?
            if !service.needsImage {
                plan = problems.collect { () throws(DeploymentError) in try planning.plan(for: service) }
                if let plan { problems.collect { () throws(DeploymentError) in try volumes.check(service, plan) } }
            }
            // Whatever else there is to find, there will be no plan.
            guard let configs, problems.isEmpty else { continue }
            let hash = try Self.hash(of: service, plan: plan, store: store, recorded: record?.services[service.name])
            plan?.configHash = hash
            launchPlans[service.name] = plan
            let files = Self.wantedFiles(
                of: service, owner: plan?.user ?? .root, storeNames: storeNames, stack: stack, configs: configs)
            wantedServices.append(WantedService(service: service, configHash: hash, files: files))
        }
        var wantedOneOff: WantedOneOff?
        if let oneOff {
            problems.collect { () throws(DeploymentError) in try Self.refuseForeignOwners(of: oneOff.service, possible) }
            let usual = problems.collect { () throws(DeploymentError) in try planning.plan(for: oneOff.service) }
            if let usual {
                problems.collect { () throws(DeploymentError) in try volumes.check(oneOff.service, usual, byOption: oneOff.mountedTargets) }
            }
            if let usual, let configs, problems.isEmpty {
                var plan = oneOff.launchPlan(from: usual)
                plan.configHash = try Self.hash(of: oneOff.service, plan: plan, store: store, recorded: nil)
                launchPlans[oneOff.key] = plan
                wantedOneOff = WantedOneOff(
                    key: oneOff.key,
                    files: Self.wantedFiles(of: oneOff.service, owner: plan.user, storeNames: storeNames, stack: stack, configs: configs))
            }
        }
        guard let secrets, let configs, problems.isEmpty else { throw problems.error }
        self.secrets = secrets
        self.configs = configs
        warnings = planning.warnings
        self.launchPlans = launchPlans
        var wanted = WantedStack(
            name: stack.name, services: wantedServices, secrets: secrets.wanted,
            declaredServices: Set(stack.services.map(\.name) + stack.disabledServices))
        wanted.oneOffs = [wantedOneOff].compactMap { $0 }
        self.wanted = wanted
    }

    /// Of other stacks, running or not.
    private static func writableFolders(in store: SecretStore?, _ snapshot: StoreSnapshot?, besides name: String) throws -> [RecordedFolder] {
        try (snapshot?.stackNames ?? []).filter { $0 != name }.flatMap { try StackRecord.writableFolders(of: $0, in: store) }
    }

    private static func readConfigs(
        _ services: [Service], of stack: Stack, environment: [String: String], folders: inout WritableFolders
    ) throws(DeploymentError) -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        var problems = Problems()
        for key in Set(services.flatMap { $0.configs.map(\.config) }).sorted() {
            guard let declaration = stack.config(key) else { continue }
            contents[declaration.name] = problems.collect { () throws(DeploymentError) in
                try ConfigContent.read(declaration, environment: environment, folders: &folders)
            }
        }
        guard problems.isEmpty else { throw problems.error }
        return contents
    }

    private static func wantedFiles(
        of service: Service, owner: UserIdentity, storeNames: [String: String], stack: Stack, configs: [String: [UInt8]]
    ) -> [WantedFile] {
        let granted = service.secrets.compactMap { grant in
            storeNames[grant.secret].map { storeName in
                WantedFile(
                    content: .secret(storeName), target: grant.target, uid: grant.uid ?? owner.uid,
                    gid: grant.gid ?? owner.gid, mode: grant.mode, onSecretChange: service.reaction(to: grant))
            }
        }
        let configured = service.configs.compactMap { grant in
            stack.config(grant.config).map { declaration in
                WantedFile(
                    content: .config(declaration.name, hash: contentHash(configs[declaration.name] ?? [])),
                    target: grant.target, uid: grant.uid ?? owner.uid, gid: grant.gid ?? owner.gid, mode: grant.mode)
            }
        }
        return granted + configured
    }

    /// What a user namespace does not map can own nothing in it.
    private static func refuseForeignOwners(of service: Service, _ possible: PossibleIdentities) throws(DeploymentError) {
        let owners = service.secrets.map { ($0.target, $0.uid, $0.gid, $0.location) }
            + service.configs.map { ($0.target, $0.uid, $0.gid, $0.location) }
        var problems = Problems()
        for (target, uid, gid, location) in owners where uid.map(possible.has(user:)) == false || gid.map(possible.has(group:)) == false {
            problems.add(DeploymentError(
                "service '\(service.name)': \(target) is to belong to \(uid ?? possible.user):\(gid ?? possible.group), and "
                    + "\(possible.bounds ?? "only root may give files to somebody else"); \(possible.remedy("remove 'uid' and 'gid'"))", at: location).diagnostics)
        }
        guard problems.isEmpty else { throw problems.error }
    }

    /// Names what would be launched. What can change while an instance runs is left out: its files, how many
    /// instances there are, the order of starts.
    private static func hash(
        of service: Service, plan: LaunchPlan?, store: SecretStore?, recorded: StackRecord.Entry?
    ) throws(DeploymentError) -> String {
        guard let store else { return "new" }
        func asLaunched(_ plan: LaunchPlan) -> LaunchPlan {
            var launched = plan
            launched.configHash = ""
            launched.replicas = 1
            launched.files = []
            launched.dependencies = []
            return launched
        }
        let launched = plan.map(asLaunched)
        // To compare costs less than to hash.
        if let recorded, recorded.attributes.hasSameBytes(as: service.attributes), asLaunched(recorded.plan) == launched {
            return recorded.plan.configHash
        }
        do {
            var bytes = try JSON.encode(launched)
            for (name, text) in service.attributes.sorted(by: { $0.key < $1.key }) {
                bytes += Array("\n\(name)=\(text)".utf8)
            }
            let guarded = try SecretBytes(copying: bytes)
            return try store.configurationHash(of: guarded)
        } catch {
            throw DeploymentError("service '\(service.name)' cannot be put in words: \(error)")
        }
    }
}
