import Testing

@testable import Compose

@Suite struct SecurityDecodingTests {
    private func systemCalls(_ text: String) throws -> SecurityOptions.SystemCalls {
        try Fixture.service("services: {web: {command: x, security_opt: [\(text)]}}").security.systemCalls
    }

    @Test func anOptionIsSplitAtAnEqualsSignOrAColon() throws {
        #expect(try systemCalls("no-new-privileges") == .standard)
        #expect(try systemCalls("'seccomp:unconfined'") == .unconfined)
        #expect(try systemCalls("seccomp=unconfined") == .unconfined)
        #expect(try systemCalls("seccomp=builtin") == .standard)
        #expect(try systemCalls("seccomp=./a:b.json") == .profile("./a:b.json"))
        #expect(try systemCalls("'seccomp:b.json', 'label:disable'") == .profile("b.json"))
    }

    @Test(arguments: [
        ("apparmor=docker-default", "services.web.security_opt[0]: 'apparmor=docker-default' asks for an AppArmor profile, and services get none"),
        ("'label:user:x'", "services.web.security_opt[0]: 'label:user:x' asks for an SELinux label, and services get none"),
        ("seccomp=", "services.web.security_opt[0]: 'seccomp=' names no profile"),
        ("'no-new-privileges:maybe'", "services.web.security_opt[0]: 'no-new-privileges:maybe' is neither true nor false"),
        ("secomp=x", "services.web.security_opt[0]: 'secomp=x' is no such option"),
    ]) func whatCannotBeGivenIsRefused(text: String, message: String) {
        let diagnostics = Fixture(["compose.yaml": "services: {web: {command: x, security_opt: [\(text)]}}"]).load().diagnostics
        #expect(diagnostics.map(\.message) == [message] && diagnostics.first?.severity == .error)
    }
}
