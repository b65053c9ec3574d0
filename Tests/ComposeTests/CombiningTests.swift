import JSON
import Testing

@testable import Compose

@Suite struct MergeTests {
    private func merged(_ base: String, _ over: String) -> LoadResult {
        Fixture([
            "a.yaml": "services: {web: {domainname: x, \(base)}}", "b.yaml": "services: {web: {\(over)}}", "c.yaml": "services: {web: {build: {target: t}}}",
        ]).load(files: ["a.yaml", "b.yaml", "c.yaml"], name: "p")
    }

    private func document(_ base: String, _ over: String, _ attribute: String) throws -> String {
        let result = merged(base, over)
        #expect(result.errors == [])
        guard case .object(let top)? = result.project?.document,
            case .object(let services)? = top.first(where: { $0.name == "services" })?.value,
            case .object(let web)? = services.first?.value
        else { return "" }
        return web.first { $0.name == attribute }?.value.serialized() ?? "none"
    }

    @Test(arguments: [
        ("labels: {a: 1, b: 2}", "labels: [b=3]", "labels", #"{"a":"1","b":"3"}"#),
        ("environment: [A=1]", "environment: {A: , B: 2}", "environment", #"{"A":null,"B":"2"}"#),
        ("dns: 1.1.1.1", "dns: [2.2.2.2, 1.1.1.1]", "dns", #"["1.1.1.1","2.2.2.2"]"#),
        ("command: a b", "command: [c]", "command", #"["c"]"#),
        ("entrypoint: a", "entrypoint: b", "entrypoint", #"["b"]"#),
        ("cap_add: [CHOWN]", "cap_add: [KILL, CHOWN]", "cap_add", #"["CHOWN","KILL"]"#),
        ("expose: [1]", "expose: ['1', 2]", "expose", #"["1","2"]"#),
        ("extra_hosts: {h: 1.1.1.1}", "extra_hosts: ['h:2.2.2.2']", "extra_hosts", #"["h=1.1.1.1","h=2.2.2.2"]"#),
        ("dns: [1.1.1.1]", "dns: !reset []", "dns", "none"),
        ("dns: [1.1.1.1]", "dns: !override [2.2.2.2]", "dns", #"["2.2.2.2"]"#),
        ("dns: [1.1.1.1]", "dns: ", "dns", #"["1.1.1.1"]"#),
        ("x-a: {b: [1]}", "x-a: {b: [2], c: 3}", "x-a", #"{"b":[1,2],"c":3}"#),
        ("build: ctx", "build: {target: t}, image: i", "image", #""i""#),
        ("healthcheck: {test: a, retries: 1}", "healthcheck: {test: [NONE]}", "healthcheck", #"{"test":["NONE"],"retries":1}"#),
        ("logging: {driver: local, options: {max-size: 1m}}", "logging: {driver: json-file}", "logging", #"{"driver":"json-file"}"#),
        ("ulimits: {nofile: 1}", "ulimits: {nofile: {soft: 2, hard: 3}}", "ulimits", #"{"nofile":{"soft":2,"hard":3}}"#),
        ("ports: ['80:80']", "ports: ['80:80', {target: 80, published: '81'}]", "ports",
            #"[{"mode":"ingress","target":80,"published":"80","protocol":"tcp"},{"mode":"ingress","target":80,"published":"81","protocol":"tcp"}]"#),
    ])
    func anAttributeFollowsItsRule(base: String, over: String, attribute: String, expected: String) throws {
        #expect(try document(base, over, attribute) == expected)
    }

    @Test func aMountIsReplacedByItsTarget() throws {
        let result = merged("volumes: ['/a:/d', '/b:/e']", "volumes: ['/c:/d:ro']")
        #expect(result.project?.stack.services.first?.mounts == [
            .bind(source: "/c", target: "/d", readOnly: true, createHostPath: true),
            .bind(source: "/b", target: "/e", readOnly: false, createHostPath: true),
        ])
    }

    @Test func aSecretIsReplacedByItsTarget() throws {
        let result = Fixture([
            "a.yaml": "services: {web: {command: x, secrets: [s]}}\nsecrets: {s: {environment: S}}",
            "b.yaml": "services: {web: {secrets: [{source: s, target: /run/secrets/s, mode: 0400}]}}",
        ]).load(files: ["a.yaml", "b.yaml"])
        #expect(result.project?.stack.services.first?.secrets.map(\.mode) == [0o400])
    }

    @Test func formsThatCannotBeMergedNameBothPlaces() {
        let result = merged("ports: ['80:80']", "ports: {a: b}")
        #expect(result.errors.first?.hasPrefix("cannot override services.web.ports: it is a list in a.yaml, line 1") == true)
    }

    @Test func theDocumentsOfOneStreamAreMerged() {
        let result = Fixture(["compose.yaml": "services: {a: {command: x}}\n---\nservices: {b: {command: y}}"]).load()
        #expect(result.project?.stack.services.map(\.name) == ["a", "b"])
    }
}

@Suite struct ExtendsTests {
    @Test func aChainThroughAnotherFileKeepsItsPaths() throws {
        let fixture = Fixture([
            "compose.yaml": "services: {web: {extends: {file: sub/base.yaml, service: mid}, environment: [B=web]}}",
            "sub/base.yaml": "services: {low: {command: run, volumes: ['./d:/d'], environment: {A: low, B: low}}, mid: {extends: low, hostname: m}}",
        ])
        let web = try #require(fixture.load().project?.stack.services.first)
        #expect(web.command == ["run"] && web.hostname == "m" && web.environment == ["A": "low", "B": "web"])
        #expect(web.mounts.first == .bind(source: fixture.directory + "/sub/d", target: "/d", readOnly: false, createHostPath: true))
    }

    @Test func aCycleIsShown() {
        let errors = Fixture.errors("services: {a: {extends: b}, b: {extends: {service: c}}, c: {extends: a}}")
        #expect(errors.first == "services.c extends itself: a extends b extends c extends a")
    }

    @Test func aLongChainIsRefused() {
        let links = (0..<2000).map { "  s\($0): {extends: s\($0 + 1)}\n" }.joined()
        #expect(Fixture.errors("services:\n" + links + "  s2000: {command: x}\n").first?.contains("longer than the 64") == true)
    }

    @Test func whatIsMissingIsNamed() {
        let result = Fixture(["compose.yaml": "services: {web: {extends: bsae}, base: {command: x}}"]).load()
        #expect(result.diagnostics.first?.remedy == "did you mean 'base'?")
        #expect(Fixture.errors("services: {a: {extends: {file: no.yaml, service: b}}}") == ["cannot read no.yaml: no such file or directory"])
    }

    @Test func aResetRemovesWhatIsInherited() throws {
        let text = "services: {a: {command: x, user: u, dns: [a]}, b: {extends: a, user: !reset null, dns: !override [c]}}"
        let result = Fixture(["compose.yaml": text]).load()
        #expect(result.project?.stack.service("b")?.user == nil && result.project?.stack.service("a")?.user == "u")
    }
}

@Suite struct IncludeTests {
    @Test func anIncludedProjectHasItsOwnPathsAndVariables() throws {
        let fixture = Fixture([
            "compose.yaml": "include: [sub/compose.yaml, {path: [o/a.yaml, o/b.yaml], env_file: o/v.env, project_directory: .}]\nservices: {web: {command: x}}",
            "sub/compose.yaml": "services: {db: {command: \"$V\", volumes: ['./d:/d']}}", "sub/.env": "V=sub",
            "o/a.yaml": "services: {o: {command: \"$V\", volumes: ['./d:/d']}}", "o/b.yaml": "services: {o: {hostname: h}}",
            "o/v.env": "V=o",
        ])
        let stack = try #require(fixture.load().project?.stack)
        #expect(stack.services.map(\.name) == ["db", "o", "web"])
        #expect(stack.service("db")?.command == ["sub"] && stack.service("o")?.command == ["o"])
        #expect(stack.service("o")?.hostname == "h")
        #expect(stack.service("db")?.mounts == [.bind(source: fixture.directory + "/sub/d", target: "/d", readOnly: false, createHostPath: true)])
        #expect(stack.service("o")?.mounts == [.bind(source: fixture.directory + "/d", target: "/d", readOnly: false, createHostPath: true)])
    }

    @Test func aCycleIsShown() {
        let fixture = Fixture([
            "compose.yaml": "include: [b.yaml]\nservices: {a: {command: x}}", "b.yaml": "include: [compose.yaml]\nservices: {}",
        ])
        #expect(fixture.load().errors == ["include cycle: compose.yaml includes b.yaml includes compose.yaml"])
    }

    @Test func aConflictIsAnErrorAndTheSameTwiceIsNot() {
        let fixture = Fixture([
            "compose.yaml": "include: [b.yaml, c.yaml]\nservices: {a: {command: x}}", "b.yaml": "include: [d.yaml]\nservices: {b: {command: x}}",
            "c.yaml": "include: [d.yaml]\nservices: {a: {command: y}}", "d.yaml": "services: {d: {command: x}}",
        ])
        #expect(fixture.load().errors == ["services.a conflicts with the one included from c.yaml, line 2"])
    }

    @Test func whatIsWrongInAnIncludedFileIsReportedThere() {
        let fixture = Fixture(["compose.yaml": "include: [b.yaml]", "b.yaml": "service: {}\nservices: {a: {command: x}}"])
        #expect(fixture.load().diagnostics.map { $0.location?.file } == ["b.yaml"])
    }
}

@Suite struct ProfilesTests {
    private let text = """
        services:
          web: {command: x, depends_on: {db: {condition: service_started, required: false}}}
          db: {command: x, profiles: [data], depends_on: [disk]}
          disk: {command: x, profiles: [data]}
          tool: {command: x, profiles: [tools]}
        """

    private func names(profiles: [String] = [], services: [String] = [], environment: [String: String] = [:]) -> [String]? {
        Fixture(["compose.yaml": text]).load(profiles: profiles, services: services, environment: environment)
            .project?.stack.services.map(\.name)
    }

    @Test func onlyActiveProfilesTakePart() {
        #expect(names() == ["web"])
        #expect(names(profiles: ["data"]) == ["db", "disk", "web"])
        #expect(names(profiles: ["*"]) == ["db", "disk", "tool", "web"])
        #expect(names(environment: ["COMPOSE_PROFILES": "tools, x"]) == ["tool", "web"])
    }

    @Test func aNamedServiceEnablesItsProfileAndBringsItsDependencies() {
        #expect(names(services: ["db"]) == ["db", "disk"])
        #expect(names(services: ["tool"]) == ["tool"])
    }

    @Test func theOthersAreListedAsDisabled() {
        let stack = Fixture(["compose.yaml": text]).load(services: ["tool"]).project?.stack
        #expect(stack?.disabledServices == ["db", "disk", "web"] && stack?.profiles == ["data", "tools"])
    }

    @Test func anUnknownServiceIsSuggestedANearOne() {
        let result = Fixture(["compose.yaml": text]).load(services: ["wbe"])
        #expect(result.errors == ["no such service: wbe"] && result.diagnostics.first?.remedy == "did you mean 'web'?")
    }

    @Test func aNeededServiceWithoutItsProfileIsAnError() {
        let result = Fixture(["compose.yaml": "services: {a: {command: x, depends_on: [b]}, b: {command: x, profiles: [p]}}"]).load()
        #expect(result.errors.count == 1 && result.diagnostics.first?.remedy == "add --profile p, or `required: false` to do without it")
    }
}
