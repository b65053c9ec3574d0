import SourceProtocol
import Terminal

extension SecretDelivery {
    /// Delivers, and says what came of it: a line for each secret on standard output, what happens in the stacks on standard error.
    ///
    /// - Parameter names: of the secrets, in the order in which they are reported.
    /// - Returns: the exit status: 1 where some stack did not get everything, or a secret is gone.
    consuming func deliver(reporting names: [String], _ invocation: Invocation) throws -> Int32 {
        let display = InstanceProgress(invocation.streams, title: "Delivering")
        onEvent = { event, stack in display.show(event, of: stack) }
        let outcome = try deliver()
        display.finish()
        for name in names {
            guard let secret = outcome.snapshot.secret(name) else {
                invocation.streams.fail("secret '\(name)' was removed from the store meanwhile; its new value is stored nowhere")
                continue
            }
            invocation.streams.print("\(name) version \(secret.newest.number)")
        }
        for failure in outcome.failures {
            for line in failure.reason.split(separator: "\n") { invocation.streams.fail("stack '\(failure.stack)': \(line)") }
        }
        return outcome.failures.isEmpty && outcome.removed.isEmpty ? 0 : 1
    }
}

/// Whose value comes from elsewhere has the one that it was given until the next `up` of the stack.
func warnOfSources(_ origins: [RecordedOrigin], of secret: String, _ invocation: Invocation) {
    for recorded in origins {
        var advice = "change it there too"
        let place: String
        switch recorded.origin.place {
        case .file(let path):
            place = "the file \(path)"
            advice += ", or make the store its only place with: stackup secret seal \(secret)"
        case .environment(let variable): place = "the environment variable \(variable)"
        // What it makes is made once.
        case .driver(GeneratorSpec.driver, _, _): continue
        case .driver(let driver, _, _): place = "the driver '\(driver)'"
        case nil: continue
        }
        invocation.streams.warn("the next 'up' of '\(recorded.stack)' takes the value from \(place) again; \(advice)")
    }
}
