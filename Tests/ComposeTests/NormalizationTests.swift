import Testing

@testable import Compose

@Suite struct UnitTests {
    @Test(arguments: [
        ("64m", Int64(67_108_864)), ("1.5gb", 1_610_612_736), ("10", 10), ("1e3", 1000), ("2KiB", 2048), ("3 k", 3072), ("1b", 1),
    ])
    func sizesAreBytes(text: String, bytes: Int64) {
        #expect(ScalarText.bytes(text) == bytes)
    }

    @Test(arguments: ["", "m", "x", "1x", "1.2.3m", "-1", "1kbb", "1bb", "1 k b", "99999999999t", "nan"])
    func otherTextsAreNoSize(text: String) {
        #expect(ScalarText.bytes(text) == nil)
    }

    @Test(arguments: [
        (1.5, "1.5"), (1000, "1000"), (123456.5, "123456.5"), (1e6, "1e+06"), (1e21, "1e+21"), (0.0001, "0.0001"), (0.00001, "1e-05"),
        (1.25e-7, "1.25e-07"), (-2.5, "-2.5"), (0, "0"), (123456789.125, "1.23456789125e+08"), (1e30, "1e+30"),
    ])
    func numbersArePrintedAsComposeDoes(value: Double, text: String) {
        #expect(NumberText.text(value) == text)
    }
}

@Suite struct ShortFormTests {
    @Test(arguments: [
        ("80", [("", 80, "")]), ("8080:80", [("", 80, "8080")]), ("127.0.0.1:8080:80/udp", [("127.0.0.1", 80, "8080")]),
        ("3000-3001", [("", 3000, ""), ("", 3001, "")]), ("90-91:80-81", [("", 80, "90"), ("", 81, "91")]),
        ("8000-9000:80", [("", 80, "8000-9000")]), ("[::1]:1:2", [("::1", 2, "1")]), ("127.0.0.1::80", [("127.0.0.1", 80, "")]),
    ])
    func portsAreReadInEveryForm(text: String, expected: [(String, Int, String)]) throws {
        let ports = try PortSpecification.parse(text)
        #expect(ports.map(\.hostIP) == expected.map(\.0))
        #expect(ports.map(\.target) == expected.map(\.1) && ports.map(\.published) == expected.map(\.2))
    }

    @Test(arguments: ["", "x", "80/http", "1-2:3-5", "70000", "2-1", "1.2.3:1:2", ":", "1:2:3"])
    func otherTextsAreNoPort(text: String) {
        #expect(throws: PortSpecification.Problem.self) { try PortSpecification.parse(text) }
    }

    @Test func volumesAreReadInEveryForm() {
        #expect(VolumeSpecification.parse("/a").source == "" && VolumeSpecification.parse("/a").target == "/a")
        let bind = VolumeSpecification.parse("./a:/b:ro,z,shared")
        #expect(bind.isBind && bind.readOnly && bind.selinux == "z" && bind.propagation == "shared")
        #expect(!VolumeSpecification.parse("data:/b:nocopy").isBind)
        #expect(VolumeSpecification.parse("ab").target == "ab" && VolumeSpecification.parse(":a").target == ":a")
        let drive = VolumeSpecification.parse("C:\\a:/b:ro")
        #expect(drive.isBind && drive.source == "C:\\a" && drive.target == "/b" && drive.readOnly)
        #expect(VolumeSpecification.parse("v:/a").target == "v:/a")
        #expect(VolumeSpecification.parse("${A:-b}:/c").source == "${A:-b}")
        for text in ["", ":/a", "ab:", "ab:/b:ro:x"] { #expect(VolumeSpecification.parse(text).problem != nil) }
    }
}

@Suite struct EnvironmentFileTests {
    @Test func theServicesOwnValuesComeBeforeItsFiles() throws {
        let fixture = Fixture([
            "compose.yaml": "services: {a: {command: x, environment: {A: own, C: , N: }, env_file: [one.env, {path: two.env, required: false}, {path: no.env, required: false}]}}",
            "one.env": "A=file\nB=1\nD=$OUT", "two.env": "B=2\nE=${B}${A}",
        ])
        let service = try #require(fixture.load(environment: ["C": "caller", "OUT": "out"]).project?.stack.services.first)
        #expect(service.environment == ["A": "own", "B": "2", "C": "caller", "D": "out", "E": "2own"])
    }

    @Test func aMissingFileIsAnError() {
        #expect(Fixture.errors("services: {a: {command: x, env_file: no.env}}") == ["cannot read the env file no.env: no such file or directory"])
    }

    @Test func aRawFileIsTakenAsItIs() throws {
        let fixture = Fixture(["compose.yaml": "services: {a: {command: x, env_file: [{path: r.env, format: raw}]}}", "r.env": "A='$B' # c\n#x\n"])
        #expect(fixture.load().project?.stack.services.first?.environment == ["A": "'$B' # c"])
    }
}
