import Compose
import JSON
import Linux
import Reconciler
import Runner

/// A stack as last applied: what the store keeps, sealed, so that a later command can tell what changed,
/// a new supervisor can go on where one that was killed left off, and a secret's new version reaches the services
/// without the Compose files.
struct StackRecord: Equatable {
    /// One service as last applied.
    struct Entry: Equatable {
        /// The canonical text of each attribute, by name.
        @Bytewise var attributes: [String: String]
        var plan: LaunchPlan
        /// What is to be done when a secret changes; grants that ask for nothing are not in it.
        var reactions: [Reaction] = []
    }

    /// What a service wants done when the secret at one of its targets changes.
    struct Reaction: Equatable {
        @Bytewise var target: String
        var reaction: SecretChangeReaction
    }

    var workingDirectory: String
    var composeFiles: [String]
    var surroundings: StackSurroundings
    /// By service.
    var services: [String: Entry]
    /// Where the stack's secrets come from, by their names in the store.
    var secrets: [String: SecretOrigin] = [:]
    /// What one-offs could write to and its services can't.
    var oneOffFolders: [RecordedFolder] = []

    init(_ stack: Stack, surroundings: StackSurroundings, services: [String: Entry]) {
        workingDirectory = stack.workingDirectory
        composeFiles = stack.composeFiles
        self.surroundings = surroundings
        self.services = services
        secrets = Dictionary(
            stack.secrets.map { ($0.storeName, SecretOrigin($0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Reads a record back; nil where it is of a format that this version does not know.
    init?(decoding bytes: [UInt8]) {
        guard let record = try? StackRecord(json: try JSONValue.parse(bytes)) else { return nil }
        self = record
    }

    func encoded() -> [UInt8] { JSON.encode(self) }

    /// The launch plans of every service, for a supervisor that has none yet.
    var plans: [LaunchPlan] {
        services.keys.sorted().compactMap { services[$0]?.plan }
    }

    /// What the reconciler compares with.
    var attributes: [String: [String: String]] {
        services.mapValues(\.attributes)
    }

    /// What the delivery of a new version works from.
    var recordedGrants: [RecordedGrants] {
        services.map { name, entry in
            RecordedGrants(
                service: name, dependencies: entry.plan.dependencies.map(\.service), files: entry.plan.files,
                reactions: Dictionary(
                    entry.reactions.map { (Bytewise($0.target), $0.reaction) }, uniquingKeysWith: { first, _ in first }))
        }
    }

    /// Whether a service of the stack is granted one of these secrets.
    func grants(anyOf secrets: Set<String>) -> Bool {
        services.values.contains { $0.plan.files.contains { $0.kind == .secret && secrets.contains($0.name) } }
    }

    /// The same stack with other files, by service.
    func with(files: [String: [MountedFile]]) -> StackRecord {
        var record = self
        for (service, files) in files { record.services[service]?.plan.files = files }
        return record
    }
}
