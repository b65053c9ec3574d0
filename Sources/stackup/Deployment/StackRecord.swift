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
        guard let record = try? JSON.decode(StackRecord.self, from: bytes) else { return nil }
        self = record
    }

    func encoded() throws -> [UInt8] { try JSON.encode(self) }

    /// The launch plans of every service, for a supervisor that has none yet.
    var plans: [LaunchPlan] {
        services.sorted { $0.key < $1.key }.map(\.value.plan)
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

extension StackRecord: Codable {
    private enum CodingKeys: CodingKey {
        case format, workingDirectory, composeFiles, surroundings, services, secrets
    }

    /// Format 3 had neither reactions nor the secrets' origins.
    private static let readableFormats = 3...4

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard Self.readableFormats.contains(try container.decode(Int.self, forKey: .format)) else {
            throw DecodingError.dataCorruptedError(forKey: .format, in: container, debugDescription: "another format")
        }
        workingDirectory = try container.decode(String.self, forKey: .workingDirectory)
        composeFiles = try container.decode([String].self, forKey: .composeFiles)
        surroundings = try container.decode(StackSurroundings.self, forKey: .surroundings)
        services = try container.decode([String: Entry].self, forKey: .services)
        secrets = try container.decodeIfPresent([String: SecretOrigin].self, forKey: .secrets) ?? [:]
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.readableFormats.upperBound, forKey: .format)
        try container.encode(workingDirectory, forKey: .workingDirectory)
        try container.encode(composeFiles, forKey: .composeFiles)
        try container.encode(surroundings, forKey: .surroundings)
        try container.encode(services, forKey: .services)
        try container.encode(secrets, forKey: .secrets)
    }
}

extension StackRecord.Entry: Codable {
    private enum CodingKeys: CodingKey {
        case attributes, plan, reactions
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        _attributes = try container.decode(Bytewise<[String: String]>.self, forKey: .attributes)
        plan = try container.decode(LaunchPlan.self, forKey: .plan)
        reactions = try container.decodeIfPresent([StackRecord.Reaction].self, forKey: .reactions) ?? []
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(_attributes, forKey: .attributes)
        try container.encode(plan, forKey: .plan)
        if !reactions.isEmpty { try container.encode(reactions, forKey: .reactions) }
    }
}

extension StackRecord.Reaction: Codable {
    private enum CodingKeys: CodingKey {
        case target, reaction
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        _target = try container.decode(Bytewise<String>.self, forKey: .target)
        reaction = SecretChangeReaction(try container.decode(String.self, forKey: .reaction)) ?? .none
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(_target, forKey: .target)
        try container.encode(reaction.description, forKey: .reaction)
    }
}
