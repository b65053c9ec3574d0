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

    /// What a program that the driver runs has to write to: files and folders, of which those that are missing are left out.
    static func writablePaths(for request: SourceRequest) -> [String]

    /// Fetches one value. Several threads may do so at once.
    ///
    /// - Parameter request: names and values of its options have been checked against ``options``.
    /// - Throws: `SourceError` that says what was tried and what to do, and holds no value, token, or text of a server's answer.
    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes
}

extension SecretDriver {
    public static func writablePaths(for request: SourceRequest) -> [String] { [] }
}
