import Compose
import Linux
import Testing
@testable import Reconciler

@Suite struct DeliveryPlanTests {
    /// `web` depends on `db`; both hold `password` in version 1, `web` has `key` in version 4 too, at two places.
    private struct Stack {
        var grants = [
            RecordedGrants(
                service: "web", dependencies: ["db"],
                files: [file("password"), file("key", 4), file("key", 4, at: "/etc/key"), config("motd")]),
            RecordedGrants(service: "db", files: [file("password")]),
        ]
        var observed: ObservedState

        init() {
            observed = ObservedState(
                supervisorPID: 1,
                instances: ["db", "web"].map { ObservedInstance(service: $0, index: 1, status: .running, pid: 100) },
                mounts: grants.map { ObservedMount(service: $0.service, files: $0.files) })
        }

        mutating func react(_ service: String, at target: String, _ reaction: SecretChangeReaction) {
            for place in grants.indices where grants[place].service == service {
                grants[place].reactions[Bytewise(target)] = reaction
            }
        }

        func plan(_ versions: [String: Int]) -> Plan {
            plan(versions.mapValues { NamedVersion($0, .test($0)) })
        }

        func plan(_ versions: [String: NamedVersion]) -> Plan { planDelivery(of: versions, to: grants, observed: observed) }

        static func file(_ name: String, _ version: Int = 1, at target: String? = nil) -> MountedFile {
            MountedFile(
                kind: .secret, name: name, version: String(version), identity: .test(version), target: target ?? "/run/secrets/\(name)",
                uid: 0, gid: 0, mode: 0o400)
        }

        static func config(_ name: String) -> MountedFile {
            MountedFile(kind: .config, name: name, version: "1", target: "/\(name)", uid: 0, gid: 0, mode: 0o444)
        }
    }

    @Test func everyRunningGrantOfASecretIsWritten() {
        let plan = Stack().plan(["password": 2])
        #expect(plan.text == """
            ~ write     db  /run/secrets/password  password version 2: version 1 is mounted
            ~ write     web  /run/secrets/password  password version 2: version 1 is mounted
            """)
    }

    @Test func onlyItsVersionChangesInTheRecordAndNothingElse() {
        let stack = Stack()
        let files = stack.plan(["password": 2]).files
        #expect(files["db"] == [Stack.file("password", 2)])
        #expect(files["web"] == [Stack.file("password", 2)] + stack.grants[0].files.dropFirst())
    }

    @Test func aConfigOfTheSameNameIsNoSecret() {
        #expect(Stack().plan(["motd": 2]).isEmpty)
    }

    @Test func everyFileOfSeveralSecretsComesBeforeTheFirstSignal() {
        var stack = Stack()
        stack.react("db", at: "/run/secrets/password", .signal("SIGHUP"))
        stack.react("web", at: "/run/secrets/key", .restart)
        #expect(stack.plan(["password": 2, "key": 5]).text == """
            ~ write     db  /run/secrets/password  password version 2: version 1 is mounted
            ~ write     web  /etc/key  key version 5: version 4 is mounted
            ~ write     web  /run/secrets/key  key version 5: version 4 is mounted
            ~ write     web  /run/secrets/password  password version 2: version 1 is mounted
            ~ signal    db  SIGHUP  password changed
            ~ restart   web  key changed
            """)
    }

    @Test func aGrantThatDidNotChangeAsksForNothing() {
        var stack = Stack()
        stack.react("web", at: "/run/secrets/password", .restart)
        #expect(!stack.plan(["key": 5]).text.contains("restart"))
    }

    @Test func eachSignalIsSentOnce() {
        var stack = Stack()
        stack.react("web", at: "/etc/key", .signal("SIGUSR1"))
        stack.react("web", at: "/run/secrets/key", .signal("usr1"))
        stack.react("web", at: "/run/secrets/password", .signal("SIGHUP"))
        let reactions = stack.plan(["password": 2, "key": 5]).text.split(separator: "\n").suffix(2)
        #expect(reactions == ["~ signal    web  SIGUSR1  key changed", "~ signal    web  SIGHUP  password changed"])
    }

    @Test func aRestartMakesSignalsNeedless() {
        var stack = Stack()
        stack.react("web", at: "/etc/key", .signal("SIGUSR1"))
        stack.react("web", at: "/run/secrets/password", .restart)
        let text = stack.plan(["password": 2, "key": 5]).text
        #expect(text.hasSuffix("\n~ restart   web  password changed") && !text.contains("signal"))
    }

    @Test func aVersionThatIsInPlaceIsLeftAlone() {
        var stack = Stack()
        stack.react("db", at: "/run/secrets/password", .restart)
        #expect(stack.plan(["password": 1]).isEmpty)
    }

    @Test func aNumberThatWasUsedAgainIsAnotherVersion() {
        var stack = Stack()
        stack.react("db", at: "/run/secrets/password", .restart)
        let restored = NamedVersion(1, .test(99))
        let plan = stack.plan(["password": restored])
        #expect(plan.text == """
            ~ write     db  /run/secrets/password  password version 1: another version 1 is mounted, which the store has no more
            ~ write     web  /run/secrets/password  password version 1: another version 1 is mounted, which the store has no more
            ~ restart   db  password changed
            """)
        #expect(plan.files["db"]?.map(\.identity) == [restored.identity])
    }

    @Test func whatIsRecordedWithoutAnIdentityIsWrittenAndNobodyIsTold() {
        var stack = Stack()
        for place in stack.observed.mounts.indices {
            for file in stack.observed.mounts[place].files.indices { stack.observed.mounts[place].files[file].identity = nil }
        }
        stack.react("db", at: "/run/secrets/password", .restart)
        #expect(stack.plan(["password": 1]).text == """
            ~ write     db  /run/secrets/password  password version 1: which version 1 is mounted is not known
            ~ write     web  /run/secrets/password  password version 1: which version 1 is mounted is not known
            """)
        #expect(stack.plan(["password": 2]).text.hasSuffix("\n~ restart   db  password changed"))
    }

    @Test func whatWasStoredAndNeverDeliveredIsDelivered() {
        var stack = Stack()
        // The command that stored version 2 was killed before it spoke to the supervisor.
        for place in stack.grants.indices {
            for file in stack.grants[place].files.indices where stack.grants[place].files[file].name == "password" {
                stack.grants[place].files[file] = Stack.file("password", 2)
            }
        }
        #expect(stack.plan(["password": 2]).text == """
            ~ write     db  /run/secrets/password  password version 2: version 1 is mounted
            ~ write     web  /run/secrets/password  password version 2: version 1 is mounted
            """)
    }

    @Test func aStoppedServicesFilesAreReplacedAndNothingIsSignalled() {
        var stack = Stack()
        stack.observed.instances.removeAll { $0.service == "web" }
        stack.observed.instances.append(ObservedInstance(service: "web", index: 1, status: .exited))
        stack.react("web", at: "/etc/key", .restart)
        #expect(stack.plan(["key": 5]).text == """
            ~ write     web  /etc/key  key version 5: version 4 is mounted
            ~ write     web  /run/secrets/key  key version 5: version 4 is mounted
            """)
    }

    @Test func aStackThatDoesNotRunIsOnlyRecorded() {
        var stack = Stack()
        stack.observed = ObservedState()
        let plan = stack.plan(["password": 2])
        #expect(plan.isEmpty && plan.files["db"] == [Stack.file("password", 2)])
    }

    @Test func aGrantThatIsBeingTakenAwayGetsNoNewValue() {
        var stack = Stack()
        // An `up` was killed after it had recorded that `web` has the secret no more.
        stack.grants[0].files.removeFirst()
        #expect(stack.plan(["password": 2]).text == "~ write     db  /run/secrets/password  password version 2: version 1 is mounted")
        stack.grants.removeLast()
        #expect(stack.plan(["password": 2]).isEmpty)
    }
}

@Suite struct GrantReactionTests {
    @Test func eachGrantsReactionIsItsOwn() {
        var scene = Scene.running()
        scene.files["web"]?[0].onSecretChange = .signal("SIGUSR1")
        scene.files["web"]?[1].onSecretChange = .signal("SIGUSR2")
        scene.secrets[0].fingerprint = "p2"
        #expect(scene.plan.text.hasSuffix("\n~ signal    web  SIGUSR1  db_password changed"))
        scene.secrets[1].fingerprint = "k2"
        #expect(scene.plan.text.hasSuffix("""

            ~ signal    web  SIGUSR2  api_key changed
            ~ signal    web  SIGUSR1  db_password changed
            """))
    }

    @Test func aGrantMayAskForNothingWhereAnotherAsksForARestart() {
        var scene = Scene.running()
        scene.react("web", .restart)
        scene.files["web"]?[0].onSecretChange = .none
        scene.secrets[0].fingerprint = "p2"
        #expect(!scene.plan.text.contains("restart"))
    }

    @Test func aRecreatedDependencyRestartsTogetherWithASecret() {
        var scene = Scene.running()
        scene.services["web"]?.dependsOn = [Dependency("db", restart: true)]
        scene.react("web", .restart)
        scene.secrets[1].fingerprint = "k2"
        scene.set("user", of: "db", to: "\"postgres\"")
        #expect(scene.plan.text.hasSuffix("\n~ restart   web  api_key changed; db recreated"))
    }
}
