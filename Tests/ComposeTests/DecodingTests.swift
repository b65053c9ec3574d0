import Testing

@testable import Compose

@Suite struct DecodingTests {
    @Test func theDefaultsAreComposes() throws {
        let service = try Fixture.service("services: {web: {command: 'run it'}}")
        #expect(service.command == ["run", "it"] && service.entrypoint == nil)
        #expect(service.restart == .no && service.stopSignal == "SIGTERM" && service.stopGracePeriod == .seconds(10))
        #expect(service.replicas == 1 && !service.readOnly && service.onSecretChange == .none)
        #expect(service.location?.line == 1 && service.imageLocation == nil)
    }

    @Test func everyAttributeOfTheModelIsDecoded() throws {
        let service = try Fixture.service("""
            services:
              web:
                image: nginx
                entrypoint: ["/e", "a b"]
                command: []
                environment: {N: 1, F: 1.50, B: true, S: "yes", E: "", NONE: }
                working_dir: /w
                user: "1000"
                hostname: h
                restart: on-failure:3
                stop_signal: SIGINT
                stop_grace_period: 1m30s
                read_only: "true"
                cap_add: [NET_ADMIN]
                cap_drop: [ALL]
                ulimits: {nofile: {soft: 10, hard: 20}, core: -1}
                labels: [a=b, c]
                scale: 3
                extra_hosts: ["b=::1", "a:1.2.3.4", "c:::2"]
                x-stackup: {on-secret-change: signal SIGHUP, host-filesystem: writable}
            """)
        #expect(service.image == "nginx" && service.imageLocation?.line == 3)
        #expect(service.entrypoint == ["/e", "a b"] && service.command == [])
        #expect(service.environment == ["N": "1", "F": "1.5", "B": "true", "S": "yes", "E": ""])
        #expect(service.workingDirectory == "/w" && service.user == "1000" && service.hostname == "h")
        #expect(service.restart == .onFailure(maximumRetries: 3) && service.stopSignal == "SIGINT")
        #expect(service.stopGracePeriod == .seconds(90) && service.readOnly && service.replicas == 3)
        #expect(service.capAdd == ["NET_ADMIN"] && service.capDrop == ["ALL"])
        #expect(service.ulimits == [Ulimit(name: "core", soft: -1, hard: -1), Ulimit(name: "nofile", soft: 10, hard: 20)])
        #expect(service.labels == ["a": "b", "c": ""])
        #expect(service.extraHosts.map(\.address) == ["1.2.3.4", "::1", "::2"])
        #expect(service.onSecretChange == .signal("SIGHUP") && service.hostFilesystemWritable)
    }

    @Test func anAttributesPlaceIsThatOfItsValue() throws {
        let service = try Fixture.service("""
            services:
              web:
                command: run it
                user: "1000"
                devices:
                - /dev/null
                deploy: {resources: {limits: {cpus: 1}}}
            """)
        func line(_ path: String) -> Int? { service.location(of: path)?.line }
        #expect(line("user") == 4 && service.location(of: "user")?.column == 11)
        #expect(line("devices") == 6 && line("deploy.resources.limits.cpus") == 7)
        // Of what is not there, what it would be a part of.
        #expect(service.location(of: "deploy.resources.reservations") == service.location(of: "deploy.resources"))
        #expect(service.location(of: "privileged") == service.location && service.location(of: "") == service.location)
        var other = service
        other.places = AttributePlaces()
        #expect(other == service && other.location(of: "user") == service.location)
    }

    @Test func aPlaceIsFoundInListsUnderNamesWithDotsAndUnderDeploy() throws {
        let service = try Fixture.service("""
            services:
              web:
                command: run it
                pids_limit: 10
                group_add: [audio,
                  video]
                volumes:
                - /srv:/a
                - /srv:/b:ro
                sysctls:
                  kernel.msgmax: 10
                  kernel.sem: 11
                deploy: {resources: {limits: {cpus: 1, pids: 10}}}
            """)
        func place(_ path: String) -> String { service.location(of: path).map { "\($0.line):\($0.column)" } ?? "" }
        let video = service.places.item(of: "group_add") { $0.string == "video" }
        #expect(video == "group_add[1]" && place(video) == "6:7")
        #expect(service.places.item(of: "group_add") { $0.string == "none" } == "group_add" && service.places.item(of: "cap_add") { _ in true } == "cap_add")
        #expect(place("volumes[1].target") == place("volumes[1]") && place("volumes[1]") == "9:7" && place("volumes[2]") == place("volumes"))
        #expect(place("sysctls.kernel.sem") == "12:19" && place("sysctls.kernel.none") == place("sysctls"))
        #expect(["cpus", "mem_limit", "pids_limit"].map(service.places.name) == ["deploy.resources.limits.cpus", "mem_limit", "deploy.resources.limits.pids"])
    }

    @Test func aGrantsReactionComesBeforeTheServices() throws {
        let service = try Fixture.service("""
            services:
              web:
                command: x
                secrets: [a, {source: b, x-stackup: {on-secret-change: signal USR1}}, {source: c, x-stackup: {on-secret-change: none}}]
                x-stackup: {on-secret-change: restart}
            secrets: {a: {environment: A}, b: {environment: A}, c: {environment: A}}
            """)
        #expect(service.secrets.map(\.onSecretChange) == [nil, .signal("USR1"), SecretChangeReaction.none])
        #expect(service.secrets.map(service.reaction) == [.restart, .signal("USR1"), .none])
    }

    @Test func aReactionIsReadAsItIsWritten() {
        for text in ["none", "restart", "signal SIGHUP"] { #expect(SecretChangeReaction(text)?.description == text) }
        for text in ["", "None", "signal", "signal SIGHUP SIGUSR1", "restart now", "none none"] { #expect(SecretChangeReaction(text) == nil) }
    }

    @Test func grantsHaveTheirDefaultsAndTheirOwn() throws {
        let service = try Fixture.service("""
            services:
              web:
                command: x
                secrets: [a, {source: a, target: sub/b, uid: "103", gid: "104", mode: 0440}, {source: a, target: /etc/c, mode: "0400"}]
                configs: [c, {source: c, target: /etc/d}]
            secrets: {a: {environment: A}}
            configs: {c: {content: x}}
            """)
        #expect(service.secrets.map(\.target) == ["/run/secrets/a", "/run/secrets/sub/b", "/etc/c"])
        #expect(service.secrets.map(\.mode) == [0o444, 0o440, 0o400])
        #expect(service.secrets[1].uid == 103 && service.secrets[1].gid == 104 && service.secrets[0].uid == nil)
        #expect(service.configs.map(\.target) == ["/c", "/etc/d"])
    }

    @Test func mountsOfEveryKindAreDecoded() throws {
        let service = try Fixture.service("""
            services:
              web:
                command: x
                volumes:
                  - data:/data:ro
                  - /anonymous
                  - ~/h:/h
                  - {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 0o1777}}
                  - {type: bind, source: /s, target: /b/, read_only: true}
                tmpfs: ["/run:size=1m,mode=700,noexec", /x]
            volumes: {data: }
            """, environment: ["HOME": "/home/u"])
        #expect(service.mounts == [
            .volume(volume: "data", target: "/data", readOnly: true), .volume(volume: nil, target: "/anonymous", readOnly: false),
            .bind(source: "/home/u/h", target: "/h", readOnly: false, createHostPath: true),
            .tmpfs(target: "/t", readOnly: false, size: 67_108_864, mode: 0o1777, options: []),
            .bind(source: "/s", target: "/b", readOnly: true, createHostPath: false),
            .tmpfs(target: "/run", readOnly: false, size: 1_048_576, mode: 0o700, options: ["noexec"]),
            .tmpfs(target: "/x", readOnly: false, size: nil, mode: nil, options: []),
        ])
    }

    @Test func secretsHaveTheirNamesInTheStore() throws {
        let fixture = Fixture(["compose.yaml": """
            name: p
            services: {web: {command: x, secrets: [f, e, x, n, d]}}
            secrets:
              f: {file: ./f, labels: {a: b}}
              e: {environment: E}
              x: {external: true}
              n: {external: true, name: other}
              d: {driver: vault, driver_opts: {path: 1}, name: own}
            """])
        let secrets = try #require(fixture.load().project?.stack.secrets)
        #expect(secrets.map(\.key) == ["d", "e", "f", "n", "x"])
        #expect(secrets.map(\.storeName) == ["own", "p_e", "p_f", "other", "x"])
        #expect(secrets[2].source == .file(fixture.directory + "/f") && secrets[2].labels == ["a": "b"])
        #expect(secrets[0].source == .driver("vault", options: ["path": "1"], directory: fixture.directory) && secrets[3].source == .external)
    }

    @Test func attributesNameWhatNeedsARecreationAndNothingElse() throws {
        let base = "command: x, image: i, environment: {A: $$1}, deploy: {replicas: 2, labels: {a: b}, resources: {limits: {memory: 10m}}}"
        let one = try Fixture.service("services: {web: {\(base), secrets: [s], scale: 2, profiles: [], x-stackup: {on-secret-change: restart}}}\nsecrets: {s: {environment: S}}")
        #expect(one.attributes == [
            "command": #"["x"]"#, "image": #""i""#, "environment": #"{"A":"$1"}"#,
            "deploy": #"{"resources":{"limits":{"memory":"10485760"}}}"#,
        ])
        let two = try Fixture.service("services: {web: {\(base.replacing("replicas: 2", with: "replicas: 5"))}}")
        #expect(one.attributes == two.attributes)
    }

    @Test func replicasAndScaleMustAgree() {
        #expect(Fixture.errors("services: {a: {command: x, scale: 2, deploy: {replicas: 3}}}").count == 1)
        #expect(Fixture.errors("services: {a: {command: x, scale: 2, container_name: cc}}").count == 1)
    }

    @Test func whoNamesADriverOfFilesGetsIts() throws {
        func logging(_ text: String) throws -> Logging { try Fixture.service("services: {web: {command: x, \(text)}}").logging }
        #expect(try logging("tty: false") == Logging(driver: .local))
        #expect(try logging("logging: {driver: json-file}") == Logging(driver: .jsonFile))
        let usual = try logging("logging: {options: {max-size: 1m}}")
        #expect(usual.driver == .local && usual.fileSize == 1 << 20 && usual.fileCount == nil)
        let named = try logging("logging: {driver: local, options: {max-size: 1m}}")
        #expect(named.driver == .local && named.fileSize == 1 << 20 && named.fileCount == 5)
        #expect(try logging("logging: {driver: local}").fileSize == 20 << 20)
    }
}
