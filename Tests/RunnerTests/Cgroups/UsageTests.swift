import Glibc
import Linux
import Testing

@testable import Runner

@Suite struct UsageTests {
    private let stat = "4711 (a) b (c) S 12 4711 4711 34816 4711 4194304 1 2 3 4 100 50 30 20 20 0 3 0 99887766 1000000 250 18446744073709551615 1\n"

    @Test func aProcessMayHaveAnyName() throws {
        let status = try #require(ProcessStatus(stat))
        #expect(status.pid == 4711 && status.parent == 12 && status.name == "a) b (c" && status.terminal == 34816)
        #expect(status.ticks == 150 && status.ticksOfChildren == 50 && status.threads == 3 && status.startTime == 99_887_766)
        #expect(status.residentMemory == 250 * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }

    @Test(arguments: ["", "1", "1 (x", "1 (x) S", "x (x) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", ") ("])
    func whatIsNoStatusIsNone(text: String) { #expect(ProcessStatus(text) == nil) }

    @Test func whatTheGroupCountsIsTakenFromThere() {
        let tree = FakeUnifiedTree()
        tree.addGroup("web")
        let web = tree.path + "/web"
        tree.write("usage_usec 1500000\nuser_usec 1\n", to: web + "/cpu.stat")
        tree.write("10000000\n", to: web + "/memory.current")
        tree.write("anon 5\ninactive_file 4000000\n", to: web + "/memory.stat")
        tree.write("64000000\n", to: web + "/memory.max")
        tree.write("8\n", to: web + "/pids.current")
        tree.write("8:0 rbytes=100 wbytes=7 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1\n", to: web + "/io.stat")
        let usage = InstanceUsage.read(pid: 1, processes: [], groups: [web])
        #expect(usage == InstanceUsage(cpuNanoseconds: 1_500_000_000, memory: 6_000_000, memoryLimit: 64_000_000, blockRead: 101, blockWritten: 9, processes: 7))
        tree.write("max\n", to: web + "/memory.max")
        #expect(InstanceUsage.read(pid: 1, processes: [], groups: [web]).memoryLimit > 64_000_000)
    }

    @Test func withoutAGroupProcessesAreAddedUp() {
        let own = getpid()
        let usage = InstanceUsage.read(pid: 0, processes: [own, .max], groups: nil)
        #expect(usage.memory > 1 << 20 && usage.cpuNanoseconds > 0 && usage.processes >= 1)
        #expect(ProcessesOfInstance.grouped(by: [own])[own]?.contains(own) == true)
    }
}
