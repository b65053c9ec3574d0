import Testing

@testable import Words

@Suite struct Suggestions {
    @Test func aSwapACaseOrAMissingLetterIsNear() {
        let names = ["ports", "profiles", "secrets", "command"]
        #expect(Spelling.suggestion(for: "prots", among: names) == "did you mean 'ports'?")
        #expect(Spelling.suggestion(for: "Ports", among: names) == "did you mean 'ports'?")
        #expect(Spelling.suggestion(for: "comand", among: names) == "did you mean 'command'?")
        #expect(Spelling.suggestion(for: "healthcheck", among: names) == nil)
    }

    @Test func theBeginningOfAWordIsNear() {
        let names = ["service_started", "service_healthy", "service_completed_successfully"]
        #expect(Spelling.suggestion(for: "service_completed", among: names) == "did you mean 'service_completed_successfully'?")
        // Of several that begin so none is meant more than the others.
        #expect(Spelling.suggestion(for: "service", among: ["service_completed", "service_started"]) == nil)
    }
}
