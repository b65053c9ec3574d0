import Testing

@testable import Compose

@Suite struct ValidationTests {
    @Test func anUnknownAttributeIsSuggestedANearOne() {
        let result = Fixture(["compose.yaml": "services: {web: {command: x, prots: []}}\nvolums: {}"]).load()
        #expect(result.errors == ["unknown attribute 'prots' in services.web", "unknown attribute 'volums'"])
        #expect(result.diagnostics.map(\.remedy) == ["did you mean 'ports'?", "did you mean 'volumes'?"])
        #expect(result.diagnostics.first?.location?.column == 30)
    }

    @Test(arguments: [
        ("ports: 80", "services.web.ports must be a list"), ("ports: ", "services.web.ports must be a list"),
        ("environment: x", "services.web.environment must be a mapping or a list of strings"),
        ("read_only: 1", "services.web.read_only must be a boolean"), ("image: [x]", "services.web.image must be a string"),
        ("command: [1]", "services.web.command[0] must be a string"), ("scale: x", "services.web.scale must be a whole number"),
        ("ulimits: {nofile: {soft: 1}}", "services.web.ulimits.nofile lacks 'hard'"),
        ("environment: {A: [1]}", "services.web.environment.A must be a string, a number or a boolean"),
        ("depends_on: {a: {}}", "services.web.depends_on.a lacks 'condition'"),
        ("secrets: [1]", "services.web.secrets[0] must be a string or a mapping"),
        ("mem_limit: 1x", "services.web.mem_limit: invalid size '1x'"),
        ("stop_grace_period: '5'", "services.web.stop_grace_period: invalid duration '5'"),
        ("restart: allways", "services.web.restart: unknown policy 'allways'"),
        ("ulimits: {nofle: 1}", "services.web.ulimits.nofle: unknown limit"),
        ("ulimits: {nofile: {soft: 2, hard: 1}}", "services.web.ulimits.nofile: the soft limit is above the hard one"),
        ("scale: -1", "services.web: replicas must be from 0 to 10000, not -1"),
        ("extra_hosts: [a]", "services.web.extra_hosts: 'a' has no address"),
        ("x-stackup: {on-secret-change: signal}", "services.web.x-stackup.on-secret-change must be none, restart, or signal with a signal's name"),
        ("x-stackup: {host-filesystem: rw}", "services.web.x-stackup.host-filesystem must be writable or read-only"),
        ("x-stackup: {on-secret-chnge: none}", "unknown attribute 'on-secret-chnge' in services.web.x-stackup"),
        ("ports: ['1:2:3:x']", "services.web.ports[0]: invalid port '1:2:3:x': invalid container port 'x'"),
        ("environment: ['=x']", "services.web.environment: invalid name ''"),
    ])
    func aWrongValueIsNamedWithItsPath(attribute: String, message: String) {
        #expect(Fixture.errors("services: {web: {build: ., \(attribute)}}").contains(message))
    }

    @Test func anInvalidNameIsAnError() {
        #expect(Fixture.errors("services: {'a b': {command: x}}").first == "invalid name 'a b' in services")
    }

    @Test func anAttributeWithoutEffectIsWarnedOfOnceForEachService() {
        let text = "services: {a: {command: x, ports: ['80'], privileged: false}, b: {command: x, mem_limit: 1m}, c: {command: x, cpus: 1, profiles: [p]}}"
        #expect(Fixture(["compose.yaml": text]).load().warnings == [
            "services.a.ports has no effect yet: services share the host's network",
            "services.b.mem_limit has no effect yet: services have no cgroup of their own",
        ])
    }

    @Test func theHostsNetworkAndImagesGiveNoWarning() {
        let text = "services: {a: {image: i, build: ., network_mode: host, init: true}}"
        #expect(Fixture(["compose.yaml": text]).load().diagnostics.isEmpty)
    }

    @Test func versionIsWarnedOfInComposesWords() {
        let result = Fixture(["compose.yaml": "version: '3'\nservices: {a: {command: x}}"]).load()
        #expect(result.warnings == ["the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion"])
    }

    @Test func everyAttributeHasAState() {
        let states = attributeStates()
        #expect(states.count > 300 && Set(states.map(\.path)).count == states.count)
        #expect(states.contains { $0.path == "services.*.secrets[].mode" && $0.state == .supported })
        #expect(states.contains { $0.path == "services.*.ports[].target" && $0.state != .supported })
    }
}

@Suite struct ReferencesTests {
    @Test func whatIsNotDeclaredIsSuggestedOrExplained() {
        let result = Fixture([
            "compose.yaml": "services: {a: {command: x, secrets: [pasword], configs: [c], volumes: ['data:/d'], networks: [n], depends_on: [bb]}, b: {command: x}}\nsecrets: {password: {environment: P}}"
        ]).load()
        #expect(Set(result.errors) == [
            "service \"a\" refers to undefined secret pasword", "service \"a\" refers to undefined config c",
            "service \"a\" refers to undefined volume data", "service \"a\" refers to undefined network n",
            "service \"a\" depends on undefined service \"bb\"",
        ])
        #expect(result.diagnostics.contains { $0.remedy == "did you mean 'password'?" })
    }

    @Test func anUnusedSecretIsAWarning() {
        let result = Fixture(["compose.yaml": "services: {a: {command: x}}\nsecrets: {s: {environment: S}}"]).load()
        #expect(result.warnings == ["secret \"s\" is declared, and no service uses it"] && result.project != nil)
    }

    @Test func aMissingFileIsAWarning() {
        let fixture = Fixture(["there": "x", "compose.yaml": "services: {a: {command: x, secrets: [s, t]}}\nsecrets: {s: {file: ./not}, t: {file: ./there}}"])
        #expect(fixture.load().warnings == ["secrets.s: the file not does not exist"])
    }

    @Test(arguments: [
        ("{}", "one of file, environment, driver or external must be set"),
        ("{file: a, environment: b}", "file and environment are mutually exclusive"),
        ("{file: a, external: true}", "file and external are mutually exclusive"), ("{file: ''}", ".file is empty"),
        ("{file: a, name: 'b/c'}", "invalid name 'b/c'"),
    ])
    func aSecretHasOneSource(declaration: String, message: String) {
        let errors = Fixture.errors("services: {a: {command: x, secrets: [s]}}\nsecrets: {s: \(declaration)}")
        #expect(errors.count == 1 && errors.first?.contains(message) == true)
    }

    @Test(arguments: [
        "{source: s, target: ../x}", "{source: s, target: /a/../b}", "{source: s, target: \"a\\0b\"}", "{source: s, target: a/}",
        // With an accent on a slash: that is another character for Swift, but still a slash for the kernel.
        "{source: s, target: x/../\u{301}y}",
        "{source: s, target: ''}", "{source: s, target: .}", "{source: s, uid: root}", "{source: s, gid: '4294967295'}", "{target: x}",
        "{source: s, mode: 99999}", "{source: s, mode: 'rw'}",
    ])
    func aGrantThatCannotBeMeantIsRefused(grant: String) {
        #expect(Fixture.errors("services: {a: {command: x, secrets: [\(grant)]}}\nsecrets: {s: {environment: S}}").count == 1)
    }

    @Test(arguments: [
        "secrets: [s, {source: s, target: s}]", "secrets: [s, {source: s, target: ./s}]",
        "secrets: [{source: s, target: /c}], configs: [c]", "volumes: ['/a:/d', {type: bind, source: /b, target: /d/}]", "volumes: ['/a:/d'], tmpfs: /d",
        "secrets: [{source: s, target: /d}], tmpfs: [/d]",
    ])
    func twoThingsAtOnePlaceAreAnError(attributes: String) {
        let text = "services: {a: {command: x, \(attributes)}}\nsecrets: {s: {environment: S}}\nconfigs: {c: {content: x}}"
        let errors = Fixture.errors(text)
        #expect(errors.count == 1 && errors.first?.contains("has the target") == true)
    }

    @Test func aCycleOfDependenciesIsShown() {
        #expect(Fixture.errors("services: {a: {command: x, depends_on: [b]}, b: {command: x, depends_on: [c]}, c: {command: x, depends_on: [b]}}")
            == ["dependency cycle detected: b -> c -> b"])
        #expect(Fixture.errors("services: {a: {command: x, depends_on: [a]}}") == ["dependency cycle detected: a -> a"])
    }

    @Test func aLongChainOfDependenciesIsNoCycle() {
        let links = (0..<5000).map { "  s\($0): {command: x, depends_on: [s\($0 + 1)]}\n" }.joined()
        #expect(Fixture.errors("services:\n" + links + "  s5000: {command: x}\n") == [])
    }

    @Test func aServiceWithNothingToRunIsAnError() {
        #expect(Fixture.errors("services: {a: {hostname: x}}") == ["service \"a\" has no command to run"])
    }

    @Test func conditionsThatAreNotWaitedForAreWarnedOf() {
        let result = Fixture(["compose.yaml": "services: {a: {command: x, depends_on: {b: {condition: service_healthy}}}, b: {command: x}}"]).load()
        #expect(result.warnings.first?.contains("service_healthy is treated as service_started for now") == true)
        #expect(result.project?.stack.service("a")?.dependsOn == [Dependency("b", condition: .healthy)])
    }
}
