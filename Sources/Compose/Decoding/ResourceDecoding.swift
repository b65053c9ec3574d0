import Words
import YAML

/// Reads what bounds a service's resources, and refuses what an engine refuses whatever the host.
///
/// Source: Docker's checks of a container's configuration, and those of runc for `sysctls`.
struct ResourceDecoding {
    /// `services.NAME`.
    let path: String
    let service: String
    let node: Node
    let reporter: Reporter

    private static let megabyte: Int64 = 1_048_576
    private static let leastMemory = 6 * megabyte

    func decode(into service: inout Service) {
        var controls = ResourceControls()
        memory(into: &controls)
        cpu(into: &controls)
        controls.pidsLimit = number("deploy.resources.limits.pids") ?? number("pids_limit")
        // As in Docker, nothing below 1 is a limit.
        if let limit = controls.pidsLimit, limit < 1 { controls.pidsLimit = nil }
        block(into: &controls)
        controls.parent = text("cgroup_parent")
        if controls.parent?.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) == true {
            refuse("leads out of the hierarchy", "cgroup_parent", remedy: "name a group without '..'")
        }
        service.controls = controls
        service.oomScoreAdjustment = number("oom_score_adj").map { Int(clamping: $0) }
        service.hasPrivateCgroupNamespace = text("cgroup") == "private"
        if let size = number("shm_size"), size != 0 {
            if size < 0 { refuse("must not be negative", "shm_size", remedy: "write a size such as 64m") }
            service.sharedMemorySize = size
        }
        service.kernelSettings = kernelSettings()
    }

    // MARK: Memory

    private func memory(into controls: inout ResourceControls) {
        let limit = size("mem_limit", "deploy.resources.limits.memory")
        let reservation = size("mem_reservation", "deploy.resources.reservations.memory")
        controls.memoryLimit = limit?.value
        controls.memoryReservation = reservation?.value
        for (size, name) in [(limit, "a limit"), (reservation, "a reservation")] {
            if let size, size.value < Self.leastMemory {
                refuse("is too little: \(name) of memory is at least 6 MiB", size.name, remedy: "write 6m or more")
            }
        }
        if let limit, let reservation, reservation.value > limit.value {
            refuse("is more than the limit of memory", reservation.name, remedy: "reserve less, or raise the limit")
        }
        let both = number("memswap_limit") ?? 0
        if both < -1 { refuse("must not be below -1", "memswap_limit", remedy: "-1 is unlimited") }
        if both > 0 {
            if let limit, both < limit.value {
                refuse("is less than the limit of memory", "memswap_limit", remedy: "it counts memory and swap together: raise it")
            } else if limit == nil {
                refuse("needs a limit of memory", "memswap_limit", remedy: "give the service a 'mem_limit'")
            }
        }
        if both != 0 { controls.memoryAndSwapLimit = both }
        if let swappiness = number("mem_swappiness"), swappiness != 0 {
            controls.swappiness = swappiness
            if !(0...100).contains(swappiness) { refuse("must be from 0 to 100", "mem_swappiness", remedy: "0 swaps least, 100 most") }
        }
        controls.disablesOutOfMemoryKiller = node["oom_kill_disable"]?.bool ?? false
        if controls.disablesOutOfMemoryKiller, limit == nil, let place = place("oom_kill_disable") {
            reporter.advise(
                "\(path).oom_kill_disable without a limit of memory can leave the whole host without any", at: place,
                attribute: "\(path).oom_kill_disable", remedy: "give the service a 'mem_limit'")
        }
    }

    /// What `deploy` says goes before what the service says. 0 is nothing written.
    private func size(_ own: String, _ deployed: String) -> (value: Int64, name: String)? {
        for name in [deployed, own] {
            if let value = number(name), value != 0 { return (value, name) }
        }
        return nil
    }

    // MARK: CPU

    private func cpu(into controls: inout ResourceControls) {
        let name = entry("deploy.resources.limits.cpus") == nil ? "cpus" : "deploy.resources.limits.cpus"
        if let cpus = entry(name)?.scalarText.flatMap(Double.init), cpus != 0 {
            controls.cpus = cpus
            if !cpus.isFinite || cpus < 0.001 { refuse("must be a number above 0", name, remedy: "write for example 0.5") }
        }
        controls.cpuPeriod = number("cpu_period").flatMap { $0 == 0 ? nil : $0 }
        controls.cpuQuota = number("cpu_quota").flatMap { $0 == 0 ? nil : $0 }
        controls.cpuShares = number("cpu_shares").flatMap { $0 == 0 ? nil : $0 }
        controls.realtimePeriod = number("cpu_rt_period").flatMap { $0 == 0 ? nil : $0 }
        controls.realtimeRuntime = number("cpu_rt_runtime").flatMap { $0 == 0 ? nil : $0 }
        if controls.cpus != nil {
            for name in ["cpu_period", "cpu_quota"] where number(name) ?? 0 != 0 {
                refuse("contradicts 'cpus', which sets both period and quota", name, remedy: "remove one of the two")
            }
        }
        if let period = controls.cpuPeriod, !(1000...1_000_000).contains(period) {
            refuse("must be from 1000 to 1000000 microseconds", "cpu_period", remedy: "100000 is usual")
        }
        if let quota = controls.cpuQuota, quota > 0, quota < 1000 {
            refuse("must be at least 1000 microseconds", "cpu_quota", remedy: "for example 50000 is half a CPU")
        }
        if let shares = controls.cpuShares, shares < 0 { refuse("must not be negative", "cpu_shares", remedy: "1024 is usual") }
        if let runtime = controls.realtimeRuntime, let period = controls.realtimePeriod, runtime > period {
            refuse("is more than cpu_rt_period", "cpu_rt_runtime", remedy: "the runtime is a part of the period")
        }
        controls.cpuset = text("cpuset")
        if let cpuset = controls.cpuset, !Self.isCPUList(cpuset) {
            refuse("is no list of CPUs: '\(cpuset)'", "cpuset", remedy: "write for example 0-2,4")
        }
    }

    /// `0-2,4`
    private static func isCPUList(_ text: String) -> Bool {
        text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            switch (ends.count, ends.first ?? nil, ends.last ?? nil) {
            case (1, _?, _): return true
            case (2, let first?, let last?): return first <= last
            default: return false
            }
        }
    }

    // MARK: Block devices

    private func block(into controls: inout ResourceControls) {
        guard entry("blkio_config") != nil else { return }
        if let weight = number("blkio_config.weight"), weight != 0 {
            controls.blockWeight = weight
            check(weight: weight, "blkio_config.weight")
        }
        for kind: ResourceControls.BlockDevice.Kind in [.weight, .readBytes, .readOperations, .writeBytes, .writeOperations] {
            let name = "blkio_config.\(kind.rawValue)"
            for item in entry(name)?.sequence ?? [] {
                let value = (item["weight"] ?? item["rate"])?.scalarText.flatMap(Int64.init) ?? 0
                let device = ResourceControls.BlockDevice(kind, path: item["path"]?.string ?? "", value: value)
                if kind == .weight { check(weight: value, name) }
                if value < 0 { refuse("must not be negative", name, remedy: "0 is unlimited") }
                if !device.path.utf8.starts(with: "/".utf8) { refuse("has no absolute path of a device", name, remedy: "for example /dev/sda") }
                controls.blockDevices.append(device)
            }
        }
    }

    private func check(weight: Int64, _ name: String) {
        if !(10...1000).contains(weight) { refuse("has a weight of \(weight), which is not from 10 to 1000", name, remedy: "500 is usual") }
    }

    // MARK: Kernel settings

    /// Settings that belong to the IPC and UTS namespaces, which an instance has of its own unless it asks for others.
    private static let own: Set<String> = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
        "kernel.shm_rmid_forced", "kernel.domainname",
    ]

    private func kernelSettings() -> [KernelSetting] {
        var settings: [KernelSetting] = []
        for item in node["sysctls"]?.mapping?.entries ?? [] {
            let name = "sysctls.\(item.key)"
            let setting = item.key.contains("/") ? String(item.key.map { $0 == "/" ? "." : $0 }) : item.key
            if setting.hasPrefix("net.") {
                if text("network_mode") == "none" {
                    settings.append(KernelSetting(name: setting, value: item.value.string ?? ""))
                } else if let mode = text("network_mode"), mode.hasPrefix("service:") {
                    reporter.obstacle(
                        "\(path).\(name): the service has another one's network, whose settings are not its own", at: item.keyPlace,
                        attribute: "\(path).\(name)", remedy: "remove it")
                } else if text("network_mode") == "host" {
                    reporter.obstacle(
                        "\(path).\(name): the service has the host's network, whose settings are not its own", at: item.keyPlace,
                        attribute: "\(path).\(name)", remedy: "set it on the host (sysctl), or remove it")
                } else {
                    reporter.note(
                        NoEffect.Use(
                            attribute: "\(path).\(name)", pattern: "services.*.sysctls.net", owner: service, place: item.keyPlace,
                            reason: Reason.network))
                }
            } else if Self.own.contains(setting) || setting.hasPrefix("fs.mqueue.") && Self.isName(setting) {
                let kind = setting == "kernel.domainname" ? "uts" : "ipc"
                if let mode = text(kind), mode == "host" || mode.hasPrefix("service:") {
                    reporter.obstacle(
                        "\(path).\(name): with '\(kind): \(mode)' this setting is not the service's own", at: item.keyPlace,
                        attribute: "\(path).\(name)", remedy: "remove one of the two")
                } else {
                    settings.append(KernelSetting(name: setting, value: item.value.string ?? ""))
                }
            } else {
                reporter.obstacle(
                    "\(path).\(name): this setting is the whole host's, no service has one of its own", at: item.keyPlace,
                    attribute: "\(path).\(name)", remedy: "set it on the host (sysctl), or remove it")
            }
        }
        return settings
    }

    private static func isName(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") }
        }
    }

    // MARK: Values

    private func entry(_ name: String) -> Node? {
        // Most services have none of all this, and are asked for each of it.
        var copy = name
        guard let length = copy.withUTF8({ $0.firstIndex(of: UInt8(ascii: ".")) }) else { return node[name] }
        let dot = name.utf8.index(name.startIndex, offsetBy: length)
        var found = node[String(name[..<dot])]
        guard found != nil else { return nil }
        for part in name[name.utf8.index(after: dot)...].split(separator: ".") { found = found?[String(part)] }
        return found
    }

    private func place(_ name: String) -> Place? { entry(name)?.place }

    private func text(_ name: String) -> String? { entry(name)?.string.flatMap { $0.isEmpty ? nil : $0 } }

    /// Of a canonical number, whether it is kept as a text or not.
    private func number(_ name: String) -> Int64? { entry(name)?.scalarText.flatMap(Int64.init) }

    private func refuse(_ what: String, _ name: String, remedy: String) {
        reporter.obstacle("\(path).\(name) \(what)", at: place(name), attribute: "\(path).\(name)", remedy: remedy)
    }
}
