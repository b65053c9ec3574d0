import SecretMemory
import SourceProtocol

/// One kind of place that secrets come from.
///
/// A new one is a file in `Drivers`, a line in ``DriverRegistry``, and a section in docs/secret-sources.md.
public protocol SecretDriver: Sendable {
    /// What `driver:` in the Compose file says.
    static var name: String { get }
    /// The `driver_opts` that it takes; others are refused.
    static var options: [DriverOption] { get }

    init()

    /// Fetches one value. Several threads may do so at once.
    ///
    /// - Parameter request: names and values of its options have been checked against ``options``.
    /// - Throws: `SourceError` that says what was tried and what to do, and holds no value, token, or text of a server's answer.
    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes
}
