import Glibc
import Linux
import Testing
import Waiting

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

    /// Starts a process that lives for a while, and waits until it is in these groups.
    private func dweller(in folders: [String], for seconds: Double) throws -> Int32 {
        let pipe = try FileDescriptor.pipe()
        let script = folders.map { "echo $$ >\($0)/cgroup.procs && " }.joined() + "echo; exec sleep \(seconds)"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipe.write.number, 1)
        let words: [String] = ["/bin/sh", "-c", script]
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: Int32 = 0
        try #require(posix_spawn(&pid, "/bin/sh", &actions, nil, arguments, environ) == 0)
        let reading = pipe.takeReadEnd()
        var byte: UInt8 = 0
        try #require(read(reading.number, &byte, 1) == 1)
        return pid
    }

    @Test func theirEndIsWaitedForHoweverLongTheKernelTakesForIt() throws {
        let temporary = TemporaryDirectory("/run")
        let directory = try #require(try RuntimeDirectory.open(temporary.path + "/shop", create: true))
        let cgroups = StackCgroups(directory)
        var limits = ResourceControls()
        limits.pidsLimit = 100
        let web = InstanceName(service: "web", index: 1)
        let group = try cgroups.make(limits, for: web)
        let pid = try dweller(in: group.folders, for: 1)
        cgroups.remove(web)
        #expect(group.folders.allSatisfy(ControlFile.exists))
        cgroups.removeAll()
        #expect(group.folders.allSatisfy { !ControlFile.exists($0) })
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    @Test func theKernelTellsThatAGroupIsEmpty() throws {
        let place = TemporaryDirectory()
        let root = place.path
        try inOwnMountNamespace {
            try claim(mount("cgroup2", root, "cgroup2", 0, nil) == 0, "mount: errno \(errno)")
            let group = InstanceCgroup(folders: ["\(root)/stackup-dweller-\(getpid())"])
            try claim(mkdir(group.folders[0], 0o755) == 0, "mkdir: errno \(errno)")
            let pid = try dweller(in: group.folders, for: 0.5)
            try claim(!group.remove(), "somebody is in there")
            let begin = MonotonicClock.now()
            group.waitForEmptiness(milliseconds: 60_000)
            // Whatever else is an event of it.
            while !group.remove(), MonotonicClock.now() - begin < 60_000 { group.waitForEmptiness(milliseconds: 60_000) }
            let waited = MonotonicClock.now() - begin
            try claim((300..<50_000).contains(waited), "it waited for \(waited) ms")
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            umount2(root, Int32(MNT_DETACH))
        }
    }

    private var place: String { CgroupHierarchy.current().legacy[.freezer]!.own }

    private func isEmpty(_ group: InstanceCgroup) -> Bool { (ControlFile.read(group.folders[0] + "/cgroup.procs") ?? "") == "" }

    @Test func thoseWhoStartOthersAllTheTimeEndToo() throws {
        try withForkers(in: "\(place)/stackup-forkers-\(getpid())") { group in
            #expect(!isEmpty(group))
            group.kill()
            #expect(eventually { isEmpty(group) })
        }
    }
}
