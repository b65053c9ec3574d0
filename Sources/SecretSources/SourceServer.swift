import Glibc
import JSON
import Linux
import SecretMemory
import SourceProtocol

/// What `stackup-sources` does: reads requests, fetches their values, and writes the answers.
public enum SourceServer {
    /// More than any command has to ask.
    private static let requestLimit = 16 << 20

    /// Answers all requests of `input`.
    ///
    /// - Parameter environment: the caller's.
    /// - Throws: where the requests can't be read, or nobody takes the answers.
    public static func serve(
        from input: borrowing FileDescriptor, to output: borrowing FileDescriptor, environment: [String: String]
    ) throws {
        guard let text = try input.readAll(limit: requestLimit) else { throw SourceError("the requests are too many") }
        let all = try JSON.decode(SourceRequests.self, from: text)
        for (index, request) in all.requests.enumerated() {
            var request = request
            request.environment = environment
            try answer(request).write(to: output, for: index)
        }
    }

    /// Fetches one value.
    static func answer(_ request: SourceRequest) -> SourceAnswer {
        do throws(SourceError) {
            let value = try DriverRegistry.driver(for: request).fetch(request)
            guard value.count > 0 else { throw SourceError("the value is empty; a secret has at least one byte") }
            guard value.count <= SourceAnswer.valueLimit else {
                throw SourceError("the value is larger than \(SourceAnswer.valueLimit) bytes (500 KiB), the most that a secret may have")
            }
            return .value(value)
        } catch {
            return .failure(error)
        }
    }
}
