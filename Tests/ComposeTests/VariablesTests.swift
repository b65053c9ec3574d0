import Testing

@testable import Compose

@Suite struct TemplateTests {
    private func substitute(_ text: String) throws -> String {
        try Template.substitute(text, lookup: { ["A": "1", "E": "", "B_2": "two"][$0] })
    }

    @Test(arguments: [
        ("$A", "1"), ("${A}", "1"), ("x${B_2}y", "xtwoy"), ("$$A", "$A"), ("$${A}", "${A}"), ("$", "$"), ("$1", "$1"),
        ("${N:-d}", "d"), ("${E:-d}", "d"), ("${E-d}", ""), ("${N-d}", "d"), ("${A:-d}", "1"), ("${A:+r}", "r"),
        ("${E:+r}", ""), ("${E+r}", "r"), ("${N+r}", ""), ("${A:?m}", "1"), ("${E?m}", ""), ("${N:-${M:-${A}}}", "1"),
        ("${N:-a}b}", "ab}"), ("$A$A", "11"), ("a$-b", "a$-b"), ("${N:-}", ""), ("${N}", ""), ("${N:-{}}", "{}"),
    ])
    func everyFormHasItsValue(text: String, value: String) throws {
        #expect(try substitute(text) == value)
    }

    @Test(arguments: ["${", "${}", "${A", "${1}", "${A:}", "${A!}", "${-A}"])
    func anInvalidFormIsAnError(text: String) {
        #expect(throws: Template.Problem.invalid(offset: 0)) { try substitute(text) }
    }

    @Test func aRequiredVariableCarriesItsMessage() {
        #expect(throws: Template.Problem.missing(variable: "N", message: "set 1", offset: 2)) {
            try substitute("x ${N:?set ${A}}")
        }
    }

    @Test func deepNestingIsRefused() {
        let text = String(repeating: "${N:-", count: 100_000) + String(repeating: "}", count: 100_000)
        #expect(throws: Template.Problem.self) { try substitute(text) }
    }
}

@Suite struct InterpolationTests {
    @Test func anErrorPointsAtTheVariable() {
        let result = Fixture(["compose.yaml": "services:\n  web:\n    command: 'a ${A} ${B:?no b}'\n"]).load(environment: ["A": "1"])
        let error = result.diagnostics.first { $0.severity == .error }
        #expect(error?.location?.line == 3 && error?.location?.column == 22)
        #expect(error?.message == "required variable B is missing a value: no b")
    }

    @Test func anUnsetVariableIsWarnedOfOnce() {
        let result = Fixture(["compose.yaml": "services: {web: {command: \"x $U\", hostname: \"h$U\"}}"]).load()
        #expect(result.warnings.filter { $0.contains("\"U\"") } == ["The \"U\" variable is not set. Defaulting to a blank string."])
    }

    @Test func theCallersEnvironmentComesBeforeTheEnvFile() throws {
        let fixture = Fixture([
            ".env": "A=file\nB=file\n", "other.env": "B=other", "compose.yaml": "services: {web: {command: [\"$A\", \"$B\"]}}",
        ])
        #expect(fixture.load(environment: ["A": "caller"]).project?.stack.services.first?.command == ["caller", "file"])
        let other = fixture.load(environment: ["A": "caller"], envFiles: ["other.env"])
        #expect(other.project?.stack.services.first?.command == ["caller", "other"])
        #expect(fixture.load(envFiles: ["nope.env"]).errors.count == 1)
    }
}

@Suite struct DotEnvTests {
    private func parse(_ text: String) -> [String: String] {
        DotEnv.parse(Array(text.utf8), file: ".env") { ["OUT": "out"][$0] }.values
    }

    @Test(arguments: [
        ("A=b", "b"), ("A=b # c", "b"), ("A=b#c", "b#c"), ("A='b # c'", "b # c"), ("A=\"b\\nc\"", "b\nc"),
        ("A='b\\nc'", "b\\nc"), ("export A=b", "b"), ("A: b", "b"), ("A = b ", "b"), ("A=", ""), ("A=$OUT", "out"),
        ("A=\"x${OUT}\"", "xout"), ("A='$OUT'", "$OUT"), ("A=\\$x", "\\"), ("A=\"\\$x\"", "$x"), ("A=${N:-d}", "d"),
        ("A=\"one\ntwo\"", "one\ntwo"), ("A='it\\'s'", "it's"), ("A=\"q\\\"q\"", "q\"q"), ("A=1\nA=2", "2"),
        ("A=b\r\n", "b"), ("\u{FEFF}A=b", "b"), ("# c\n\n A=b", "b"), ("A=\"b\" # c\n", "b"), ("B=1\nA=$B", "1"),
    ])
    func valuesAreReadAsComposeReadsThem(text: String, value: String) {
        #expect(parse(text)["A"] == value)
    }

    @Test func aNameAloneTakesTheValueFromOutside() {
        #expect(parse("OUT\nNONE\n") == ["OUT": "out"])
    }

    @Test func mistakesAreReportedWithTheirLineAndWithoutTheLine() {
        let result = DotEnv.parse(Array("A=1\nB C=secret\nD!=x\nE=\"secret\n".utf8), file: ".env")
        #expect(result.diagnostics.map { $0.location?.line } == [2, 3, 4])
        for diagnostic in result.diagnostics {
            #expect(diagnostic.source == .withheld && !diagnostic.message.contains("secret"))
        }
    }
}

@Suite struct FailedInterpolationTests {
    @Test func nothingMoreIsSaidOfAValueThatCouldNotBeInterpolated() {
        let errors = Fixture.errors("services: {web: {command: \"${A:?}\", scale: \"${B:?}\", restart: \"${C\"}}")
        #expect(errors == ["required variable A is missing a value", "required variable B is missing a value", "invalid interpolation format"])
    }
}
