import Glibc
import Testing

@testable import Runner

/// A folder that looks like a mounted v2 hierarchy, for what this machine's own does not have: controllers in v2. **A fake**: nothing is limited by
/// it, it only shows what would be written where.
final class FakeUnifiedTree {
    let temporary = TemporaryDirectory("/cgroup")
    var path: String { temporary.path }

    init() {
        addGroup("", controllers: "cpuset cpu io memory pids", isRoot: true)
    }

    func addGroup(_ name: String, controllers: String = "cpuset cpu io memory pids", isRoot: Bool = false) {
        var folder = path
        for part in name.split(separator: "/") {
            folder += "/\(part)"
            mkdir(folder, 0o755)
        }
        let files = ["cgroup.procs", "cgroup.subtree_control", "cgroup.freeze", "memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.weight",
            "pids.max", "cpuset.cpus", "io.max", "io.weight"] + (isRoot ? [] : ["cgroup.type"])
        for file in files { write("", to: "\(folder)/\(file)") }
        write(controllers, to: folder + "/cgroup.controllers")
        write("low 0\noom 0\noom_kill 0\n", to: folder + "/memory.events")
    }

    func write(_ text: String, to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        _ = text.withCString { Glibc.write(file, $0, strlen($0)) }
        close(file)
    }

    func read(_ name: String) -> String? { ControlFile.read("\(path)/\(name)") }

    func hierarchy(own: String, isRoot: Bool = true, delegated: String? = nil) -> CgroupHierarchy {
        CgroupHierarchy(
            mountInfo: "31 23 0:28 / \(path) rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n", ownGroups: "0::\(own)\n", isRoot: isRoot
        ) { $0 == delegated.map { self.path + $0 } }
    }
}

@Suite struct CgroupHierarchyTests {
    private let hybrid = """
        31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        38 31 0:35 / /sys/fs/cgroup/blkio rw shared:9 - cgroup cgroup rw,blkio
        40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

        """

    @Test func v1HasAHierarchyForEachController() {
        let hierarchy = CgroupHierarchy(
            mountInfo: hybrid, ownGroups: "7:blkio:/\n4:memory:/user/me\n1:cpu,cpuacct:/\n0::/user.slice\n", isRoot: true)
        #expect(hierarchy.legacy[.memory] == .init(place: "/sys/fs/cgroup/memory", own: "/sys/fs/cgroup/memory/user/me"))
        #expect(hierarchy.legacy[.cpu]?.own == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(hierarchy.legacy[.io]?.own == "/sys/fs/cgroup/blkio")
        #expect(hierarchy.legacy[.pids] == nil && !hierarchy.has(.pids) && !hierarchy.canControl(.pids))
        #expect(hierarchy.unified == .init(place: "/sys/fs/cgroup/unified", own: "/sys/fs/cgroup/unified/user.slice"))
    }

    /// systemd could not start it again: what hands controllers on may have no processes itself.
    @Test func aServicesOwnGroupIsNotDivided() {
        let tree = FakeUnifiedTree()
        for group in ["system.slice", "system.slice/shop.service", "system.slice/shop.service/sub"] { tree.addGroup(group) }
        let service = "/system.slice/shop.service"
        #expect(tree.hierarchy(own: service, delegated: service).unifiedParent?.path == tree.path)
        #expect(tree.hierarchy(own: service + "/sub", delegated: service).unifiedParent?.path == tree.path + service)
    }

    @Test func aMountOfAPartShowsThatPart() {
        let hierarchy = CgroupHierarchy(
            mountInfo: "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", ownGroups: "4:memory:/docker/abc/x\n", isRoot: true)
        #expect(hierarchy.legacy[.memory]?.own == "/sys/fs/cgroup/memory/x")
    }

    @Test func rootDividesTheWholeOfV2() {
        let tree = FakeUnifiedTree()
        tree.addGroup("user.slice/session-1.scope")
        let hierarchy = tree.hierarchy(own: "/user.slice/session-1.scope")
        #expect(hierarchy.unifiedParent == .init(path: tree.path, controllers: [.cpuset, .cpu, .io, .memory, .pids], isOwn: false))
        #expect(hierarchy.canControl(.memory) && hierarchy.canControl(.freezer))
    }

    @Test func whatWasDelegatedIsDividedByWhoRunsInIt() {
        let tree = FakeUnifiedTree()
        tree.addGroup("user.slice", controllers: "memory pids")
        tree.addGroup("user.slice/run-1.scope", controllers: "memory pids")
        let hierarchy = tree.hierarchy(own: "/user.slice/run-1.scope", delegated: "/user.slice/run-1.scope")
        #expect(hierarchy.unifiedParent == .init(path: "\(tree.path)/user.slice/run-1.scope", controllers: [.memory, .pids], isOwn: true))
        #expect(hierarchy.canControl(.memory) && hierarchy.has(.cpu) && !hierarchy.canControl(.cpu))
    }

    /// Who has it could lift what root limits in it.
    @Test(.enabled(if: geteuid() == 0)) func whatWasHandedToAnotherUserIsNotRootsToDivide() {
        let tree = FakeUnifiedTree()
        tree.addGroup("user.slice/user-1000.slice")
        #expect(chown(tree.path + "/user.slice/user-1000.slice", 1000, 1000) == 0)
        let hierarchy = tree.hierarchy(own: "/user.slice/user-1000.slice", delegated: "/user.slice/user-1000.slice")
        #expect(hierarchy.unifiedParent?.path == tree.path)
    }

    @Test func aGroupWhoseNameBeginsAsTheMountedOnesIsNotInIt() {
        let hierarchy = CgroupHierarchy(
            mountInfo: "31 23 0:28 /pods /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", ownGroups: "0::/pods-of-others/one\n", isRoot: false)
        #expect(hierarchy.unified?.own == "/sys/fs/cgroup")
    }

    @Test func anOrdinaryUserHasTheWidestGroupThatIsHis() {
        let tree = FakeUnifiedTree()
        for group in ["user.slice", "user.slice/me", "user.slice/me/app"] { tree.addGroup(group) }
        // What makes a group somebody's is that he may write in it; root, who runs the tests, may everywhere.
        unlink("\(tree.path)/user.slice/cgroup.subtree_control")
        unlink("\(tree.path)/cgroup.subtree_control")
        #expect(tree.hierarchy(own: "/user.slice/me/app", isRoot: false).unifiedParent?.path == "\(tree.path)/user.slice/me")
        unlink("\(tree.path)/user.slice/me/cgroup.subtree_control")
        unlink("\(tree.path)/user.slice/me/app/cgroup.subtree_control")
        let hierarchy = tree.hierarchy(own: "/user.slice/me/app", isRoot: false)
        #expect(hierarchy.unifiedParent == nil && hierarchy.has(.memory) && !hierarchy.canControl(.memory) && !hierarchy.canControl(.freezer))
    }

    @Test func aKernelMayNotCountSwap() {
        let tree = FakeUnifiedTree()
        #expect(tree.hierarchy(own: "/").countsSwap)
        unlink(tree.path + "/memory.swap.max")
        #expect(!tree.hierarchy(own: "/").countsSwap)
        // The root has no limits of its own: what it has handed on tells.
        unlink(tree.path + "/memory.max")
        #expect(tree.hierarchy(own: "/").countsSwap)
        tree.addGroup("system.slice")
        unlink(tree.path + "/system.slice/memory.swap.max")
        #expect(!tree.hierarchy(own: "/").countsSwap)
    }

    @Test func aListOfCPUs() {
        #expect(CPUList.members(of: "0-2,4") == [0, 1, 2, 4])
        #expect(CPUList.members(of: "") == [])
    }
}
