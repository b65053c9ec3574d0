import Testing

@testable import Compose

@Suite struct ValidationTests {
    @Test func anUnknownAttributeIsSuggestedANearOne() {
        let result = Fixture(["compose.yaml": "services: {web: {command: x, prots: []}}\nvolums: {}"]).load()
        #expect(result.errors == ["unknown attribute 'prots'", "unknown attribute 'volums'"])
        #expect(result.diagnostics.map(\.remedy) == ["did you mean 'ports'?", "did you mean 'volumes'?"])
        #expect(result.diagnostics.first?.location?.column == 30)
    }

    @Test(arguments: [
        ("services: {web: {command: x, replicas: 2}}", "write it under `deploy`, or write `scale: 2`"),
        ("services: {web: {command: x, volumes: ['d:/data']}}", "a single letter before ':' is read as a drive of Windows: give the volume a longer name, or write {type: volume, source: d, target: /data}"),
        ("secrets: {a: {content: x}}", "configs have it; a secret takes `file` or `environment`, or `external` with 'stackup secret create'"),
    ])
    func whatIsMeantIsTold(text: String, remedy: String) {
        #expect(Fixture(["compose.yaml": text]).load().diagnostics.map(\.remedy) == [remedy])
    }

    @Test(arguments: [
        ("environment: ['A:b', 'U=x:1', '${U:-x}', '-x:y']", "there is no '=', so all of this is a variable's name", "write it as A=VALUE"),
        ("environment: [B=1, C, B=2]", "'B' is in the list already, at line 1: the later one counts", "remove one of the two"),
        ("volumes: ['/a:/x', '/b:/y', {type: tmpfs, target: /x}]", "it is mounted over volumes[0], at line 1, which is dropped: both have the target /x", "give one of them another target, or remove it"),
        ("volumes: ['/a:/x:ro,rx', '/b:/y:cached,z']", "services.a.volumes[0]: unknown option 'rx', which is passed over", "did you mean 'ro'?"),
        ("command: !echo hi", "the tag '!echo' is dropped: only !reset and !override mean something in a Compose file", "if it belongs to the text, put all of it in quotes"),
        ("secrets: [s]", "the variable S is not set", "set it in the environment or in .env before `up`"),
    ])
    func whatComposeTakesWithoutAWordIsWarnedOf(attribute: String, message: String, remedy: String) {
        let text = "services: {a: {image: x, \(attribute)}}\nsecrets: {s: {environment: S}, t: {environment: T}}"
        let found = Fixture(["compose.yaml": text]).load(environment: ["U": "1=", "T": ""]).diagnostics
        let expected = found.filter { $0.message != "no service uses this secret" }
        #expect(expected.map(\.message) == [message] && expected.map(\.remedy) == [remedy])
    }

    @Test(arguments: [
        ("command: echo a && ls", "&&", 1, 17), ("entrypoint: 'ls | wc'", "|", 1, 17), ("command: \"a '|'; b\"", ";", 1, 16),
        ("command: x 2>/dev/null", ">", 1, 13), ("command: >\n  a\n  b >> c", ">>", 3, 5), ("command: &a b & c", "&", 1, 15), ("command: a $X", "<", 1, 10),
        ("command: $X; b; c", "<", 1, 10), ("post_start: [{command: a & b}]", "&", 1, 26),
    ])
    func whatIsLeftOutOfACommandIsWarnedOf(attribute: String, shown: String, line: Int, column: Int) {
        let indented = attribute.split(separator: "\n").joined(separator: "\n    ")
        let found = Fixture(["compose.yaml": "services:\n  a:\n    image: x\n    \(indented)"]).load(environment: ["X": "<b"]).diagnostics
        #expect(found.map(\.message) == ["no shell runs this: what follows '\(shown)' is left out"])
        #expect(found.map { $0.location?.line } == [line + 3] && found.map { $0.location?.column } == [column + 4])
    }

    @Test(arguments: ["command: [sh, -c, 'a && b']", "command: sh -c 'a && b'", "healthcheck: {test: a && b}", "command: echo 'a;b'"])
    func whatIsPassedOnInFullIsNotWarnedOf(attribute: String) {
        #expect(Fixture(["compose.yaml": "services: {a: {image: x, \(attribute)}}"]).load().diagnostics.isEmpty)
    }

    @Test func aFileThatIsReadTwiceHasItsMistakesOnce() {
        let fixture = Fixture([
            "b.yaml": "services: {b: {image: x, environment: [A=1, A=2], command: !x y}}",
            "c.yaml": "services: {a: {image: x, extends: {file: b.yaml, service: b}}}",
        ])
        #expect(fixture.load(files: ["b.yaml", "c.yaml"]).warnings.count == 2)
    }

    @Test func anOverrideIsNoOversight() {
        let file = "services: {a: {image: x, environment: [B=1], volumes: ['/a:/x']}}"
        #expect(Fixture(["compose.yaml": file, "compose.override.yaml": file]).load().diagnostics.isEmpty)
    }

    @Test func whereComposePassesOverUnknownAttributesTheyAreWarnedOf() {
        let result = Fixture([
            "compose.yaml": """
            include: [{path: i.yaml, envfile: x, x-a: 1}]
            services: {a: {image: x, extends: {service: b, fil: q}, gpus: [{cout: 1}], secrets: [s]}, b: {image: y}}
            secrets: {s: {external: {nam: x}}}
            """, "compose.override.yaml": "services: {b: {labels: [a]}}", "i.yaml": "services: {c: {image: x}}",
        ]).load()
        let unknown = result.diagnostics.filter { $0.message.hasPrefix("unknown") }
        #expect(unknown.map(\.attribute) == [
            "include[0].envfile", "services.a.extends.fil", "services.a.gpus[0].cout", "secrets.s.external.nam",
        ])
        #expect(unknown.compactMap(\.remedy) == ["env_file", "file", "count", "name"].map { "did you mean '\($0)'?" })
        #expect(result.project != nil)
    }

    @Test(arguments: [
        ("ports: 80", "services.web.ports must be a list, not a number"), ("ports: ", "services.web.ports must be a list"),
        ("environment: x", "services.web.environment must be a mapping or a list of strings, not a string"),
        ("read_only: 1", "services.web.read_only must be true or false, not a number"), ("image: [x]", "services.web.image must be a string, not a list"),
        ("command: [1]", "services.web.command[0] must be a string, not a number"), ("scale: x", "services.web.scale must be a whole number"),
        ("ulimits: {nofile: {soft: 1}}", "services.web.ulimits.nofile lacks 'hard'"),
        ("environment: {A: [1]}", "services.web.environment.A must be a string, a number, true or false, not a list"),
        ("depends_on: {a: {}}", "services.web.depends_on.a lacks 'condition'"),
        ("secrets: [1]", "services.web.secrets[0] must be a string or a mapping, not a number"),
        ("mem_limit: 1x", "services.web.mem_limit: invalid size '1x'"),
        ("stop_grace_period: '5'", "services.web.stop_grace_period: invalid duration '5'"),
        ("restart: allways", "services.web.restart: unknown policy 'allways'"),
        ("ulimits: {nofle: 1}", "services.web.ulimits.nofle: unknown limit"),
        ("ulimits: {nofile: {soft: 2, hard: 1}}", "services.web.ulimits.nofile: the soft limit is above the hard one"),
        ("scale: -1", "must not be below 0, and is -1"),
        ("extra_hosts: [a]", "services.web.extra_hosts: 'a' has no address"),
        ("x-stackup: {on-secret-change: signal}", "services.web.x-stackup.on-secret-change must be none, restart, or signal with a signal's name"),
        ("x-stackup: {host-filesystem: rw}", "services.web.x-stackup.host-filesystem must be writable or read-only"),
        ("x-stackup: {on-secret-chnge: none}", "unknown attribute 'on-secret-chnge'"),
        ("secrets: [{source: s, x-stackup: {on-secret-change: sometimes}}]", "services.web.secrets[0].x-stackup.on-secret-change must be none, restart, or signal with a signal's name"),
        ("secrets: [{source: s, x-stackup: {on-secret-change: signal SIGHUPP}}]", "services.web.secrets[0].x-stackup.on-secret-change: 'SIGHUPP' is not a signal"),
        ("secrets: [{source: s, x-stackup: restart}]", "services.web.secrets[0].x-stackup must be a mapping"),
        ("secrets: [{source: s, x-stackup: {on-chnge: none}}]", "unknown attribute 'on-chnge'"),
        ("ports: ['1:2:3:x']", "services.web.ports[0]: invalid port '1:2:3:x': invalid container port 'x'"),
        ("environment: ['=x']", "services.web.environment: invalid name ''"),
    ])
    func aWrongValueIsNamedWithItsPath(attribute: String, message: String) {
        #expect(Fixture.errors("services: {web: {build: ., \(attribute)}}").contains(message))
    }

    @Test(arguments: [
        ("user: 1000", "services.web.user must be a string, not a number", "put it in quotes: \"1000\""),
        ("healthcheck: {interval: 30}", "services.web.healthcheck.interval must be a duration such as 1m30s, not a number", "write it with its unit: 30s"),
        ("environment: [A=b, C: d]", "services.web.environment[1] must be a string, not a mapping", "write it as in the rest of the list: - C=d"),
        ("environment: {A: {B: c}}", "services.web.environment.A must be a string, a number, true or false, not a mapping", "write each on its own, for example A_B: c"),
        ("ports: {a: 80}", "services.web.ports must be a list, not a mapping", "start each entry with '- ': - a:80"),
        ("cap_add: ALL", "services.web.cap_add must be a list, not a string", "write it as a list: [\"ALL\"]"),
        ("healthcheck: true", "services.web.healthcheck must be a mapping, not a boolean", nil),
        ("healthcheck: curl x", "services.web.healthcheck must be a mapping, not a string", "write `test: curl x` on the line below, indented"),
        ("volumes_from: [a, a]", "services.web.volumes_from[1] repeats 'a', the entry at line 1", "remove one of the two"),
        ("cpu_percent: 101", "services.web.cpu_percent must be from 0 to 100, not 101", nil),
        ("pull_policy: evry_12h", "services.web.pull_policy must be one of always, never, build, if_not_present, missing, refresh, daily, weekly, or every_ with a time such as every_12h", nil),
        ("x-stackup: {on-secret-change: SIGHUP}", "services.web.x-stackup.on-secret-change must be none, restart, or signal with a signal's name", "write `signal SIGHUP`"),
        ("x-stackup: {on-secret-change: restrat}", "services.web.x-stackup.on-secret-change must be none, restart, or signal with a signal's name", "did you mean 'restart'?"),
        ("x-stackup: {on-secret-change: signal HUPP}", "services.web.x-stackup.on-secret-change: 'HUPP' is not a signal", "did you mean 'HUP'?"),
        ("secrets: [{source: s, x-stackup: {on-secret-chnge: none}}]", "unknown attribute 'on-secret-chnge'", "did you mean 'on-secret-change'?"),
        ("secrets: [{source: s, x-stackup: {host-filesystem: writable}}]", "unknown attribute 'host-filesystem'", "it is for the service as a whole: write it there"),
        ("networks: {}, include: []", "unknown attribute 'include'", "'include' belongs to the top level: indent it less"),
        ("deploy: {image: x}", "unknown attribute 'image'", "'image' is an attribute of a service: indent it less"),
    ])
    func theRemedySaysWhatToWrite(attribute: String, message: String, remedy: String?) {
        let result = Fixture(["compose.yaml": "services: {web: {build: ., \(attribute)}}"]).load()
        #expect(result.diagnostics.contains { $0.message == message && $0.remedy == remedy })
    }

    @Test func whatIsNotThereOrStartsBelowIsPointedAtByItsKey() {
        let result = Fixture(["compose.yaml": "services:\n  web:\n    image: x\n    ports:\n    command:\n      a: b\n"]).load()
        #expect(result.diagnostics.map { "\($0.location?.line ?? 0):\($0.location?.column ?? 0)" } == ["4:5", "5:5"])
    }

    @Test func aMistakeIsReportedOnceAndWhatFollowsFromItNotAtAll() {
        let text = "services:\n  web:\n    image: x\n    environment: [[A]]\n    read_only: maybe\n    ports: ['80']\n"
        let result = Fixture(["compose.yaml": text, "compose.override.yaml": "services: {web: {labels: {a: b}}}"]).load()
        #expect(result.diagnostics.map(\.attribute) == ["services.web.environment[0]", "services.web.read_only"])
        #expect(Fixture.errors("services: {web: {comand: x}}").count == 1 && Fixture.errors("services: {web: {image: [x]}}").count == 1)
    }

    @Test func anInvalidNameIsAnError() {
        #expect(Fixture.errors("services: {'a b': {command: x}}").first == "invalid name 'a b'")
    }

    @Test func anAttributeWithoutEffectIsWarnedOfWhereAnEnabledServiceHasIt() {
        let text = "services: {a: {command: x, ports: ['80'], privileged: false}, b: {command: x, cpu_count: 1}, c: {command: x, isolation: hyperv, profiles: [p]}}"
        #expect(Fixture(["compose.yaml": text]).load().warnings == [
            "services.a.ports has no effect yet: services share the host's network",
            "services.b.cpu_count has no effect yet: it is for Windows",
        ])
    }

    @Test func attributesWithoutEffectAreWarnedOfOnceWithThoseThatHaveThem() {
        let text = """
            services:
              z: {image: x, ports: ['80']}
              off: {image: x, ports: ['80'], profiles: [p]}
              b: {image: x, ports: ['80'], volumes: [{type: npipe, source: a, target: /a}, {type: npipe, source: b, target: /b}]}
              c: {image: x, ports: ['80'], mac_address: '00:00:00:00:00:01'}
              d: {image: x, ports: ['80']}
            """
        let found = Fixture(["compose.yaml": text]).load().diagnostics
        #expect(found.map(\.message) == [
            "services.*.ports has no effect yet in 4 services (z, b, c, …): services share the host's network",
            "services.*.volumes[] has no effect yet in 2 places of services.b: there are no volumes of type npipe",
            "services.c.mac_address has no effect yet: services share the host's network",
        ])
        #expect(found.first?.attribute == "services.*.ports" && found.first?.location?.line == 2)
    }

    @Test(arguments: [
        ("deploy: {mode: replicated}", true), ("deploy: {mode: global}", false), ("healthcheck: {test: x}", true),
        ("healthcheck: {interval: 1s}", true), ("isolation: default", true),
        ("attach: true", true), ("attach: false", false), ("privileged: false", true), ("tty: true", false),
        ("logging: {driver: json-file, options: {max-size: 1m}}", true), ("logging: {driver: gelf}", false),
        ("security_opt: ['no-new-privileges:true', 'apparmor:unconfined']", true), ("security_opt: ['no-new-privileges:false']", false),
        ("network_mode: host", true), ("network_mode: bridge", false), ("mem_limit: 64m", true), ("sysctls: {net.ipv4.ip_forward: 1}", false),
    ])
    func whatIsSoAnywayIsNotWarnedOf(attribute: String, isSo: Bool) {
        #expect(Fixture(["compose.yaml": "services: {a: {image: x, \(attribute)}}"]).load().diagnostics.isEmpty == isSo)
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
        #expect(result.diagnostics.contains { $0.remedy == "did you mean 'password'? otherwise declare it under the top-level `secrets`" })
    }

    @Test func anUnusedSecretIsAWarning() {
        let result = Fixture(["compose.yaml": "services: {a: {command: x}}\nsecrets: {s: {environment: S}}"]).load()
        #expect(result.warnings == ["no service uses this secret"] && result.project != nil)
    }

    @Test func aMissingFileIsAWarning() {
        let fixture = Fixture(["there": "x", "compose.yaml": "services: {a: {command: x, secrets: [s, t]}}\nsecrets: {s: {file: ./not}, t: {file: ./there}}"])
        #expect(fixture.load().warnings == ["the file not does not exist"])
    }

    @Test(arguments: [
        ("{}", "one of file, environment, driver or external must be set"),
        ("{file: a, environment: b}", "file and environment are mutually exclusive"),
        ("{environment: ''}", "empty"),
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

    @Test(arguments: [
        ("image: x, network_mode: host, networks: [default]", "services.a.network_mode"),
        ("build: {dockerfile: a, dockerfile_inline: b}", "services.a.build.dockerfile_inline"),
        ("build: {platforms: [linux/arm64]}, platform: linux/amd64", "services.a.platform"),
        ("build: {additional_contexts: {c: 'service:b'}}", "services.a.build.additional_contexts.c"),
        ("build: {additional_contexts: {c: 'service:none'}}", "services.a.build.additional_contexts.c"),
        ("image: x, healthcheck: {test: [curl]}", "services.a.healthcheck.test[0]"),
        ("image: x, scale: 2, deploy: {replicas: 3}", "services.a.deploy.replicas"),
        ("image: x, scale: 2, container_name: aa", "services.a.container_name"),
        ("image: x, container_name: bb", "services.b.container_name"),
        ("image: x, cpus: 1, deploy: {resources: {limits: {cpus: '2'}}}", "services.a.cpus"),
        ("image: x, mem_limit: 1m, deploy: {resources: {limits: {pids: 2}}}", "services.a.mem_limit"),
        ("image: x, develop: {watch: [{path: p, action: sync}]}", "services.a.develop.watch[0]"),
        ("image: x, tmpfs: [/t, '/t:size=1m']", "services.a.tmpfs[1]"),
        ("image: x, ports: [{target: 80, host_ip: localhost}]", "services.a.ports[0].host_ip"),
        ("image: x, gpus: [{count: 1, device_ids: [a]}]", "services.a.gpus[0].count"),
        ("image: x, network_mode: 'service:none'", "services.a.network_mode"),
        ("image: x, links: ['none:n']", "services.a.links[0]"), ("image: x, volumes_from: [none]", "services.a.volumes_from[0]"),
        ("image: x, depends_on: [none]", "services.a.depends_on.none"), ("image: x, models: [m]", "services.a.models.m"),
        ("build: {secrets: [s]}", "services.a.build.secrets[0]"),
    ])
    func whatContradictsItselfIsRefusedWhereItStands(attributes: String, place: String) {
        let result = Fixture(["compose.yaml": "services: {a: {\(attributes)}, b: {image: x, container_name: bb}}"]).load()
        #expect(result.diagnostics.filter { $0.severity == .error }.map(\.attribute) == [place])
    }

    @Test func anExternalVolumeHasNothingButAName() {
        let errors = Fixture.errors("services: {a: {image: x}}\nvolumes: {v: {external: true, name: n, driver: d}}")
        #expect(errors == ["'external' and 'driver' are mutually exclusive: whoever made the volume chose its driver"])
    }

    @Test func anOverrideMayReplaceAGrant() {
        let fixture = Fixture([
            "compose.yaml": "services: {a: {command: x, secrets: [{source: s, target: x}]}}\nsecrets: {s: {environment: S}, t: {environment: T}}",
            "compose.override.yaml": "services: {a: {secrets: [{source: t, target: x}]}}",
        ])
        #expect(fixture.load().project?.stack.services.first?.secrets.map(\.secret) == ["t"])
    }

    @Test func aLongChainOfDependenciesIsNoCycle() {
        let links = (0..<5000).map { "  s\($0): {command: x, depends_on: [s\($0 + 1)]}\n" }.joined()
        #expect(Fixture.errors("services:\n" + links + "  s5000: {command: x}\n") == [])
    }

    @Test func aServiceWithNothingToRunIsAnError() {
        #expect(Fixture.errors("services: {a: {command: }}").count == 1)
        #expect(Fixture.errors("services: {a: {hostname: x}}") == ["service \"a\" has neither an image, a build nor a command: there is nothing to run"])
    }

    @Test func aConditionIsPartOfTheModel() {
        let result = Fixture(["compose.yaml": "services: {a: {command: x, depends_on: {b: {condition: service_healthy}}}, b: {command: x}}"]).load()
        #expect(result.warnings == [])
        #expect(result.project?.stack.service("a")?.dependsOn == [Dependency("b", condition: .healthy)])
    }

    @Test func aHealthCheckThatNothingCouldRunIsWarnedOf() {
        let result = Fixture(["compose.yaml": "services: {a: {command: x, healthcheck: {interval: 1s}}}"]).load()
        #expect(result.warnings == ["services.a.healthcheck has no effect yet: it has no `test`, and there is no image that could have one"])
        #expect(result.project?.stack.service("a")?.healthCheck == nil)
    }
}
