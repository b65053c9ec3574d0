import Glibc
import JSON
import Linux
import SecretMemory
import SourceProtocol
import Synchronization

/// What `stackup-sources` does: reads requests, fetches their values, and writes the answers.
public struct SourceServer: Sendable {
    /// More than any command has to ask.
    private static let requestLimit = 16 << 20
    /// How many values are fetched at once.
    private static let threadLimit = 8

    private let requests: [SourceRequest]
    /// Paths that drivers must not get at.
    public let hidden: [String]
    /// Paths that the requests, or the caller's environment, name.
    public let named: [String]
    /// Paths that the drivers of these requests write to.
    public let writable: [String]

    /// Reads the requests.
    ///
    /// - Parameter environment: the caller's.
    /// - Throws: where there are none that can be read.
    public init(reading input: borrowing FileDescriptor, environment: [String: String]) throws {
        guard let text = try input.readAll(limit: Self.requestLimit) else { throw SourceError("the requests are too many") }
        let message = try JSON.decode(SourceRequests.self, from: text)
        requests = message.requests.map { request in
            var request = request
            request.environment = environment
            return request
        }
        hidden = message.hidden
        named = Set(requests.flatMap(\.namedPaths)).sorted()
        writable = Set(requests.flatMap { DriverRegistry.writablePaths(for: $0) }).sorted()
    }

    /// Where the answers go, one at a time.
    private struct Output: ~Copyable {
        let descriptor: FileDescriptor
        var failure: (any Error)?
    }

    /// Answers all of them, in the order in which the values come.
    ///
    /// - Throws: where nobody takes the answers.
    public func serve(to descriptor: consuming FileDescriptor) throws {
        RunningPrograms.endWithThisProcess()
        let next = Atomic(0)
        let output = Mutex(Output(descriptor: descriptor))
        inThreads(min(requests.count, Self.threadLimit)) {
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < requests.count else { return }
                let answer = Self.answer(requests[index])
                output.withLock { output in
                    guard output.failure == nil else { return }
                    do {
                        try answer.write(to: output.descriptor, for: index)
                    } catch {
                        output.failure = error
                    }
                }
            }
        }
        if let error = output.withLock({ $0.failure }) { throw error }
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
