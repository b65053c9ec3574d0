import Testing
import YAML

@testable import Compose

@Suite struct RenewalDecodingTests {
    /// The renewal of the secret `s`, and what is said of it.
    private func load(_ secret: String) -> (SecretDeclaration?, [String]) {
        let text = """
            services:
              a: {command: x, secrets: [s]}
            secrets:
              s: \(secret)
            """
        let loaded = loadProject(ProjectOptions(
            files: ["-"], projectName: "p", purpose: .running, workingDirectory: "/", standardInput: { Array(text.utf8) }))
        let problems = loaded.diagnostics.filter { $0.severity == .error }.map(\.message)
        return (loaded.project?.stack.secret("s"), problems)
    }

    @Test func valuesAreMadeByAGeneratorOrACommand() {
        #expect(load("{x-stackup: {rotate: {every: 30d, generate: 'password:32'}}}").0?.renewal == .rotate(every: 30 * 86_400, .specification("password:32")))
        #expect(load("{external: true, x-stackup: {rotate: {every: 12h, command: ./make it}}}").0?.renewal == .rotate(every: 43_200, .command("./make it")))
    }

    @Test func theDriverThatGeneratesDoesSoAgain() {
        let secret = "{driver: generate, driver_opts: {spec: uuid}, x-stackup: {rotate: {every: 1d}}}"
        #expect(load(secret).0?.renewal == .rotate(every: 86_400, .specification("uuid")))
    }

    @Test func oneWithoutAnotherSourceIsMade() {
        #expect(load("{x-stackup: {rotate: {every: 1s, generate: uuid}}}").0?.source == .made)
        #expect(load("{external: true, x-stackup: {rotate: {every: 1s, generate: uuid}}}").0?.source == .external)
    }

    @Test func driversAreAskedAgain() {
        #expect(load("{driver: vault, x-stackup: {refresh: 5m}}").0?.renewal == .refresh(every: 300))
    }

    @Test(arguments: [
        ("{driver: vault, x-stackup: {refresh: 5m, rotate: {every: 1d, generate: uuid}}}", "mutually exclusive"),
        ("{driver: generate, driver_opts: {spec: uuid}, x-stackup: {refresh: 5m}}", "no value to ask for again"),
        ("{file: ./s, x-stackup: {refresh: 5m}}", "is for a secret with a driver"),
        ("{external: true, x-stackup: {refresh: often}}", "must be a duration"),
        ("{driver: vault, x-stackup: {refresh: 10ms}}", "between 1s and ten years"),
        ("{driver: vault, x-stackup: {refresh: 100000d}}", "between 1s and ten years"),
        ("{driver: vault, x-stackup: {rotate: {every: 1d, generate: uuid}}}", "has no effect on a secret with a driver"),
        ("{environment: S, x-stackup: {rotate: {every: 1d, generate: uuid}}}", "comes from the environment"),
        ("{x-stackup: {rotate: {generate: uuid}}}", "every is missing"),
        ("{x-stackup: {rotate: {every: 1d}}}", "needs one of generate and command"),
        ("{x-stackup: {rotate: {every: 1d, generate: uuid, command: x}}}", "mutually exclusive"),
        ("{x-stackup: {rotate: weekly}}", "must be a mapping"),
        ("{external: true, x-stackup: {rotat: {every: 1d, generate: uuid}}}", "unknown attribute 'rotat'"),
        ("{x-stackup: {rotate: {evry: 1d, generate: uuid}}}", "unknown attribute 'evry'"),
        ("{external: true, x-stackup: yes}", "must be a mapping"),
    ])
    func mistakesAreToldAndNothingIsRenewed(secret: String, message: String) {
        let (declaration, problems) = load(secret)
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
        #expect(declaration?.renewal == nil)
    }
}
