import Glibc
import Linux
import Testing
import Waiting

@testable import Runner

/// Processes that are moved into a group of this machine.
@Suite(.enabled(if: RealStack.isPossible && CgroupHierarchy.current().legacy[.freezer] != nil && CgroupHierarchy.current().canControl(.freezer), "needs root, stackup-init beside the tests, and v1's freezer"), .serialized)
final class ProcessMoveTests {
    let stack = RealStack()
    private let folder: String
    private var children: [Int32] = []

    init() throws {
        folder = try #require(CgroupHierarchy.current().legacy[.freezer]).own + "/stackup-test-\(getpid())"
        try #require(mkdir(folder, 0o755) == 0)
    }

    deinit {
        for pid in children {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        try? stack.client().down(timeoutMilliseconds: 100)
        eventually { rmdir(folder) == 0 }
    }

    private func startProcess() throws -> Int32 {
        let pid = try ChildProcess("/bin/sleep", ["sleep", "1000"], environment: [:], descriptors: [0, 1, 2]).pid
        children.append(pid)
        return pid
    }

    private var members: Set<Int32> { Set((ControlFile.read(folder + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { Int32($0) }) }

    @Test func aNumberThatIsAnotherProcesssByNowIsLeftAlone() throws {
        let foreign = try startProcess()
        try stack.up(stack.plan("web", "sleep 1000 & exec sleep 1000"))
        let processes = ProcessesOfInstance(pid: try #require(try stack.instance("web")?.pid))
        #expect(eventually { processes.current().count == 3 })
        // What was read a moment ago names one whose number somebody else has now.
        try ProcessMove.all(to: folder, listed: { processes.current() + [foreign] }, if: processes.hold)
        #expect(members == Set(processes.current()))
    }

    @Test func whoWasMovedByMistakeGoesBackToItsParentsGroup() throws {
        let child = try startProcess()
        let before = ControlFile.read("/proc/\(child)/cgroup")
        try ControlFile.write("\(child)", to: folder + "/cgroup.procs")
        #expect(members == [child])
        ProcessMove.putBack(child, from: folder)
        #expect(members == [])
        #expect(ControlFile.read("/proc/\(child)/cgroup") == before)
    }
}
