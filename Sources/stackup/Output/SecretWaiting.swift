import Glibc
import Linux
import Terminal

/// Tells which secrets a command still waits for, once that takes longer than a second: on a terminal as lines that come and go,
/// elsewhere in one line, once.
final class SecretWaiting {
    /// A secret, and where its value is to come from.
    struct Awaited: Hashable {
        let secret: String
        let driver: String
    }

    private let streams: Streams
    private let display: ProgressDisplay?
    private let start = Instant.now
    private var shown: [Awaited] = []
    private var hasTold = false

    init(_ streams: Streams) {
        self.streams = streams
        let isLive = streams.progress.resolved(isTerminal: isTerminal(STDERR_FILENO)) == .tty
        display = isLive ? ProgressDisplay(.tty, title: "Fetching", isColoured: streams.coloursErrors) : nil
    }

    /// To be called about ten times a second while something is waited for.
    ///
    /// - Parameter awaited: in an order that stays.
    func show(_ awaited: [Awaited]) {
        guard Instant.now - start > .seconds(1) else { return }
        guard let display else {
            if !hasTold {
                streams.note("waiting for " + awaited.map { "secret '\($0.secret)' (\($0.driver))" }.joined(separator: ", "))
            }
            hasTold = true
            return
        }
        for gone in shown where !awaited.contains(gone) { end(gone) }
        for secret in awaited where !shown.contains(secret) {
            display.update(resource: "Secret \(secret.secret)", status: .working, text: "Waiting for \(secret.driver)")
        }
        shown = awaited
        display.refresh()
    }

    func finish() {
        for gone in shown { end(gone) }
        display?.finish()
    }

    private func end(_ gone: Awaited) {
        display?.update(resource: "Secret \(gone.secret)", status: .done, text: "Answered")
    }
}
