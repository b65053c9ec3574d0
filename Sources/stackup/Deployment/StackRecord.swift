import Compose
import JSON
import Linux
import Reconciler
import Runner

/// A stack as last applied: what the store keeps, sealed, so that a later command can tell what changed,
/// and a new supervisor can go on where one that was killed left off.
struct StackRecord: Codable, Equatable {
    /// One service as last applied.
    struct Entry: Codable, Equatable {
        /// The canonical text of each attribute, by name.
        @Bytewise var attributes: [String: String]
        var plan: LaunchPlan
    }

    /// The format's version; a record with another one is treated as missing.
    var format = Self.currentFormat
    private static let currentFormat = 3

    var workingDirectory: String
    var composeFiles: [String]
    var surroundings: StackSurroundings
    /// By service.
    var services: [String: Entry]

    init(_ stack: Stack, surroundings: StackSurroundings, services: [String: Entry]) {
        workingDirectory = stack.workingDirectory
        composeFiles = stack.composeFiles
        self.surroundings = surroundings
        self.services = services
    }

    /// Reads a record back; nil where it is of a format that this version does not know.
    init?(decoding bytes: [UInt8]) {
        guard let record = try? JSON.decode(StackRecord.self, from: bytes), record.format == Self.currentFormat else { return nil }
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
}
