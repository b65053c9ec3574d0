import Glibc
import Linux
import Testing

@testable import Runner

/// The end of what is in a group, where no pid namespace ends it.
@Suite(.enabled(if: geteuid() == 0 && CgroupHierarchy.current().legacy[.freezer] != nil, "needs root, and control groups of v1"))
struct InstanceCgroupTests {
    /// A group of v1 with processes in it that start others without end.
    private func withForkers(in folder: String, _ body: (InstanceCgroup) throws -> Void) throws {
        try #require(mkdir(folder, 0o755) == 0)
        let group = InstanceCgroup(folders: [folder])
        defer {
            while !group.remove() {
                group.kill()
                usleep(10_000)
            }
        }
        var pid: Int32 = 0
        // Each starts its successor and ends; should that last, so do all after a minute.
        let script = "echo $$ >\(folder)/cgroup.procs; exec perl -e '$end = time + 60; for (1..64) { last if !fork } while (time < $end) { exit if fork }'"
        let words: [String] = ["/bin/sh", "-c", script]
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        try #require(posix_spawn(&pid, "/bin/sh", nil, nil, arguments, environ) == 0)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        try body(group)
    }

    private var place: String { CgroupHierarchy.current().legacy[.freezer]!.own }

    private func isEmpty(_ group: InstanceCgroup) -> Bool { (ControlFile.read(group.folders[0] + "/cgroup.procs") ?? "") == "" }

    @Test func thoseWhoStartOthersAllTheTimeEndToo() throws {
        try withForkers(in: "\(place)/stackup-forkers-\(getpid())") { group in
            #expect(!isEmpty(group))
            group.kill()
            for _ in 0..<200 where !isEmpty(group) { usleep(50_000) }
            #expect(isEmpty(group))
        }
    }
}
