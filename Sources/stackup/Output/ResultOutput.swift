import Glibc
import Linux
import Terminal

/// Standard output as a command's results go there, and whether they got there.
final class ResultOutput {
    /// Why the first result that did not get there didn't; who reads and has gone away wants no more, so that is none.
    private(set) var failure: SystemCallError?
    /// Whether who reads has gone away.
    private(set) var isReaderGone = false

    /// - Returns: false where this is the first result that is lost.
    func put(_ text: String) -> Bool {
        guard !Terminal.put(text, to: STDOUT_FILENO) else { return true }
        if errno == EPIPE { isReaderGone = true }
        guard errno != EPIPE, failure == nil else { return true }
        failure = Self.error()
        return false
    }

    /// What `errno` says of standard output.
    static func error() -> SystemCallError { SystemCallError("write", "standard output") }
}
