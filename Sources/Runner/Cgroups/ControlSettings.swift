import Linux

/// A value that a group's file gets.
struct ControlSetting: Equatable {
    let controller: CgroupController
    let file: String
    let value: String
}

/// What limits mean in the files of the two versions.
///
/// Source: the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst, and the OCI runtime specification.
extension ResourceControls {
    /// In the order in which they are written.
    func settings(legacy: Set<CgroupController>) -> [ControlSetting] {
        var settings: [ControlSetting] = []
        for controller: CgroupController in [.memory, .cpu, .cpuset, .pids, .io, .devices] {
            let isLegacy = legacy.contains(controller)
            let files = switch controller {
            case .memory: isLegacy ? legacyMemory : unifiedMemory
            case .cpu: isLegacy ? legacyCPU : unifiedCPU
            case .cpuset: cpuset.map { [("cpuset.cpus", $0)] } ?? []
            // Pid 1 of the instance is none of the service's.
            case .pids: pidsLimit.map { [("pids.max", $0 >= 4_194_304 ? "max" : String($0 + 1))] } ?? []
            case .io: isLegacy ? legacyIO : unifiedIO
            case .devices: isLegacy ? legacyDevices : []
            case .freezer: [(String, String)]()
            }
            settings += files.map { ControlSetting(controller: controller, file: $0.0, value: $0.1) }
        }
        return settings
    }

    // MARK: v1

    private var legacyMemory: [(String, String)] {
        var files: [(String, String)] = []
        if let memoryLimit {
            files.append(("memory.limit_in_bytes", "\(memoryLimit)"))
            if let swapLimit {
                let both = swapLimit < 0 ? "-1" : "\(memoryLimit.addingReportingOverflow(swapLimit).partialValue)"
                files.append(("memory.memsw.limit_in_bytes", both))
            }
        }
        if let memoryReservation { files.append(("memory.soft_limit_in_bytes", "\(memoryReservation)")) }
        if let swappiness { files.append(("memory.swappiness", "\(swappiness)")) }
        if disablesOutOfMemoryKiller == true { files.append(("memory.oom_control", "1")) }
        return files
    }

    private var legacyCPU: [(String, String)] {
        var files: [(String, String)] = []
        if let realtimePeriod { files.append(("cpu.rt_period_us", "\(realtimePeriod)")) }
        if let realtimeRuntime { files.append(("cpu.rt_runtime_us", "\(realtimeRuntime)")) }
        if let cpuShares { files.append(("cpu.shares", "\(cpuShares)")) }
        if let cpuPeriod { files.append(("cpu.cfs_period_us", "\(cpuPeriod)")) }
        if let cpuQuota { files.append(("cpu.cfs_quota_us", "\(cpuQuota)")) }
        return files
    }

    private var legacyIO: [(String, String)] {
        var files: [(String, String)] = []
        if let blockWeight { files.append(("blkio.bfq.weight", "\(blockWeight)")) }
        for device in blockDevices ?? [] {
            let file = switch device.kind {
            case .weight: "blkio.bfq.weight_device"
            case .readBytes: "blkio.throttle.read_bps_device"
            case .writeBytes: "blkio.throttle.write_bps_device"
            case .readOperations: "blkio.throttle.read_iops_device"
            case .writeOperations: "blkio.throttle.write_iops_device"
            }
            files.append((file, "\(device.device) \(device.value)"))
        }
        return files
    }

    private var legacyDevices: [(String, String)] {
        guard let allowedDevices else { return (deniedDevices ?? []).map { ("devices.deny", $0) } }
        return [("devices.deny", "a")] + allowedDevices.map { ("devices.allow", $0) }
    }

    // MARK: v2

    private var unifiedMemory: [(String, String)] {
        var files: [(String, String)] = []
        if let memoryLimit { files.append(("memory.max", "\(memoryLimit)")) }
        if let swapLimit { files.append(("memory.swap.max", swapLimit < 0 ? "max" : "\(swapLimit)")) }
        if let memoryReservation { files.append(("memory.low", "\(memoryReservation)")) }
        return files
    }

    private var unifiedCPU: [(String, String)] {
        var files: [(String, String)] = []
        if let cpuShares { files.append(("cpu.weight", "\(Self.weight(ofShares: cpuShares))")) }
        if cpuQuota != nil || cpuPeriod != nil {
            let quota = cpuQuota.flatMap { $0 < 0 ? nil : "\($0)" } ?? "max"
            files.append(("cpu.max", "\(quota) \(cpuPeriod ?? 100_000)"))
        }
        return files
    }

    private var unifiedIO: [(String, String)] {
        var files: [(String, String)] = []
        if let blockWeight { files.append(("io.weight", "default \(Self.weight(ofBlockWeight: blockWeight))")) }
        for device in blockDevices ?? [] {
            let value = device.value == 0 ? "max" : "\(device.value)"
            switch device.kind {
            case .weight: files.append(("io.weight", "\(device.device) \(Self.weight(ofBlockWeight: device.value))"))
            case .readBytes: files.append(("io.max", "\(device.device) rbps=\(value)"))
            case .writeBytes: files.append(("io.max", "\(device.device) wbps=\(value)"))
            case .readOperations: files.append(("io.max", "\(device.device) riops=\(value)"))
            case .writeOperations: files.append(("io.max", "\(device.device) wiops=\(value)"))
            }
        }
        return files
    }

    /// 2…262144 to 1…10000, as the OCI runtimes do.
    private static func weight(ofShares shares: Int64) -> Int64 { 1 + (min(max(shares, 2), 262_144) - 2) * 9999 / 262_142 }

    /// 10…1000 to 1…10000.
    private static func weight(ofBlockWeight weight: Int64) -> Int64 { 1 + (min(max(weight, 10), 1000) - 10) * 9999 / 990 }
}
