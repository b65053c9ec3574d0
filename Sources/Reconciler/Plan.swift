/// The difference between wanted, recorded and observed, as the steps that remove it.
public struct Plan: Sendable, Equatable {
    /// In the order in which they are applied.
    public var actions: [Action]
    /// Services that run but are in no file, and stay because `--remove-orphans` was not given.
    public var orphans: [String]
    /// The files each wanted service has once the plan is applied, by service: what the launcher is given.
    public var files: [String: [MountedFile]]

    public init(actions: [Action], orphans: [String] = [], files: [String: [MountedFile]] = [:]) {
        self.actions = actions
        self.orphans = orphans
        self.files = files
    }

    public var isEmpty: Bool { actions.isEmpty }
}

/// One step of a plan and why it is taken.
public struct Action: Sendable, Equatable {
    public enum Operation: Sendable, Equatable {
        /// A new version of a secret goes into the store.
        case storeSecret(name: String, version: Int)
        /// A file of a service appears or changes in place.
        case writeFile(service: String, file: MountedFile)
        /// A file of a service vanishes.
        case removeFile(service: String, file: MountedFile)
        case createInstance(service: String, index: Int)
        /// Stop, then create with the new launch plan.
        case recreateInstance(service: String, index: Int)
        /// An instance that is there but does not run.
        case startInstance(service: String, index: Int)
        /// One that is to stay stopped.
        case holdInstance(service: String, index: Int)
        /// Stop and forget.
        case removeInstance(service: String, index: Int)
        /// What a service asked for when its secrets change, after all files are in place.
        case signalService(service: String, signal: String)
        case restartService(service: String)
    }

    public var operation: Operation
    /// For people, lower case: `image changed`, `not running`, `the file's content changed`.
    public var cause: String

    public init(_ operation: Operation, cause: String) {
        self.operation = operation
        self.cause = cause
    }
}

/// How `up` was asked to behave.
public struct PlanOptions: Sendable, Equatable {
    public var forceRecreate: Set<String>
    public var removeOrphans: Bool
    /// Services that a person has stopped; of these, the ones that are `unless-stopped` are left alone.
    public var stopped: Set<String>

    public init(forceRecreate: Set<String> = [], removeOrphans: Bool = false, stopped: Set<String> = []) {
        self.forceRecreate = forceRecreate
        self.removeOrphans = removeOrphans
        self.stopped = stopped
    }
}
