import CLinux
import Glibc
import Linux
import Reconciler
import SystemCalls

/// What `stackup-init` is told to do: a list of operations in words, each ended by a NUL
/// (Sources/stackup-init/specification.h reads them).
struct InitSpecification {
    private(set) var bytes: [UInt8] = []
    /// Whether something of the host's tree is to be mounted.
    private(set) var namesHostPaths = false

    mutating func put(_ word: String) throws(LaunchError) {
        // `contains` goes through a text byte by byte: too slow for the /etc/hosts of a thousand services.
        let hasNUL = word.utf8.withContiguousStorageIfAvailable { memchr($0.baseAddress!, 0, $0.count) != nil } ?? word.utf8.contains(0)
        guard !hasNUL else {
            throw LaunchError("a NUL byte stands in '\(word.prefix { $0 != "\0" })'; remove it")
        }
        bytes += word.utf8
        bytes.append(0)
    }

    mutating func put(_ words: [String]) throws(LaunchError) {
        for word in words { try put(word) }
    }

    mutating func put(_ number: some BinaryInteger) throws(LaunchError) {
        try put(String(number))
    }

    /// Something that may hold any byte: its length goes first.
    mutating func put(_ content: [UInt8]) throws(LaunchError) {
        try put(content.count)
        bytes += content
        bytes.append(0)
    }

    mutating func putList(_ words: [String]) throws(LaunchError) {
        try put(words.count)
        try put(words)
    }
}

extension InitSpecification {
    /// The specification of what prepares a view of the host.
    ///
    /// - Parameters:
    ///   - hiddenPaths: what only mounts may name.
    ///   - processMounts: where processes are mounted.
    ///   - writable: whether the host's folders are.
    static func view(
        masks: [String], hiddenPaths: [String], processMounts: [String], writable: Bool, isUnprivileged: Bool
    ) throws(LaunchError) -> InitSpecification {
        var specification = InitSpecification()
        try specification.put("view")
        if isUnprivileged { try specification.put("unprivileged") }
        if writable { try specification.put("writable") }
        for path in masks { try specification.put(["mask", path]) }
        for path in hiddenPaths { try specification.put(["hide", path]) }
        for path in processMounts { try specification.put(["processes", path]) }
        return specification
    }

    /// The specification of pid 1 of an instance.
    ///
    /// - Parameters:
    ///   - view: what it sees of the host.
    ///   - status: the number of the descriptor that its status is written by, and where: an offset in bytes.
    ///   - groups: the numbers of the descriptors that it joins control groups by.
    ///   - shared: namespaces of other instances, by the numbers of pidfds.
    ///   - sharedMemory: the number of a mount that becomes its /dev/shm.
    ///   - targets: the targets of the files outside `/run/secrets`, in the order of their mount descriptors.
    ///   - caller: who waits for a one-off, and the number of its socket.
    ///   - isUnprivileged: whether it runs in a user namespace of an unprivileged caller.
    static func launch(
        _ plan: LaunchPlan, index: Int, in view: HostView, status: (number: Int, offset: Int), targets: [String], groups: Range<Int>,
        shared: [(number: Int, kinds: UInt64)] = [],
        sharedMemory: Int? = nil, caller: (InstanceCaller, socket: Int)? = nil, isUnprivileged: Bool
    ) throws(LaunchError) -> InitSpecification {
        let hostname = plan.hostname(ofInstance: index)
        var specification = InitSpecification()
        try specification.put("launch")
        if isUnprivileged { try specification.put("unprivileged") }
        // Behind a word of its own: a name may be any of the words.
        try specification.put(["hostname", hostname])
        try specification.putGroups(groups)
        if plan.hasPrivateCgroupNamespace == true { try specification.put("cgroupns") }
        for namespaces in shared {
            let kinds = namespaces.kinds & ~UInt64(CLINUX_NEWPID)
            if kinds != 0 { try specification.put(["enter", String(namespaces.number), String(kinds)]) }
        }
        if plan.namespaces?.pid ?? .own != .own { try specification.put("amongothers") }
        if plan.namespaces?.uts == .host { try specification.put("keephostname") }
        switch plan.namespaces?.network {
        case .own?: try specification.put("loopback")
        case .service?: try specification.put("network")
        default: break
        }
        if plan.namespaces?.ipc == .host { try specification.put("hostipc") }
        if let sharedMemory { try specification.put(["shmtree", String(sharedMemory)]) }
        if plan.isPrivileged == true {
            try specification.put("privileged")
            specification.namesHostPaths = true
        }
        try specification.put(["status", String(status.number), String(status.offset)])
        if let (caller, socket) = caller {
            try specification.put(["caller", String(socket)])
            if case .terminal(let size) = caller.streams { try specification.put(["terminal", String(size.rows), String(size.columns)]) }
        }
        try specification.put(plan.filter, for: plan.capabilities)
        if plan.canBeFilteredFirst && caller == nil { try specification.put("filterfirst") }
        if view.isOfEarlierMoment {
            for path in view.masks { try specification.put(["maskagain", path]) }
            // A driver may have brought the latter meanwhile.
            for path in view.hiddenPaths + Self.hiddenKernelPaths { try specification.put(["hideagain", path]) }
        }
        for path in view.surroundings.writableFolders { try specification.put(["distrust", path]) }
        for pin in plan.pins(of: view.masks + view.hiddenPaths + view.processMounts) { try specification.put(["pin", pin.onHost]) }
        let mounts = try specification.putSources(plan)
        if specification.namesHostPaths {
            for path in view.processMounts { try specification.put(["processes", path]) }
        }
        for setting in plan.namespaceSettings ?? [] { try specification.put(["sysctl", setting.name, setting.value]) }
        if let size = plan.sharedMemorySize { try specification.put(["shm", String(size)]) }
        try specification.putMounts(mounts)
        for target in targets { try specification.put(["target", target]) }
        for path in plan.aliases(ofHidden: view.hiddenPaths) { try specification.put(["hide", path]) }
        try specification.putHosts(plan, in: view, hostname: hostname)
        // Where the host has no other, none can come along with a folder.
        if view.processMounts.contains(where: { $0 != "/proc" }) { try specification.put("checkprocesses") }
        // The end of the mounts: limits follow.
        try specification.putIdentity(
            user: plan.user, limits: plan.limits, oomScoreAdjustment: plan.oomScoreAdjustment, capabilities: plan.capabilities, directory: plan.workingDirectory,
            environment: plan.completed(plan.environment, inInstance: index), arguments: plan.arguments)
        return specification
    }

    /// What `cover_sys` of stackup-init hides.
    private static let hiddenKernelPaths = ["/sys/firmware", "/sys/devices/virtual/powercap"]

    /// Who runs a further command in an instance.
    enum Caller {
        /// A person's command, outside of the user namespace that an unprivileged user's instances are in.
        case command(hasTerminal: Bool)
        /// It is in that namespace itself, and says when the command is to be killed.
        case supervisor
        /// The same from outside of it.
        case watcher
    }

    /// The specification of a further command in a running instance.
    ///
    /// - Parameter groups: the numbers of the descriptors that it joins the instance's control groups by.
    static func join(
        user: UserIdentity, limits: [ResourceLimit], oomScoreAdjustment: Int32?, capabilities: CapabilitySet, filter: SystemCallFilter?,
        directory: String, environment: [String], arguments: [String], groups: Range<Int>, caller: Caller,
        namespaces: NamespacePlan?, hasPrivateCgroupNamespace: Bool, isUnprivileged: Bool
    ) throws(LaunchError) -> InitSpecification {
        var specification = InitSpecification()
        try specification.put("join")
        if isUnprivileged { try specification.put("unprivileged") }
        switch caller {
        case .command(let hasTerminal): if hasTerminal { try specification.put("terminal") }
        case .supervisor: try specification.put("supervised")
        case .watcher: try specification.put(["supervised", "outside"])
        }
        if let namespaces { try specification.put(["namespaces", String(namespaces.entered)]) }
        if hasPrivateCgroupNamespace { try specification.put("cgroupns") }
        try specification.putGroups(groups)
        try specification.put(filter, for: capabilities)
        try specification.putIdentity(
            user: user, limits: limits, oomScoreAdjustment: oomScoreAdjustment, capabilities: capabilities, directory: directory,
            environment: environment, arguments: arguments)
        return specification
    }

    private mutating func put(_ filter: SystemCallFilter?, for capabilities: CapabilitySet) throws(LaunchError) {
        let program: FilterProgram
        switch filter {
        case .unconfined?: return try put("unfiltered")
        case .program(let own)?: program = own
        case nil: program = try StandardFilter.program(for: capabilities)
        }
        try put("filter")
        try put(program.flags)
        try put(program.instructions)
    }

    private mutating func putGroups(_ numbers: Range<Int>) throws(LaunchError) {
        if !numbers.isEmpty { try put(["groups", String(numbers.lowerBound), String(numbers.count)]) }
    }

    /// A mount and the place of its source among the sources, if it has one.
    private struct NumberedMount {
        let plan: MountPlan
        let source: Int?
    }

    private mutating func putSources(_ plan: LaunchPlan) throws(LaunchError) -> [NumberedMount] {
        var mounts: [NumberedMount] = []
        var count = 0
        for mount in plan.mounts {
            if case .bind(let source, _, _) = mount {
                let hasDevices = plan.controls?.allowedDevices != nil && Paths.rest(of: source, below: "/dev") != nil
                    && Paths.rest(of: source, below: "/dev/pts") == nil
                try put([hasDevices ? "devicesource" : "source", source])
                namesHostPaths = true
                mounts.append(NumberedMount(plan: mount, source: count))
                count += 1
            } else {
                mounts.append(NumberedMount(plan: mount, source: nil))
            }
        }
        return mounts
    }

    /// Outer targets first, so that an inner one lands on what it is meant for. `/run/secrets` takes its turn.
    private mutating func putMounts(_ mounts: [NumberedMount]) throws(LaunchError) {
        func depth(_ target: String) -> Int { Paths.components(target).count }
        let secretsDepth = depth("/run/secrets")
        var secretsAreMounted = false
        for mount in mounts.sorted(by: { depth($0.plan.target) < depth($1.plan.target) }) {
            if !secretsAreMounted, depth(mount.plan.target) >= secretsDepth {
                try put("secrets")
                secretsAreMounted = true
            }
            switch mount.plan {
            case .bind(_, let target, let readOnly):
                try put("bind")
                try put(mount.source ?? 0)
                try put(readOnly ? 1 : 0)
                try put(target)
            case .tmpfs(let target, let readOnly, let size, let mode, let uid, let gid, let executable):
                try put("tmpfs")
                try put(readOnly ? 1 : 0)
                try put([size.map(String.init) ?? "", String(mode, radix: 8)])
                try put(uid)
                try put(gid)
                try put(executable ? 1 : 0)
                try put(target)
            }
        }
        if !secretsAreMounted { try put("secrets") }
    }

    private mutating func putHosts(_ plan: LaunchPlan, in view: HostView, hostname: String) throws(LaunchError) {
        let taken = Set(plan.mounts.map(\.target))
        var lines = view.hostsFile
        if let last = lines.utf8.last, last != UInt8(ascii: "\n") { lines += "\n" }
        lines += "127.0.1.1\t\(hostname)\n"
        for entry in plan.hosts { lines += "\(entry.address)\t\(entry.name)\n" }
        lines += view.serviceHosts(but: Set(plan.hosts.map(\.name)))
        if !taken.contains("/etc/hosts") { try put(["text", "/etc/hosts", lines]) }
        if !taken.contains("/etc/hostname") { try put(["text", "/etc/hostname", hostname + "\n"]) }
    }

    private mutating func putIdentity(
        user: UserIdentity, limits: [ResourceLimit], oomScoreAdjustment: Int32?, capabilities: CapabilitySet, directory: String,
        environment: [String], arguments: [String]
    ) throws(LaunchError) {
        for limit in limits {
            try put("limit")
            try put(limit.resource)
            try put(limit.soft)
            try put(limit.hard)
        }
        if let oomScoreAdjustment { try put(["oom", String(oomScoreAdjustment)]) }
        try put(user.keepsGroups ? "keepgroups" : "setgroups")
        try put(user.uid)
        try put(user.gid)
        try putList(user.groups.map(String.init))
        try put(capabilities.rawValue)
        try put(directory)
        try putList(environment)
        try putList(arguments)
    }
}
