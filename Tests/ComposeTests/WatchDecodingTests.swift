import Testing

@testable import Compose

@Suite struct WatchDecodingTests {
    private func rules(_ text: String) throws -> [WatchRule] {
        try Fixture.service("services: {web: {command: x, develop: {watch: [\(text)]}}}").watchRules
    }

    @Test func everyActionWithWhatBelongsToIt() throws {
        let rules = try rules("""
            {path: /a, action: sync, target: /app, include: ['*.py'], ignore: [x, y], initial_sync: true}, {path: /b, action: restart}, \
            {path: /c, action: sync+restart, target: /app}, \
            {path: /d, action: sync+exec, target: /app, exec: {command: reload now, user: web, working_dir: /w, environment: {A: b}}}
            """)
        #expect(rules.map(\.path) == ["/a", "/b", "/c", "/d"])
        #expect(rules.map(\.target) == ["/app", nil, "/app", "/app"])
        #expect(rules[0].action == .sync && rules[0].include == ["*.py"] && rules[0].ignore == ["x", "y"] && rules[0].isSyncedAtFirst)
        #expect(rules[1].action == .restart && rules[2].action == .syncAndRestart && !rules[2].isSyncedAtFirst)
        var hook = ServiceHook(command: ["reload", "now"])
        (hook.user, hook.workingDirectory, hook.environment) = ("web", "/w", ["A": "b"])
        #expect(rules[3].action == .syncAndExecute(hook))
    }

    @Test func whatIsBuiltElsewhereHasNoEffect() {
        let result = Fixture(["compose.yaml": "services: {web: {command: x, develop: {watch: [{path: ., action: rebuild}]}}}"]).load()
        #expect(result.warnings.count == 1 && result.warnings[0].contains("nothing is built"))
    }

    @Test func aTargetIsSeenFromTheRoot() throws {
        #expect(try rules("{path: /a, action: sync, target: app/x}")[0].target == "/app/x")
    }

    /// Only a watch has to refuse it.
    @Test func aCommandMayBeMissing() throws {
        #expect(try rules("{path: /a, action: sync+exec, target: /app}")[0].action == .syncAndExecute(ServiceHook(command: [])))
    }

    @Test(arguments: [
        ("{path: ., action: sync}", "needs a 'target'"), ("{path: ., action: copy}", "rebuild"),
    ]) func whatCannotBeIsAnError(_ text: String, _ message: String) {
        let result = Fixture(["compose.yaml": "services: {web: {command: x, develop: {watch: [\(text)]}}}"]).load()
        #expect(result.errors.contains { $0.contains(message) })
    }
}
