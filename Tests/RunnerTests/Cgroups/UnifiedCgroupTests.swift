import Glibc
import Linux
import Testing

@testable import Runner

/// What is written in a v2 hierarchy that has controllers. The tree is a fake (``FakeUnifiedTree``): this says what is written where, not that the kernel
/// keeps to it.
@Suite struct UnifiedCgroupTests {
    private let tree = FakeUnifiedTree()
    private let temporary = TemporaryDirectory("/run")
    private let web = InstanceName(service: "web", index: 1)

    private func cgroups(own: String, delegated: String? = nil) throws -> StackCgroups {
        let directory = try #require(try RuntimeDirectory.open(temporary.path + "/shop", create: true))
        let cgroups = StackCgroups(directory)
        cgroups.hierarchy = tree.hierarchy(own: own, delegated: delegated)
        return cgroups
    }

    private var limits: ResourceControls {
        var limits = ResourceControls()
        limits.memoryLimit = 64 << 20
        limits.pidsLimit = 5
        return limits
    }

    @Test func aGroupIsMadeBelowASliceWithItsLimits() throws {
        let cgroups = try cgroups(own: "/user.slice")
        let place = "stackup.slice/\(cgroups.stackName)"
        // A real one has its files by itself.
        for group in ["stackup.slice", place, "\(place)/web-1"] { tree.addGroup(group) }
        let group = try cgroups.make(limits, for: web)
        #expect(group.folders == ["\(tree.path)/\(place)/web-1"])
        #expect(tree.read("\(place)/web-1/memory.max") == "67108864")
        #expect(tree.read("\(place)/web-1/pids.max") == "6")
        // Controllers are handed on down to the group's parent, and no further.
        for parent in ["", "stackup.slice/", "\(place)/"] { #expect(tree.read(parent + "cgroup.subtree_control") == "+memory +pids") }
        #expect(tree.read("\(place)/web-1/cgroup.subtree_control") == "")
        #expect(ControlFile.read(temporary.path + "/shop/cgroups.json")?.contains(place) == true)
    }

    @Test func whoDividesItsOwnGroupLeavesItFirst() throws {
        tree.addGroup("run-1.scope")
        tree.write("4711\n4712\n", to: "\(tree.path)/run-1.scope/cgroup.procs")
        let cgroups = try cgroups(own: "/run-1.scope", delegated: "/run-1.scope")
        let place = "run-1.scope/stackup.slice/\(cgroups.stackName)"
        for group in ["run-1.scope/stackup.supervisor", "run-1.scope/stackup.slice", place, "\(place)/web-1"] { tree.addGroup(group) }
        _ = try cgroups.make(limits, for: web)
        // A fake's file is not a list: the last one is there.
        #expect(tree.read("run-1.scope/stackup.supervisor/cgroup.procs") == "4712")
    }

    @Test func anotherParentIsWhatTheFileNames() throws {
        let cgroups = try cgroups(own: "/")
        let place = "machines/a/stackup.slice/\(cgroups.stackName)"
        for group in ["machines", "machines/a", "machines/a/stackup.slice", place, "\(place)/web-1"] { tree.addGroup(group) }
        var limits = limits
        limits.parent = "/machines/a"
        #expect(try cgroups.make(limits, for: web).folders == ["\(tree.path)/\(place)/web-1"])
    }

    @Test func noParentLeadsOutOfTheHierarchy() throws {
        var limits = limits
        limits.parent = "a/../.."
        tree.addGroup("a")
        let cgroups = try cgroups(own: "/")
        #expect(throws: LaunchError.self) { try cgroups.make(limits, for: web) }
    }

    @Test func freezingAndKills() throws {
        tree.addGroup("x")
        let group = InstanceCgroup(folders: ["\(tree.path)/x"])
        #expect(group.canFreeze && group.outOfMemoryKills == 0)
        try group.freeze()
        #expect(tree.read("x/cgroup.freeze") == "1")
        try group.thaw()
        #expect(tree.read("x/cgroup.freeze") == "0")
        tree.write("oom 1\noom_kill 2\n", to: "\(tree.path)/x/memory.events")
        #expect(group.outOfMemoryKills == 2)
    }
}
