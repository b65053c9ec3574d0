import Compose
import Glibc
import Linux
import Runner
import YAML

/// Turns what a service's file says of limits into the kernel's terms, and says before anything starts what this host can't enforce.
///
/// What Docker refuses is an error, and what it gives up with a warning is a warning.
struct LimitPlanning {
    let service: Service
    let hierarchy: CgroupHierarchy
    let isRoot: Bool
    private(set) var warnings: [Diagnostic] = []

    init(_ service: Service, hierarchy: CgroupHierarchy, isRoot: Bool) {
        self.service = service
        self.hierarchy = hierarchy
        self.isRoot = isRoot
    }

    /// - Returns: nil where nothing needs a group.
    mutating func controls() throws(DeploymentError) -> Runner.ResourceControls? {
        let wanted = service.controls
        guard !wanted.isEmpty || service.hasPrivateCgroupNamespace else { return nil }
        var controls = Runner.ResourceControls()
        var problems = Problems()
        memory(wanted, into: &controls)
        problems.collect { () throws(DeploymentError) in try cpu(wanted, into: &controls) }
        problems.collect { () throws(DeploymentError) in try cpuset(wanted, into: &controls) }
        if let limit = wanted.pidsLimit, hasController(.pids, for: "pids_limit") { controls.pidsLimit = limit }
        problems.collect { () throws(DeploymentError) in try block(wanted, into: &controls) }
        guard problems.isEmpty else { throw problems.error }
        guard controls != Runner.ResourceControls() || service.hasPrivateCgroupNamespace else { return nil }
        controls.parent = wanted.parent
        return controls
    }

    // MARK: Memory

    private mutating func memory(_ wanted: Compose.ResourceControls, into controls: inout Runner.ResourceControls) {
        if let limit = wanted.memoryLimit, hasController(.memory, for: "mem_limit") {
            controls.memoryLimit = limit
            let swap = wanted.memoryAndSwapLimit.map { $0 < 0 ? -1 : $0 - limit } ?? limit
            if hierarchy.countsSwap {
                controls.swapLimit = swap
            } else if swap >= 0 {
                warn("memory is limited, and swap is not: this kernel does not count it", "memswap_limit", remedy: "boot with swapaccount=1")
            }
        }
        if let reservation = wanted.memoryReservation, hasController(.memory, for: "mem_reservation") { controls.memoryReservation = reservation }
        for (isWanted, name) in [(wanted.swappiness != nil, "mem_swappiness"), (wanted.disablesOutOfMemoryKiller, "oom_kill_disable")] where isWanted {
            guard hasController(.memory, for: name) else { continue }
            guard hierarchy.isLegacy(.memory) else {
                warn("it has no effect: cgroup v2 has nothing like it", name, remedy: "remove it")
                continue
            }
            if name == "mem_swappiness" { controls.swappiness = wanted.swappiness } else { controls.disablesOutOfMemoryKiller = true }
        }
    }

    // MARK: CPU

    private mutating func cpu(_ wanted: Compose.ResourceControls, into controls: inout Runner.ResourceControls) throws(DeploymentError) {
        if let cpus = wanted.cpus {
            // Unlike the others, Docker refuses what it can't do here.
            guard hierarchy.canControl(.cpu) else { throw DeploymentError("'cpus' cannot be enforced: \(reason(.cpu))", attribute: "cpus", remedy: remedy(.cpu)) }
            let available = hierarchy.availableCPUs?.count ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))
            guard cpus <= Double(max(available, 1)) else {
                throw DeploymentError("'cpus' is \(cpus), and there are \(available)", attribute: "cpus", remedy: "give it \(available) at most")
            }
            controls.cpuPeriod = 100_000
            // The kernel knows nothing below a millisecond.
            controls.cpuQuota = max(1000, Int64((cpus * 100_000).rounded()))
        }
        if wanted.cpuPeriod != nil || wanted.cpuQuota != nil, hasController(.cpu, for: wanted.cpuQuota == nil ? "cpu_period" : "cpu_quota") {
            controls.cpuPeriod = wanted.cpuPeriod
            controls.cpuQuota = wanted.cpuQuota
        }
        if let shares = wanted.cpuShares, hasController(.cpu, for: "cpu_shares") { controls.cpuShares = shares }
        for (value, name) in [(wanted.realtimePeriod, "cpu_rt_period"), (wanted.realtimeRuntime, "cpu_rt_runtime")] where value != nil {
            guard hierarchy.legacyHas(name == "cpu_rt_period" ? "cpu.rt_period_us" : "cpu.rt_runtime_us", of: .cpu), hierarchy.canControl(.cpu) else {
                throw DeploymentError(
                    "'\(name)' cannot be enforced: this kernel has no control groups for real-time processes", attribute: name,
                    remedy: "remove it, or use a kernel with CONFIG_RT_GROUP_SCHED and cgroup v1")
            }
            if name == "cpu_rt_period" { controls.realtimePeriod = value } else { controls.realtimeRuntime = value }
        }
    }

    private mutating func cpuset(_ wanted: Compose.ResourceControls, into controls: inout Runner.ResourceControls) throws(DeploymentError) {
        guard let cpuset = wanted.cpuset, hasController(.cpuset, for: "cpuset") else { return }
        if let available = hierarchy.availableCPUs, !CPUList.members(of: cpuset).isSubset(of: available) {
            let names = available.sorted().map(String.init).joined(separator: ",")
            throw DeploymentError("'cpuset' asks for CPUs that are not there: \(cpuset)", attribute: "cpuset", remedy: "there are \(names)")
        }
        controls.cpuset = cpuset
    }

    // MARK: Block devices

    private mutating func block(_ wanted: Compose.ResourceControls, into controls: inout Runner.ResourceControls) throws(DeploymentError) {
        guard wanted.blockWeight != nil || !wanted.blockDevices.isEmpty, hasController(.io, for: "blkio_config") else { return }
        let hasWeights = !hierarchy.isLegacy(.io) || hierarchy.legacyHas("blkio.bfq.weight", of: .io)
        if let weight = wanted.blockWeight {
            if hasWeights { controls.blockWeight = weight } else { warnOfWeight("weight") }
        }
        var devices: [Runner.ResourceControls.BlockDevice] = []
        for device in wanted.blockDevices {
            var status = stat()
            guard stat(device.path, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else {
                throw DeploymentError(
                    "'blkio_config' names '\(device.path)', which is no block device", attribute: service.places.item(of: "blkio_config.\(device.kind.rawValue)") { $0["path"]?.string == device.path } + ".path",
                    remedy: "lsblk -p lists them")
            }
            if device.kind == .weight, !hasWeights {
                warnOfWeight("weight_device")
                continue
            }
            let kind: Runner.ResourceControls.BlockDevice.Kind = switch device.kind {
            case .weight: .weight
            case .readBytes: .readBytes
            case .writeBytes: .writeBytes
            case .readOperations: .readOperations
            case .writeOperations: .writeOperations
            }
            devices.append(.init(kind, device: "\(DeviceNumber(status.st_rdev))", value: device.value))
        }
        if !devices.isEmpty { controls.blockDevices = devices }
    }

    private mutating func warnOfWeight(_ name: String) {
        warn("it has no effect: no scheduler of this kernel knows weights", "blkio_config.\(name)", remedy: "load the bfq scheduler, or remove it")
    }

    // MARK: What needs no group

    /// - Returns: nil where the caller's stays.
    func oomScoreAdjustment() throws(DeploymentError) -> Int32? {
        guard let adjustment = service.oomScoreAdjustment else { return nil }
        if adjustment < ownScoreAdjustment, !holdsResourceCapability {
            throw DeploymentError(
                "'oom_score_adj' is \(adjustment), and a score below the caller's needs CAP_SYS_RESOURCE", attribute: "oom_score_adj",
                remedy: "raise it to \(ownScoreAdjustment) or more, or start the stack as root")
        }
        return Int32(clamping: adjustment)
    }

    private var ownScoreAdjustment: Int {
        let bytes = try? FileDescriptor.open("/proc/self/oom_score_adj", O_RDONLY).readAll(limit: 16)
        return bytes.flatMap { Int(String(decoding: $0.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) } ?? 0
    }

    private var holdsResourceCapability: Bool { CapabilitySet.permitted.contains(CapabilitySet(named: "CAP_SYS_RESOURCE") ?? []) }

    /// - Returns: nil where there are none.
    func namespaceSettings() throws(DeploymentError) -> [NamespaceSetting]? {
        guard !service.kernelSettings.isEmpty else { return nil }
        guard isRoot else {
            throw DeploymentError("'sysctls' needs root", attribute: "sysctls", remedy: "remove it, or start the stack as root")
        }
        let settings = service.kernelSettings.map { NamespaceSetting(name: $0.name, value: $0.value) }
        var problems = Problems()
        for (setting, error) in NamespaceSettingTrial.refusals(of: settings) {
            let attribute = "sysctls.\(setting.name)"
            if error.code == ENOENT {
                problems.add("'sysctls' has '\(setting.name)', which a namespace of this kernel does not have", attribute: attribute, remedy: "remove it")
            } else {
                problems.add(
                    "'sysctls' sets '\(setting.name)' to '\(setting.value)', which the kernel does not take: \(String(cString: strerror(error.code)))",
                    attribute: attribute, remedy: "correct the value")
            }
        }
        guard problems.isEmpty else { throw problems.error }
        return settings
    }

    // MARK: What is missing

    private mutating func hasController(_ controller: CgroupController, for attribute: String) -> Bool {
        if hierarchy.canControl(controller) { return true }
        warn("it cannot be enforced: \(reason(controller))", attribute, remedy: remedy(controller))
        return false
    }

    private func reason(_ controller: CgroupController) -> String {
        hierarchy.has(controller)
            ? "this user may not divide the '\(controller.rawValue)' controller's control groups" : "this host has no '\(controller.rawValue)' controller for control groups"
    }

    private func remedy(_ controller: CgroupController) -> String {
        hierarchy.has(controller)
            ? "start the stack as root, or in a scope of its own: systemd-run --user --scope -p Delegate=yes stackup up -d"
            : "mount or enable it (cgroups(7)), or remove the limit"
    }

    private mutating func warn(_ message: String, _ attribute: String, remedy: String) {
        let attribute = service.places.name(of: attribute)
        let path = "services.\(service.name).\(attribute)"
        warnings.append(Diagnostic(.warning, "\(path): \(message)", at: service.location(of: attribute), attribute: path, remedy: remedy))
    }
}
