import Compose
import Testing
@testable import Reconciler

@Suite struct InstancePlanTests {
    @Test func theCauseNamesEveryAttributeThatChanged() {
        var scene = Scene.running()
        scene.set("environment", of: "web", to: #"{"A":"1"}"#)
        scene.set("command", of: "web", to: nil)
        #expect(scene.plan.text == "~ recreate  web-1  command, environment changed")
    }

    @Test func aChangeThatNoAttributeShowsIsAChangeOfTheConfiguration() {
        var scene = Scene.running()
        scene.hashes["web"] = "other"
        #expect(scene.plan.text == "~ recreate  web-1  configuration changed")
        scene.set("command", of: "web", to: "x")
        scene.recorded.services["web"] = nil
        #expect(scene.plan.text == "~ recreate  web-1  configuration changed")
    }

    @Test func onlyTheServiceThatChangedIsRecreated() {
        var scene = Scene.running()
        scene.set("command", of: "db", to: "x")
        #expect(scene.plan.text == "~ recreate  db-1  command changed")
    }

    @Test func aDependentThatAsksForItIsRestartedWithItsDependency() {
        var scene = Scene.running()
        scene.services["web"]?.dependsOn = [Dependency("db", restart: true)]
        scene.set("command", of: "db", to: "x")
        #expect(scene.plan.text == """
            ~ recreate  db-1  command changed
            ~ restart   web  db recreated
            """)
        scene.set("command", of: "web", to: "x")
        #expect(scene.plan.text == """
            ~ recreate  db-1  command changed
            ~ recreate  web-1  command changed
            """)
    }

    @Test func forceRecreateRecreatesWhatItNames() {
        var scene = Scene.running()
        scene.options.forceRecreate = ["web"]
        #expect(scene.plan.text == "~ recreate  web-1  --force-recreate")
        scene.options.forceRecreate = ["web", "db"]
        scene.change("web") { $0.status = .exited }
        #expect(scene.plan.text == """
            ~ recreate  db-1  --force-recreate
            ~ recreate  web-1  --force-recreate
            """)
    }

    @Test func whatIsEndingIsStartedAnewHoweverLongItWaitsForOthersToEndFirst() {
        var scene = Scene.running()
        scene.change("web") { ($0.status, $0.isEnding) = (.stopping, true) }
        scene.change("db") { $0.isEnding = true }
        #expect(scene.plan.text == """
            + start     db-1  is being stopped
            + start     web-1  is being stopped
            """)
    }

    @Test func whatAPersonHasStoppedStaysSoWhereItIsUnlessStoppedAndThatIsAskedFor() {
        var scene = Scene.running()
        scene.options.stopped = ["db", "web"]
        scene.services["db"]?.restart = .unlessStopped
        scene.services["web"]?.restart = .always
        scene.observed = ObservedState()
        #expect(scene.plan.text == """
            = hold      db-1  was stopped, and restarts 'unless-stopped'
            + create    web-1  not running
            """)
        scene.options.stopped = []
        #expect(scene.plan.text.hasPrefix("+ create    db-1"))
        // Nor where its configuration has changed meanwhile; but what runs is none of that.
        scene = Scene.running()
        scene.options.stopped = ["db"]
        scene.services["db"]?.restart = .unlessStopped
        scene.set("command", of: "db", to: "x")
        #expect(scene.plan.text == "~ recreate  db-1  command changed")
        scene.change("db") { $0.status = .exited }
        #expect(scene.plan.text == "= hold      db-1  was stopped, and restarts 'unless-stopped'")
    }

    @Test func whatHasExitedIsStartedWhoeverStoppedIt() {
        var scene = Scene.running()
        scene.change("db") {
            $0.status = .exited
            $0.stoppedByUser = true
        }
        scene.change("web") {
            $0.status = .exited
            $0.exitCode = 0
        }
        #expect(scene.plan.text == """
            + start     db-1  not running
            + start     web-1  not running
            """)
    }

    @Test func whatIsBeingStoppedIsStartedAgain() {
        var scene = Scene.running()
        scene.change("db") { $0.status = .stopping }
        #expect(scene.plan.text == "+ start     db-1  not running")
    }

    @Test func whatHasExitedAndChangedIsRecreated() {
        var scene = Scene.running()
        scene.change("db") { $0.status = .exited }
        scene.set("command", of: "db", to: "x")
        #expect(scene.plan.text == "~ recreate  db-1  command changed")
    }

    @Test func scalingUpCreatesOnlyWhatIsMissing() {
        var scene = Scene.running()
        scene.services["web"]?.replicas = 3
        #expect(scene.plan.text == """
            + create    web-2  scaled to 3
            + create    web-3  scaled to 3
            """)
    }

    @Test func scalingDownRemovesTheLastFirstAndBeforeAnythingStarts() {
        var scene = Scene.running()
        scene.services["web"]?.replicas = 4
        scene.services["db"]?.replicas = 2
        scene.apply()
        scene.services["web"]?.replicas = 2
        scene.services["db"]?.replicas = 1
        scene.change("web", 1) { $0.status = .exited }
        #expect(scene.plan.text == """
            - remove    web-4  scaled to 2
            - remove    web-3  scaled to 2
            - remove    db-2  scaled to 1
            + start     web-1  not running
            """)
    }

    @Test func aGapInTheInstancesIsFilled() {
        var scene = Scene.running()
        scene.services["web"]?.replicas = 3
        scene.apply()
        scene.observed.instances.removeAll { $0.service == "web" && $0.index == 2 }
        #expect(scene.plan.text == "+ create    web-2  scaled to 3")
    }

    @Test func noReplicasMeansNone() {
        var scene = Scene.running()
        scene.services["web"]?.replicas = 0
        #expect(scene.plan.text == "- remove    web-1  scaled to 0")
        scene.services["web"]?.replicas = -1
        #expect(scene.plan.text == "- remove    web-1  scaled to 0")
    }

    @Test func anOrphanIsReportedAndStays() {
        var scene = Scene.running()
        scene.observed.instances += [scene.running("old", 1), scene.running("older", 1)]
        #expect(scene.plan.isEmpty)
        #expect(scene.plan.orphans == ["old", "older"])
    }

    @Test func anOrphanGoesWhenAskedTo() {
        var scene = Scene.running()
        scene.observed.instances += [scene.running("old", 1), scene.running("old", 2)]
        scene.options.removeOrphans = true
        scene.set("command", of: "db", to: "x")
        #expect(scene.plan.text == """
            - remove    old-2  not in the Compose files
            - remove    old-1  not in the Compose files
            ~ recreate  db-1  command changed
            """)
        #expect(scene.plan.orphans == [])
    }

    @Test func aServiceThatIsDeclaredButNotWantedIsNoOrphan() {
        var scene = Scene.running()
        scene.disabled = ["debug"]
        scene.observed.instances.append(scene.running("debug", 1))
        scene.options.removeOrphans = true
        #expect(scene.plan.isEmpty)
        #expect(scene.plan.orphans == [])
    }

    @Test func anEmptyStackWithNothingRunningIsNothingToDo() {
        #expect(Scene().plan.text == "= nothing to do")
    }

    @Test func contradictoryValuesAreSurvived() {
        var scene = Scene.running()
        scene.observed.instances += scene.observed.instances + [scene.running("web", -3), scene.running("web", .max)]
        scene.observed.mounts += scene.observed.mounts
        scene.secrets += scene.secrets
        scene.files["db"]? += [Scene.secret("db_password"), Scene.secret("nowhere", at: "/run/secrets/x")]
        scene.secrets[0].fingerprint = "p2"
        scene.secrets[2].fingerprint = "p3"
        #expect(scene.plan.text == """
            ~ store     db_password  version 2: file ./db_password.txt changed
            ~ write     db  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            ~ write     web  /run/secrets/db_password  db_password version 2: file ./db_password.txt changed
            - remove    web-9223372036854775807  scaled to 1
            - remove    web--3  scaled to 1
            """)
    }

    @Test func aNameCannotForgeALine() {
        var scene = Scene()
        scene.secrets = [WantedSecret(name: "a\n- remove    db-1", source: "file \u{1B}[2J", fingerprint: "x")]
        #expect(scene.plan.text == #"+ store     a\n- remove    db-1  version 1: new, from file \u{1B}[2J"#)
    }
}

@Suite struct DependencyOrderTests {
    private func services(_ dependencies: [String: [String]]) -> [Service] {
        dependencies.map { name, others in
            var service = Service(name: name)
            service.dependsOn = others.map { Dependency($0) }
            return service
        }
    }

    @Test func dependenciesComeFirstAndTiesGoByName() {
        let stack = services([
            "web": ["api", "cache"], "api": ["db"], "cache": [], "db": [], "zeta": [], "alpha": ["zeta"],
        ])
        #expect(startOrder(of: stack) == ["cache", "db", "api", "web", "zeta", "alpha"])
        #expect(stopOrder(of: stack) == ["alpha", "zeta", "web", "api", "db", "cache"])
    }

    @Test func aCycleIsSurvived() {
        #expect(startOrder(of: ["a": ["b"], "b": ["a"], "c": ["a"], "d": ["d"]]) == ["d", "a", "b", "c"])
    }

    @Test func unknownAndRepeatedDependenciesDoNotCount() {
        #expect(startOrder(of: ["a": ["nowhere", "b", "b"], "b": []]) == ["b", "a"])
        #expect(startOrder(of: [String: [String]]()) == [])
    }

    @Test func aLongChainIsOrderedWithoutRecursion() {
        let chain = Dictionary(uniqueKeysWithValues: (0..<5000).map { ("s\($0)", $0 > 0 ? ["s\($0 - 1)"] : []) })
        #expect(startOrder(of: chain) == (0..<5000).map { "s\($0)" })
    }
}
