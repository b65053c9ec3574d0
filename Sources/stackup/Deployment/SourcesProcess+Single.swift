import SecretMemory
import SourceProtocol

extension SourcesProcess {
    /// Fetches one value.
    ///
    /// - Throws: `SourceError` with why there is none; as ``fetch(_:hidden:onWait:_:)``.
    static func value(of request: SourceRequest, hidden: [String], onWait: @escaping (Set<Int>) -> Void = { _ in }) throws -> SecretBytes {
        let place = AnswerPlace()
        try fetch([request], hidden: hidden, onWait: onWait) { _, answer in place.put(answer) }
        return try place.take()
    }

    /// Where a closure can leave an answer.
    private final class AnswerPlace {
        private var value: SecretBytes?
        private var error: SourceError?

        func put(_ answer: consuming SourceAnswer) {
            switch consume answer {
            case .value(let bytes): value = consume bytes
            case .failure(let error): self.error = error
            }
        }

        func take() throws(SourceError) -> SecretBytes {
            if let error { throw error }
            guard let value = value.take() else { preconditionFailure("every request is answered") }
            return value
        }
    }
}
