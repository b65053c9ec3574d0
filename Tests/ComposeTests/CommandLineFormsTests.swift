import Testing

@testable import Compose

/// What a command line says of a service.
@Suite struct CommandLineFormsTests {
    private func mount(_ text: String) throws(MountProblem) -> ServiceMount {
        try ServiceMount(shortForm: text, from: "/here", home: "/home/me", volumes: ["data"])
    }

    @Test func mountsHaveTheFormOfTheFiles() throws {
        #expect(try mount("./a:/b") == .bind(source: "/here/a", target: "/b", readOnly: false, createHostPath: true))
        #expect(try mount("~/a:/b/:ro") == .bind(source: "/home/me/a", target: "/b", readOnly: true, createHostPath: true))
        #expect(try mount("/a/../c:/b") == .bind(source: "/c", target: "/b", readOnly: false, createHostPath: true))
        #expect(try mount("data:/b") == .volume(volume: "data", target: "/b", readOnly: false))
        #expect(try mount("/b") == .volume(volume: nil, target: "/b", readOnly: false))
    }

    @Test(arguments: ["", "other:/b", "/a:/b:wrong", "/a:b", "/a:/", "/a:/b/../..", "a::b", "/a:/b:ro:x"]) func othersAreRefused(_ text: String) {
        #expect(throws: MountProblem.self) { try mount(text) }
    }

    @Test func aFileOfVariablesThatIsMissingIsAnError() {
        let read = EnvFile.read("nowhere.env", from: "/", lookup: { _ in nil })
        #expect(read.variables.isEmpty && read.diagnostics.map(\.severity) == [.error])
    }
}
