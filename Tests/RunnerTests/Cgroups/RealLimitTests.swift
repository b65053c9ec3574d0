import Glibc
import Linux
import Reconciler
import Testing
import Waiting

@testable import Runner

/// Limits that the kernel of this machine keeps.
@Suite(.enabled(if: RealStack.isPossible && CgroupHierarchy.current().canControl(.memory), "needs root, stackup-init beside the tests, and control groups"), .serialized)
struct RealLimitTests {
    let stack = RealStack()

    private func plan(_ script: String, _ change: (inout ResourceControls) -> Void) -> LaunchPlan {
        var plan = stack.plan("web", script)
        var controls = ResourceControls()
        change(&controls)
        plan.controls = controls
        return plan
    }

    private func groups() throws -> [String] { try #require(try stack.instance("web")?.groups) }

    @Test func whoTakesTooMuchMemoryIsKilledAndThatIsSaid() throws {
        // tail keeps what it reads until a line ends.
        try stack.up(plan("head -c 200000000 /dev/zero | tail; echo survived") { ($0.memoryLimit, $0.swapLimit) = (20 << 20, 0) })
        #expect(try eventually { try stack.instance("web")?.ranOutOfMemory == true })
        #expect(try eventually { try stack.instance("web")?.status == .exited })
        #expect(try stack.instance("web")?.ranOutOfMemory == true)
        // Without the limit it comes through.
        try stack.client().down()
        try stack.up(stack.plan("web", "head -c 200000000 /dev/zero | tail >/dev/null; echo survived"))
        #expect(try eventually { try stack.output("web-1") == ["survived\n"] })
        #expect(try stack.instance("web")?.ranOutOfMemory == nil)
    }

    @Test func aForkBombIsHeld() throws {
        let bomb = "i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i+1)); done; echo all; wait"
        try stack.up(plan("(\(bomb)) 2>/dev/null; echo held; exec sleep 1000") { $0.pidsLimit = 10 })
        #expect(try eventually { try stack.output("web-1").contains("held\n") })
        #expect(try !stack.output("web-1").contains("all\n"))
        let folder = try #require(try groups().first { $0.contains("/pids/") || ControlFile.exists($0 + "/pids.current") })
        // Ten of the service, and pid 1.
        #expect(try #require(ControlFile.number(folder + "/pids.current")) <= 11)
    }

    @Test func cpuTimeIsAPartOfWhatPassed() throws {
        try stack.up(plan("exec sh -c 'while :; do :; done'") { ($0.cpuPeriod, $0.cpuQuota) = (100_000, 20_000) })
        let pid = try #require(try stack.instance("web")?.pid)
        let child = try #require(ProcessesOfInstance(pid: pid).current().first { $0 != pid })
        func cpuTicks() -> Int64? {
            let fields = ControlFile.read("/proc/\(child)/stat")?.split(separator: ")").last?.split(separator: " ")
            return fields.flatMap { $0.count > 12 ? Int64($0[11]).flatMap { user in Int64(fields![12]).map { user + $0 } } : nil }
        }
        let before = try #require(cpuTicks()), start = MonotonicClock.now()
        usleep(2_000_000)
        let used = Double(try #require(cpuTicks()) - before) * 10, passed = Double(MonotonicClock.now() - start)
        // A fifth, whoever else is busy here; without a limit it would be all that is free.
        #expect(used / passed < 0.3)
    }

    @Test func theFirstProcessIsInItsGroupsAndNothingIsLeftOfThem() throws {
        try stack.up(plan("exec sleep 1000") { ($0.pidsLimit, $0.memoryLimit) = (10, 64 << 20) })
        let instance = try #require(try stack.instance("web"))
        let folders = try groups()
        for folder in folders { #expect(InstanceCgroup(folders: [folder]).contains(try #require(instance.pid))) }
        try stack.client().down()
        for folder in folders {
            #expect(!ControlFile.exists(folder))
            #expect(!ControlFile.exists(Paths.directory(of: folder)))
        }
    }

    @Test func aSuccessorFindsGroupsAndRemovesStrays() throws {
        try stack.up(plan("exec sleep 1000") { $0.memoryLimit = 64 << 20 })
        let folder = try #require(try groups().first)
        let stray = Paths.directory(of: folder) + "/gone-1"
        #expect(mkdir(stray, 0o755) == 0)
        try stack.killSupervisor()
        #expect(try groups().contains(folder))
        #expect(!ControlFile.exists(stray))
        // It can still be frozen, and comes down with all that was made.
        try stack.client().pause()
        try stack.client().down()
        #expect(!ControlFile.exists(Paths.directory(of: folder)))
    }

    @Test func aPausedServiceStandsStillWithOrWithoutAGroup() throws {
        for limited in [true, false] {
            let script = "trap 'echo bye; exit 0' TERM; while :; do echo tick; sleep 0.01; done"
            try stack.up(limited ? plan(script) { $0.pidsLimit = 20 } : stack.plan("web", script))
            #expect(try eventually { try stack.output("web-1").count > 3 })
            try stack.client().pause(services: ["web"])
            #expect(try stack.instance("web")?.isPaused == true)
            let count = try stack.settledOutput("web-1").count
            #expect(throws: SupervisionError.self) { try stack.client().pause(services: ["web"]) }
            try stack.client().unpause(services: ["web"])
            #expect(try eventually { try stack.output("web-1").count > count + 3 })
            // A stop lets it go on first.
            try stack.client().pause(services: ["web"])
            try stack.client().stop()
            #expect(try stack.output("web-1").last == "bye\n")
            #expect(try stack.instance("web")?.exitCode == 0)
            try stack.client().down()
        }
    }

    @Test func v1FreezesToo() throws {
        try stack.up(stack.plan("web", "while :; do echo tick; sleep 0.01; done"))
        let instance = try #require(try stack.instance("web")), pid = try #require(instance.pid)
        let hierarchy = CgroupHierarchy.current()
        guard hierarchy.isLegacy(.freezer) else { return }
        // As on a host that has nothing else.
        let directory = try #require(try RuntimeDirectory.open(stack.temporary.path + "/other", create: true))
        let cgroups = StackCgroups(directory)
        let mounts = try #require(ControlFile.read("/proc/self/mountinfo")).split(separator: "\n").filter { !$0.contains(" - cgroup2 ") }
        cgroups.hierarchy = CgroupHierarchy(
            mountInfo: mounts.joined(separator: "\n"), ownGroups: try #require(ControlFile.read("/proc/self/cgroup")), isRoot: true)
        let web = InstanceName(service: "web", index: 1)
        try cgroups.freeze(web, pid: pid)
        let count = try stack.settledOutput("web-1").count
        try cgroups.thaw(web)
        #expect(try eventually { try stack.output("web-1").count > count + 3 })
        try stack.client().down()
        let folder = try #require(cgroups.group(of: web)?.folders.first)
        #expect(folder.contains("freezer"))
        cgroups.removeAll()
        #expect(!ControlFile.exists(folder) && !ControlFile.exists(Paths.directory(of: folder)))
        directory.removeAll()
    }

    @Test func aGroupOfV1IsJoinedBeforeTheCommandRuns() throws {
        try stack.up(plan("cat /proc/self/cgroup; exec sleep 1000") { ($0.memoryLimit, $0.pidsLimit) = (64 << 20, 10) })
        #expect(try eventually { try !stack.output("web-1").isEmpty })
        for folder in try groups() where !ControlFile.exists(folder + "/cgroup.controllers") {
            #expect(try eventually { try stack.output("web-1").contains { line in folder.hasSuffix(line.split(separator: ":").last?.dropLast() ?? "?") } })
        }
    }
}
