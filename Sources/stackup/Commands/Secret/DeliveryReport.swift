import SecretStore
import Terminal

extension SecretDelivery {
    /// Delivers, and says what came of it: a line for each secret on standard output, what happens in the stacks on standard error.
    ///
    /// - Parameter names: of the secrets, in the order in which they are reported.
    /// - Returns: the exit status: 1 where some stack did not get everything.
    consuming func deliver(reporting names: [String], _ invocation: Invocation) throws -> Int32 {
        let display = InstanceProgress(invocation.streams, title: "Delivering")
        onEvent = { event, stack in display.show(event, of: stack) }
        let outcome = try deliver()
        display.finish()
        for name in names {
            guard let secret = outcome.snapshot.secret(name) else { continue }
            invocation.streams.print("\(name) version \(secret.newest.number)")
        }
        for failure in outcome.failures {
            for line in failure.reason.split(separator: "\n") { invocation.streams.fail("stack '\(failure.stack)': \(line)") }
        }
        return outcome.failures.isEmpty ? 0 : 1
    }
}
