import Compose
import SecretStore
import Testing
@testable import Reconciler

/// Instances beside those that the files ask for.
@Suite struct OneOffPlanTests {
    private static let key = OneOff.key(service: "web", slug: "0123456789ab")

    private func oneOff(_ status: ObservedInstance.Status) -> ObservedInstance {
        var instance = ObservedInstance(service: Self.key, index: 1, status: status, configHash: "other")
        instance.oneOff = OneOff(service: "web", name: "job", isRemovedAtEnd: false)
        return instance
    }

    @Test(arguments: [ObservedInstance.Status.running, .exited]) func upLeavesThemAlone(_ status: ObservedInstance.Status) {
        var scene = Scene.running()
        scene.observed.instances.append(oneOff(status))
        #expect(scene.plan.isEmpty)
        #expect(scene.plan.orphans.isEmpty)
    }

    @Test func thoseThatHaveEndedGoWithTheOrphans() {
        var scene = Scene.running()
        scene.options.removeOrphans = true
        scene.observed.instances.append(oneOff(.running))
        #expect(scene.plan.isEmpty)
        scene.observed.instances[scene.observed.instances.count - 1] = oneOff(.exited)
        #expect(scene.plan.actions.map(\.operation) == [.removeInstance(service: Self.key, index: 1)])
    }

    @Test func oneComesAfterWhatItNeedsWithTheNewestVersions() {
        var scene = Scene.running()
        scene.secrets[0].fingerprint = "p2"
        var wanted = scene.wanted
        wanted.oneOffs = [WantedOneOff(key: Self.key, files: [Scene.secret("db_password"), Scene.config("motd", "hash-1")])]
        let plan = makePlan(wanted: wanted, recorded: scene.recorded, observed: scene.observed, options: scene.options)
        #expect(plan.actions.last?.operation == .createInstance(service: Self.key, index: 1))
        #expect(plan.files[Self.key]?.map { "\($0.name) \($0.version)" } == ["motd hash-1", "db_password 2"])
    }

    @Test func aNewVersionReachesThoseThatRun() {
        let old = MountedFile(
            kind: .secret, name: "password", version: "1", identity: .test(1), target: "/run/secrets/password", uid: 0, gid: 0, mode: 0o400)
        var new = old
        (new.version, new.identity) = ("2", .test(2))
        var observed = ObservedState(instances: [oneOff(.running)], mounts: [ObservedMount(service: Self.key, files: [old])])
        let versions = ["password": NamedVersion(2, .test(2)), "other": NamedVersion(9, .test(9))]
        #expect(planDelivery(of: versions, to: [], observed: observed).actions.map(\.operation) == [.writeFile(service: Self.key, file: new)])
        observed.instances = [oneOff(.exited)]
        #expect(planDelivery(of: versions, to: [], observed: observed).isEmpty)
    }

    @Test func aKeyNamesItsService() {
        #expect(OneOff.service(ofKey: Self.key) == "web")
        #expect(OneOff.service(ofKey: "web") == nil)
        #expect(OneOff.service(ofKey: "web~x") == nil)
        #expect(oneOff(.running).ownService == "web" && oneOff(.running).name(in: "shop") == "job")
    }
}
