import Testing

@testable import Compose

@Suite struct ResourceDecodingTests {
    private func service(_ text: String) throws -> Service {
        try Fixture.service("services: {web: {command: x, \(text)}}")
    }

    @Test func limitsOfTheServiceAndOfItsDeployment() throws {
        let own = try service("mem_limit: 64m, memswap_limit: -1, mem_reservation: 8m, cpus: 1.5, pids_limit: 10, cpu_shares: 512, cpuset: '0-2,4'").controls
        #expect(own.memoryLimit == 64 << 20 && own.memoryAndSwapLimit == -1 && own.memoryReservation == 8 << 20)
        #expect(own.cpus == 1.5 && own.pidsLimit == 10 && own.cpuShares == 512 && own.cpuset == "0-2,4")
        let deployed = try service("deploy: {resources: {limits: {memory: 64m, cpus: '0.25', pids: 5}, reservations: {memory: 8m}}}").controls
        #expect(deployed.memoryLimit == 64 << 20 && deployed.memoryReservation == 8 << 20 && deployed.cpus == 0.25 && deployed.pidsLimit == 5)
        #expect(try service("pids_limit: -1, mem_limit: 0, oom_kill_disable: false").controls.isEmpty)
    }

    @Test func blockDevicesAndWhatNeedsNoGroup() throws {
        let service = try service(
            "blkio_config: {weight: 300, device_read_bps: [{path: /dev/sda, rate: 1mb}]}, oom_score_adj: -5, shm_size: 32m, cgroup: private, sysctls: {kernel.msgmax: 10, fs.mqueue.msg_max: 5}")
        #expect(service.controls.blockWeight == 300)
        #expect(service.controls.blockDevices == [.init(.readBytes, path: "/dev/sda", value: 1 << 20)])
        #expect(service.oomScoreAdjustment == -5 && service.sharedMemorySize == 32 << 20 && service.hasPrivateCgroupNamespace)
        #expect(service.kernelSettings.map { "\($0.name)=\($0.value)" } == ["kernel.msgmax=10", "fs.mqueue.msg_max=5"])
    }

    @Test(arguments: [
        ("mem_limit: 1m", "services.web.mem_limit is too little: a limit of memory is at least 6 MiB"),
        ("mem_limit: 10m, mem_reservation: 20m", "services.web.mem_reservation is more than the limit of memory"),
        ("memswap_limit: 10m", "services.web.memswap_limit needs a limit of memory"),
        ("mem_limit: 20m, memswap_limit: 10m", "services.web.memswap_limit is less than the limit of memory"),
        ("mem_swappiness: 101", "services.web.mem_swappiness must be from 0 to 100"),
        ("cpus: -1", "services.web.cpus must be a number above 0"),
        ("cpus: 1, cpu_quota: 5000", "services.web.cpu_quota contradicts 'cpus', which sets both period and quota"),
        ("cpu_period: 10", "services.web.cpu_period must be from 1000 to 1000000 microseconds"),
        ("cpu_quota: 10", "services.web.cpu_quota must be at least 1000 microseconds"),
        ("cpuset: 3-1", "services.web.cpuset is no list of CPUs: '3-1'"),
        ("blkio_config: {weight: 5}", "services.web.blkio_config.weight has a weight of 5, which is not from 10 to 1000"),
        ("cgroup_parent: a/../..", "services.web.cgroup_parent leads out of the hierarchy"),
        ("sysctls: {vm.swappiness: 1}", "services.web.sysctls.vm.swappiness: this setting is the whole host's, no service has one of its own"),
        ("sysctls: {fs.mqueue./../../x: 1}", "services.web.sysctls.fs.mqueue./../../x: this setting is the whole host's, no service has one of its own"),
        ("ipc: host, sysctls: {kernel.shmmax: 1}", "services.web.sysctls.kernel.shmmax: with 'ipc: host' this setting is not the service's own"),
        ("uts: host, sysctls: {kernel.domainname: x}", "services.web.sysctls.kernel.domainname: with 'uts: host' this setting is not the service's own"),
        ("network_mode: host, sysctls: {net.ipv4.ip_forward: 1}", "services.web.sysctls.net.ipv4.ip_forward: the service has the host's network, whose settings are not its own"),
    ])
    func whatDockerRefusesIsRefused(text: String, message: String) {
        #expect(Fixture.errors("services: {web: {command: x, \(text)}}").contains(message), "\(Fixture.errors("services: {web: {command: x, \(text)}}"))")
    }

    @Test func aKillerThatIsOffWithoutALimitIsWarnedOf() {
        #expect(Fixture(["compose.yaml": "services: {web: {command: x, oom_kill_disable: true}}"]).load().warnings == [
            "services.web.oom_kill_disable without a limit of memory can leave the whole host without any"
        ])
    }
}
