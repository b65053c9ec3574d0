import Compose
import SecretStore

/// Where a stack's secret comes from, as its Compose files said when it was last applied: enough to ask there again without them.
struct SecretOrigin: Codable, Equatable {
    /// The key below the top-level `secrets`.
    var key: String
    /// nil where the store is its source (`external`, or made for it).
    var place: Place?
    /// How it comes by new values by itself; nil where it doesn't.
    var renewal: SecretRenewal?
    /// For drivers.
    var labels: [String: String]

    enum Place: Codable, Equatable {
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
        renewal = declaration.renewal
        labels = declaration.labels
    }
}

extension SecretOrigin {
    /// Where the stacks on record have a secret from, by the stacks' names.
    ///
    /// - Parameter secret: its name in the store.
    static func all(of secret: String, in store: SecretStore) throws(StoreError) -> [(stack: String, origin: SecretOrigin)] {
        var found: [(String, SecretOrigin)] = []
        for stack in try store.snapshot().stackNames {
            guard let record = try store.stackRecord(stack).flatMap({ StackRecord(decoding: $0) }), let origin = record.secrets[secret]
            else { continue }
            found.append((stack, origin))
        }
        return found
    }
}
