import Compose
import Linux
import Runner
import SecretMemory
import SecretStore
import SourceProtocol

/// Where a stack's secret comes from, as its Compose files said when it was last applied: enough to ask there again without them.
struct SecretOrigin: Equatable {
    /// The key below the top-level `secrets`.
    var key: String
    /// nil where the store is its source (`external`, or made for it).
    var place: Place?
    /// How it comes by new values by itself; nil where it doesn't.
    var renewal: SecretRenewal?
    /// For drivers, and for the store.
    var labels: [String: String]
    /// Whether nothing but its renewal makes it, the first value too.
    var isMade: Bool

    enum Place: Equatable {
        /// An absolute path.
        case file(String)
        /// A variable of the environment of whoever runs `up`.
        case environment(String)
        /// The folder is where relative paths in the options start.
        case driver(String, options: [String: String], directory: String)
    }

    init(_ declaration: SecretDeclaration) {
        key = declaration.key
        place = switch declaration.source {
        case .file(let path): .file(path)
        case .environment(let variable): .environment(variable)
        case .driver(let name, let options, let directory): .driver(name, options: options, directory: directory)
        case .external, .made: nil
        }
        isMade = declaration.source == .made
        renewal = declaration.renewal
        labels = declaration.labels
    }
}

extension SecretOrigin.Place {
    /// Options that say what a value is called where it comes from.
    private static let namingOptions = ["path", "file", "secret", "secret-id", "name", "spec"]

    /// For people: `file ./db_password.txt`, as the store notes it.
    var text: String {
        switch self {
        case .file(let path): "file \(path)"
        case .environment(let variable): "environment \(variable)"
        case .driver(let driver, let options, _):
            // What it is called there; other options are none of the output's business.
            "driver " + ([driver] + Self.namingOptions.compactMap { options[$0] }.prefix(1)).joined(separator: " ")
        }
    }
}

extension SecretOrigin.Place {
    /// Options that say how a driver is asked, not for what: the last one's answer is as good whatever they were.
    private static let mannerOptions = ["on-failure", "timeout", "ca-file"]

    /// Whether a value that came from one of these places is a value of the other, an earlier one maybe: the same driver with the same options.
    ///
    /// The folder doesn't count: a project that is deployed into a new folder each time is the same.
    func asksForTheSame(as other: SecretOrigin.Place) -> Bool {
        guard case .driver(let driver, let options, _) = self, case .driver(driver, let others, _) = other else { return false }
        return options.filter { !Self.mannerOptions.contains($0.key) } == others.filter { !Self.mannerOptions.contains($0.key) }
    }
}

extension SecretOrigin {
    /// What is asked of its driver; nil where it has none.
    func driverRequest(project: String) -> RenewalRequest? {
        guard let place, case .driver(let driver, var options, let directory) = place else { return nil }
        // That one is stackup's own.
        options["on-failure"] = nil
        return RenewalRequest(
            request: SourceRequest(
                driver: driver, options: options, name: key, project: project, directory: directory, labels: labels),
            source: place.text)
    }

    /// What makes a new value of it; nil where nothing does.
    func generatorRequest(project: String, directory: String) -> RenewalRequest? {
        guard case .rotate(_, let generator)? = renewal else { return nil }
        return generator.request(for: key, project: project, directory: directory, labels: labels)
    }
}

/// A stack's secret with where it comes from.
struct RecordedOrigin {
    let stack: String
    let record: StackRecord
    let origin: SecretOrigin

    /// Every stack on record that has a secret.
    ///
    /// - Parameter secret: its name in the store.
    static func all(of secret: String, in store: SecretStore) throws(StoreError) -> [RecordedOrigin] {
        var found: [RecordedOrigin] = []
        for stack in try store.snapshot().stackNames {
            guard let record = try store.stackRecord(stack).flatMap({ StackRecord(decoding: $0) }), let origin = record.secrets[secret]
            else { continue }
            found.append(RecordedOrigin(stack: stack, record: record, origin: origin))
        }
        return found
    }

    /// Whether the secret has a source besides the store.
    var hasSource: Bool { origin.place != nil || generator != nil }

    private var generator: RenewalRequest? { origin.generatorRequest(project: stack, directory: record.workingDirectory) }

    /// For people.
    var text: String { generator?.source ?? origin.place?.text ?? "the store" }

    /// The value that its source has now, or makes.
    ///
    /// - Throws: where there is none, and where a service may have led a file's path elsewhere.
    func value(in store: SecretStore, _ invocation: Invocation) throws -> SecretBytes {
        if let request = generator ?? origin.driverRequest(project: stack) {
            return try SourcesProcess.value(of: request.request, hidden: invocation.paths.privatePaths)
        }
        switch origin.place {
        case .file(let path):
            let others = try store.snapshot().stackNames.filter { $0 != stack }
            var folders = WritableFolders(
                record, otherFolders: { try others.flatMap { try StackRecord.writableFolders(of: $0, in: store) } }, user: invocation.user)
            return try SecretSourceReader.file(try folders.resolve(path), followingLinks: false)
        case .environment(let variable):
            guard let value = invocation.environment[variable] else {
                throw CommandFailure("the environment variable \(variable), which it comes from, is not set; set it, or use 'up'")
            }
            return try SecretSourceReader.environmentValue(value, name: variable)
        case .driver, nil:
            preconditionFailure("only what has a source is asked for a value")
        }
    }
}
