import SourceProtocol
import Synchronization

/// Credentials that all secrets of one command share, so that they are asked for once.
///
/// A failure is kept as well: each of fifty secrets would wait for it again. This process lives as long as a command.
final class CredentialCache<Credentials: Sendable>: Sendable {
    private struct Key: Hashable {
        let options: [String: String]
        let directory: String
        let environment: [String: String]
    }

    private let known = Mutex<[Key: Result<Credentials, SourceError>]>([:])

    /// What `fetch` gives, or gave for a request like this one.
    ///
    /// - Parameter options: the names of those that make a difference.
    func credentials(
        for request: SourceRequest, options: [String], _ fetch: () throws(SourceError) -> Credentials
    ) throws(SourceError) -> Credentials {
        let key = Key(
            options: request.options.filter { options.contains($0.key) }, directory: request.directory, environment: request.environment)
        // Others wait for the one that asks.
        let result = known.withLock { known in
            if let result = known[key] { return result }
            let result = Result { () throws(SourceError) in try fetch() }
            known[key] = result
            return result
        }
        return try result.get()
    }
}
