import Compose
import Testing
@testable import Reconciler

@Suite struct SecretPlanTests {
    @Test func nothingChangedIsNothingToDo() {
        let plan = Scene.running().plan
        #expect(plan.text == "= nothing to do")
        #expect(plan.isEmpty)
        #expect(plan.files["web"]?.map(\.target) == ["/motd", "/run/secrets/api_key", "/run/secrets/db_password"])
        #expect(plan.files["web"]?.map(\.version) == ["hash-1", "3", "1"])
    }

    @Test func aFirstUpStoresThenCreatesInDependencyOrder() {
        var scene = Scene.running()
        scene.recorded = RecordedState()
        scene.observed = ObservedState()
        #expect(scene.plan.text == """
            + store     api_key  version 1: new, from environment API_KEY
            + store     db_password  version 1: new, from file ./db_password.txt
            + create    db-1  not running
            + create    web-1  not running
            """)
        #expect(scene.plan.files["db"]?.map(\.version) == ["1"])
    }

    @Test func aSecretsNewValueIsWrittenIntoEveryGrantedServiceAndRestartsNone() {
        var scene = Scene.running()
        scene.secrets[0].fingerprint = "p2"
        #expect(scene.plan.text == """
            ~ store     db_password  version 2: file ./db_password.txt changed
            ~ write     db  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            ~ write     web  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            """)
        #expect(scene.plan.files["db"]?.map(\.version) == ["2"])
    }

    @Test func aVersionThatWasStoredButNeverMountedIsMountedByTheNextUp() {
        var scene = Scene.running()
        scene.secrets[0].fingerprint = "p2"
        scene.recorded.secrets["db_password"] = RecordedSecret(version: 2, fingerprint: "p2")
        #expect(scene.plan.text == """
            ~ write     db  /run/secrets/db_password  db_password version 2: version 1 is mounted
            ~ write     web  /run/secrets/db_password  db_password version 2: version 1 is mounted
            """)
    }

    @Test func anExternalSecretFollowsTheStore() {
        var scene = Scene.running()
        scene.secrets[0] = WantedSecret(name: "db_password", source: "external", fingerprint: nil)
        #expect(scene.plan.isEmpty)
        scene.recorded.secrets["db_password"] = RecordedSecret(version: 5, fingerprint: "p5")
        scene.files["web"] = []
        scene.observed.mounts.removeAll { $0.service == "web" }
        #expect(scene.plan.text == """
            ~ write     db  /run/secrets/db_password  db_password version 5: version 1 is mounted
            """)
    }

    @Test func aNumberThatIsUsedAgainAfterARestoreIsAnotherVersion() {
        var scene = Scene.running()
        scene.react("db", .signal("SIGHUP"))
        // `leaked` was version 2 and is mounted; the restored store has version 1, and its version 2 will be another.
        scene.recorded.secrets["db_password"] = RecordedSecret(version: 2, fingerprint: "leaked")
        scene.secrets[0].fingerprint = "leaked"
        scene.apply()
        scene.recorded.secrets["db_password"] = RecordedSecret(version: 1, fingerprint: "p1")
        scene.secrets[0].fingerprint = "fresh"
        let plan = scene.plan
        #expect(plan.text == """
            ~ store     db_password  version 2: file ./db_password.txt changed
            ~ write     db  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            ~ write     web  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            ~ signal    db  SIGHUP  db_password changed
            """)
        #expect(plan.files["db"]?.map(\.identity) == [scene.secrets[0].identity])
        // The commit was made, and its command killed before anything was written.
        scene.recorded.secrets["db_password"] = RecordedSecret(version: 2, identity: scene.secrets[0].identity, fingerprint: "fresh")
        #expect(scene.plan.text.hasPrefix(
            "~ write     db  /run/secrets/db_password  db_password version 2: another version 2 is mounted, which the store has no more\n"))
        #expect(scene.plan.text.hasSuffix("\n~ signal    db  SIGHUP  db_password changed"))
    }

    @Test func whatAnOlderStackupMountedIsWrittenAndNobodyIsTold() {
        var scene = Scene.running()
        scene.react("db", .restart)
        for place in scene.observed.mounts.indices {
            for file in scene.observed.mounts[place].files.indices { scene.observed.mounts[place].files[file].identity = nil }
        }
        #expect(scene.plan.text == """
            ~ write     db  /run/secrets/db_password  db_password version 1: which version 1 is mounted is not known
            ~ write     web  /run/secrets/api_key  api_key version 3: which version 3 is mounted is not known
            ~ write     web  /run/secrets/db_password  db_password version 1: which version 1 is mounted is not known
            """)
    }

    @Test func anExternalSecretThatTheStoreLacksIsLeftAlone() {
        var scene = Scene.running()
        scene.secrets[0] = WantedSecret(name: "db_password", source: "external", fingerprint: nil)
        scene.recorded.secrets["db_password"] = nil
        #expect(scene.plan.isEmpty)
        #expect(scene.plan.files["db"] == [])
    }

    @Test func aGrantAddedIsAFileThatAppears() {
        var scene = Scene.running()
        scene.files["db"]?.append(Scene.secret("api_key"))
        #expect(scene.plan.text == """
            ~ write     db  /run/secrets/api_key  api_key version 3: newly granted
            """)
    }

    @Test func aServiceWithoutAMountGetsItsFirstGrant() {
        var scene = Scene.running()
        scene.observed.mounts = []
        scene.files["web"] = []
        #expect(scene.plan.text == """
            ~ write     db  /run/secrets/db_password  db_password version 1: newly granted
            """)
    }

    @Test func aGrantRemovedIsAFileThatVanishes() {
        var scene = Scene.running()
        scene.files["web"]?.removeFirst()
        #expect(scene.plan.text == """
            - remove    web  /run/secrets/db_password  db_password version 1: no longer granted
            """)
    }

    @Test func aGrantsAccessChangesInPlace() {
        var scene = Scene.running()
        scene.files["db"] = [Scene.secret("db_password", uid: 70, mode: 0o400)]
        #expect(scene.plan.text == """
            ~ write     db  /run/secrets/db_password  db_password version 1: mode, uid changed
            """)
    }

    @Test func valueAndAccessTogetherAreOneWrite() {
        var scene = Scene.running()
        scene.files["web"] = []
        scene.observed.mounts.removeAll { $0.service == "web" }
        scene.files["db"] = [Scene.secret("db_password", mode: 0o400)]
        scene.secrets[0].fingerprint = "p2"
        #expect(scene.plan.text == """
            ~ store     db_password  version 2: file ./db_password.txt changed
            ~ write     db  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed; mode changed
            """)
    }

    @Test func aGrantsTargetMoves() {
        var scene = Scene.running()
        scene.files["db"] = [Scene.secret("db_password", at: "/run/secrets/password")]
        #expect(scene.plan.text == """
            - remove    db  /run/secrets/db_password  db_password version 1: target changed
            ~ write     db  /run/secrets/password  db_password version 1: target changed
            """)
    }

    @Test func aTargetElsewhereNeedsAPlaceThatOnlyAStartMakes() {
        var scene = Scene.running()
        scene.files["db"] = [Scene.secret("db_password", at: "/etc/password")]
        #expect(scene.plan.text == """
            - remove    db  /run/secrets/db_password  db_password version 1: target changed
            ~ recreate  db-1  new target /etc/password
            """)
    }

    @Test func anotherSecretTakesATarget() {
        var scene = Scene.running()
        scene.files["db"] = [Scene.secret("api_key", at: "/run/secrets/db_password")]
        #expect(scene.plan.text == """
            ~ write     db  /run/secrets/db_password  api_key version 3: in place of secret db_password
            """)
    }

    @Test func aConfigsContentChangesInPlace() {
        var scene = Scene.running()
        scene.files["web"]?[2] = Scene.config("motd", "hash-2")
        #expect(scene.plan.text == "~ write     web  /motd  config motd: its content changed")
        scene.files["web"]?.remove(at: 2)
        #expect(scene.plan.text == "- remove    web  /motd  config motd: no longer mounted")
    }

    @Test func aServiceThatDoesNotRunGetsItsFilesWithItsStart() {
        var scene = Scene.running()
        scene.secrets[0].fingerprint = "p2"
        scene.change("db") { $0.status = .exited }
        #expect(scene.plan.text == """
            ~ store     db_password  version 2: file ./db_password.txt changed
            ~ write     web  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            + start     db-1  not running
            """)
    }

    @Test func aServiceThatWaitsForItsStartIsGivenTheNewFiles() {
        for status in [ObservedInstance.Status.created, .restarting] {
            var scene = Scene.running()
            scene.secrets[1].fingerprint = "k2"
            scene.change("web") { $0.status = status }
            #expect(scene.plan.text == """
                ~ store     api_key  version 4: environment API_KEY changed
                ~ write     web  /run/secrets/api_key  api_key version 4: environment API_KEY changed
                """)
        }
    }

    @Test func aFileNoLongerGrantedVanishesEvenWhereTheServiceIsRecreated() {
        var scene = Scene.running()
        scene.files["web"]?.removeFirst()
        scene.files["web"]?.append(Scene.secret("api_key", at: "/second"))
        scene.set("command", of: "web", to: #"["true"]"#)
        #expect(scene.plan.text == """
            - remove    web  /run/secrets/db_password  db_password version 1: no longer granted
            ~ recreate  web-1  command changed
            """)
    }
}

@Suite struct SecretChangeReactionTests {
    @Test func aSignalComesAfterAllFiles() {
        var scene = Scene.running()
        scene.react("db", .signal("SIGHUP"))
        scene.secrets[0].fingerprint = "p2"
        #expect(scene.plan.text == """
            ~ store     db_password  version 2: file ./db_password.txt changed
            ~ write     db  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            ~ write     web  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            ~ signal    db  SIGHUP  db_password changed
            """)
    }

    @Test func aRestartNamesEverySecretThatChanged() {
        var scene = Scene.running()
        scene.react("web", .restart)
        scene.secrets[0].fingerprint = "p2"
        scene.secrets[1].fingerprint = "k2"
        #expect(scene.plan.text.hasSuffix("\n~ restart   web  api_key, db_password changed"))
    }

    @Test func onlyAValueCounts() {
        var scene = Scene.running()
        scene.files["db"] = [Scene.secret("db_password", mode: 0o400), Scene.secret("api_key")]
        scene.files["web"]?[2] = Scene.config("motd", "hash-2")
        scene.react("db", .restart)
        scene.react("web", .signal("SIGHUP"))
        #expect(!scene.plan.text.contains("restart"))
        #expect(!scene.plan.text.contains("signal"))
        #expect(scene.plan.actions.count == 3)
    }

    @Test func aValueThatChangesAsItsTargetMovesCounts() {
        var scene = Scene.running()
        scene.secrets[0].fingerprint = "p2"
        scene.files["db"] = [Scene.secret("db_password", at: "/run/secrets/password")]
        scene.react("db", .signal("SIGHUP"))
        #expect(scene.plan.text.hasSuffix("\n~ signal    db  SIGHUP  db_password changed"))
    }

    @Test func aServiceThatIsRecreatedIsNotRestartedAgain() {
        var scene = Scene.running()
        scene.react("db", .restart)
        scene.secrets[0].fingerprint = "p2"
        scene.set("user", of: "db", to: "\"postgres\"")
        #expect(scene.plan.text == """
            ~ store     db_password  version 2: file ./db_password.txt changed
            ~ write     web  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            ~ recreate  db-1  user changed
            """)
    }

    @Test func aServiceThatIsStartedIsNotSignalled() {
        var scene = Scene.running()
        scene.react("db", .signal("SIGHUP"))
        scene.secrets[0].fingerprint = "p2"
        scene.change("db") { $0.status = .exited }
        #expect(!scene.plan.text.contains("signal"))
    }
}
