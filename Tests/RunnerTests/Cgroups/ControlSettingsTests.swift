import Testing

@testable import Runner

@Suite struct ControlSettingsTests {
    private func text(_ controls: ResourceControls, legacy: Set<CgroupController>) -> [String] {
        controls.settings(legacy: legacy).map { "\($0.file)=\($0.value)" }
    }

    private var everything: ResourceControls {
        var controls = ResourceControls()
        controls.memoryLimit = 100
        controls.swapLimit = 50
        controls.memoryReservation = 40
        controls.cpuQuota = 50_000
        controls.cpuPeriod = 100_000
        controls.cpuShares = 1024
        controls.cpuset = "0-1"
        controls.pidsLimit = 10
        controls.blockWeight = 500
        controls.blockDevices = [.init(.readBytes, device: "8:0", value: 1000), .init(.writeOperations, device: "8:0", value: 7), .init(.weight, device: "8:0", value: 10)]
        return controls
    }

    @Test func whatIsNotToBeDoneWithDevicesIsForV1Alone() {
        var controls = ResourceControls()
        controls.deniedDevices = ["c 1:5 w", "b 8:0 rw"]
        #expect(text(controls, legacy: [.devices]) == ["devices.deny=c 1:5 w", "devices.deny=b 8:0 rw"])
        #expect(text(controls, legacy: []).isEmpty)
    }

    @Test(arguments: [4_194_303, 4_194_304, Int64.max])
    func aLimitThatNoKernelHasIsNone(pids: Int64) {
        var controls = ResourceControls()
        controls.pidsLimit = pids
        #expect(text(controls, legacy: []) == ["pids.max=\(pids == 4_194_303 ? "4194304" : "max")"])
    }

    @Test func v1() {
        var controls = everything
        controls.swappiness = 10
        controls.disablesOutOfMemoryKiller = true
        #expect(text(controls, legacy: Set(CgroupController.allCases)) == [
            "memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=150", "memory.soft_limit_in_bytes=40", "memory.swappiness=10", "memory.oom_control=1",
            "cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpuset.cpus=0-1", "pids.max=11", "blkio.bfq.weight=500",
            "blkio.throttle.read_bps_device=8:0 1000", "blkio.throttle.write_iops_device=8:0 7", "blkio.bfq.weight_device=8:0 10",
        ])
    }

    @Test func v2() {
        #expect(text(everything, legacy: []) == [
            "memory.max=100", "memory.swap.max=50", "memory.low=40", "cpu.weight=39", "cpu.max=50000 100000", "cpuset.cpus=0-1", "pids.max=11",
            "io.weight=default 4950", "io.max=8:0 rbps=1000", "io.max=8:0 wiops=7", "io.weight=8:0 1",
        ])
    }

    @Test func unlimitedIsWrittenAsEachVersionHasIt() {
        var controls = ResourceControls()
        controls.memoryLimit = 100
        controls.swapLimit = -1
        controls.cpuQuota = -1
        #expect(text(controls, legacy: [.memory, .cpu]) == ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=-1", "cpu.cfs_quota_us=-1"])
        #expect(text(controls, legacy: []) == ["memory.max=100", "memory.swap.max=max", "cpu.max=max 100000"])
    }
}
