import Testing

@testable import Compose

/// What `x-stackup` of a top-level secret says of new values.
@Suite struct RenewalDecodingTests {
    private static func load(_ secret: String) -> LoadResult {
        Fixture(["compose.yaml": "services: {web: {command: x, secrets: [s]}}\nsecrets: {s: {\(secret)}}\n"]).load()
    }

    private static func secret(_ text: String) throws -> SecretDeclaration {
        let result = load(text)
        #expect(result.diagnostics.filter { $0.attribute != "secrets.s.file" } == [])
        return try #require(result.project?.stack.secrets.first)
    }

    @Test(arguments: [
        ("30d", 30 * 86400), ("1w", 604_800), ("12h", 43200), ("1h30m", 5400), ("90s", 90), ("1.5m", 90), ("1s", 1), ("3650d", 3650 * 86400),
    ] as [(String, Int64)])
    func aPeriodIsADuration(text: String, period: Int64) throws {
        let secret = try Self.secret("external: true, x-stackup: {rotate: {every: \(text), generate: hex}}")
        #expect(secret.renewal == .rotate(every: period, .specification("hex")))
    }

    @Test func aNewValueComesFromAGeneratorOrAProgramOrTheDriver() throws {
        func renewal(_ text: String) throws -> SecretRenewal? { try Self.secret(text).renewal }
        #expect(
            try renewal("external: true, x-stackup: {rotate: {every: 1h, generate: 'password:32'}}")
                == .rotate(every: 3600, .specification("password:32")))
        for command in ["./new 'for db'", "[./new, for db]"] {
            #expect(
                try renewal("external: true, x-stackup: {rotate: {every: 1h, command: \(command)}}")
                    == .rotate(every: 3600, .command("./new 'for db'")))
        }
        #expect(try renewal("driver: vault, driver_opts: {path: a}, x-stackup: {refresh: 5m}") == .refresh(every: 300))
        #expect(try renewal("file: ./s") == nil)
    }

    @Test func theDriverThatGeneratesDoesSoAgain() throws {
        let secret = try Self.secret("driver: generate, driver_opts: {spec: uuid}, x-stackup: {rotate: {every: 1d}}")
        #expect(secret.renewal == .rotate(every: 86_400, .specification("uuid")))
        let other = try Self.secret("driver: generate, driver_opts: {spec: uuid}, x-stackup: {rotate: {every: 1d, generate: hex}}")
        #expect(other.renewal == .rotate(every: 86_400, .specification("hex")))
    }

    @Test func aSecretMayHaveNoSourceButItsRotation() throws {
        let secret = try Self.secret("x-stackup: {rotate: {every: 1h, generate: hex}}")
        #expect(secret.source == .made && secret.renewal != nil)
        #expect(try Self.secret("external: true, x-stackup: {rotate: {every: 1h, generate: hex}}").source == .external)
        // Whether it is sealed, only the store knows.
        #expect(try Self.secret("file: /s, x-stackup: {rotate: {every: 1h, generate: hex}}").source == .file("/s"))
    }

    private static let path = "secrets.s.x-stackup"

    @Test(arguments: [
        ("external: true, x-stackup: {rotate: {every: 1h, generat: hex}}", "unknown attribute 'generat'", "did you mean 'generate'?"),
        ("external: true, x-stackup: {rotation: {every: 1h, generate: hex}}", "unknown attribute 'rotation'", "did you mean 'rotate'?"),
        (
            "external: true, x-stackup: {on-secret-change: restart}", "unknown attribute 'on-secret-change'",
            "it is for services and their grants: write it there"
        ),
        ("external: true, x-stackup: 30d", "\(path) must be a mapping", "write `x-stackup: {rotate: {every: 30d, generate: password:32}}`"),
        ("external: true, x-stackup: {rotate: 30d}", "\(path).rotate must be a mapping", "write `rotate: {every: 30d, generate: password:32}`"),
        ("x-stackup: {rotate: 30d}", "\(path).rotate must be a mapping", "write `rotate: {every: 30d, generate: password:32}`"),
        (
            "external: true, x-stackup: {rotate: {generate: hex}}", "\(path).rotate lacks 'every'",
            "for example `rotate: {every: 30d, generate: password:32}`"
        ),
        (
            "external: true, x-stackup: {rotate: {every: 1h}}", "\(path).rotate lacks 'generate' or 'command'",
            "for example `rotate: {every: 30d, generate: password:32}`"
        ),
        (
            "external: true, x-stackup: {rotate: {every: 1h, generate: hex, command: x}}", "generate and command are mutually exclusive",
            "keep one of them"
        ),
        ("external: true, x-stackup: {rotate: {every: 30, generate: hex}}", "\(path).rotate.every must be a duration such as 1h30m", "write it with its unit: 30s"),
        ("external: true, x-stackup: {rotate: {every: '30', generate: hex}}", "\(path).rotate.every must be a duration such as 1h30m", "write it with its unit: 30s"),
        (
            "external: true, x-stackup: {rotate: {every: monthly, generate: hex}}", "\(path).rotate.every must be a duration such as 1h30m",
            "write `every: 30d`; units are s, m, h, d and w"
        ),
        ("external: true, x-stackup: {rotate: {every: 999ms, generate: hex}}", "\(path).rotate.every: 999ms is shorter than 1s", "write `every: 30d`"),
        ("external: true, x-stackup: {rotate: {every: -1h, generate: hex}}", "\(path).rotate.every: -1h is shorter than 1s", "write `every: 30d`"),
        (
            "external: true, x-stackup: {rotate: {every: 3651d, generate: hex}}", "\(path).rotate.every: 3651d is longer than 3650d",
            "leave it out for a value that stays until somebody changes it"
        ),
        ("external: true, x-stackup: {rotate: {every: 1h, generate: ''}}", "\(path).rotate.generate must name a generator", "for example `generate: password:32`"),
        ("external: true, x-stackup: {rotate: {every: 1h, generate: 32}}", "\(path).rotate.generate must name a generator", "for example `generate: password:32`"),
        (
            "external: true, x-stackup: {rotate: {every: 1h, command: [a, 1]}}", "\(path).rotate.command must be a command line or a list of its words",
            "for example `command: ./new-password db`; no shell runs it"
        ),
        (
            "external: true, x-stackup: {rotate: {every: 1h, command: \"a 'b\"}}", "\(path).rotate.command must be a command line or a list of its words",
            "for example `command: ./new-password db`; no shell runs it"
        ),
        (
            "environment: S, x-stackup: {rotate: {every: 1h, generate: hex}}",
            "\(path).rotate and environment are mutually exclusive: each 'up' takes the value from there",
            "remove `environment`: then the first value is made by `rotate`, too"
        ),
        (
            "driver: vault, x-stackup: {rotate: {every: 1h, generate: hex}}",
            "\(path).rotate and driver are mutually exclusive: each 'up' takes the value from there",
            "let the place that the driver asks rotate it, and follow with `refresh: 5m`"
        ),
        (
            "file: ./s, x-stackup: {refresh: 5m}", "\(path).refresh asks a driver for the newest value, and this secret has none",
            "name its `driver`, or have new values made with `rotate: {every: 30d, generate: password:32}`"
        ),
        ("driver: vault, x-stackup: {refresh: 5}", "\(path).refresh must be a duration such as 1h30m", "write it with its unit: 5s"),
        ("driver: vault, x-stackup: {refresh: 0s}", "\(path).refresh: 0s is shorter than 1s", "write `refresh: 5m`"),
        (
            "driver: vault, x-stackup: {refresh: 5m, rotate: {every: 1h, generate: hex}}", "rotate and refresh are mutually exclusive",
            "keep `refresh` where a driver has the value, otherwise `rotate`"
        ),
        (
            "driver: generate, driver_opts: {spec: uuid}, x-stackup: {refresh: 5m}", "\(path).refresh: a generator has no newest value",
            "write `rotate: {every: 5m}`, which has it make another one"
        ),
    ])
    func whatIsWrongIsSaidWithWhatToWrite(secret: String, message: String, remedy: String) {
        let errors = Self.load(secret).diagnostics.filter { $0.severity == .error }
        #expect(errors.map(\.message) == [message])
        #expect(errors.first?.remedy == remedy)
        #expect(errors.first?.location?.line == 2)
    }
}
