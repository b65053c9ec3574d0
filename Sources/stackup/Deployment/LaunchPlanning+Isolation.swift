import Compose
import Glibc
import Linux
import Runner
import YAML

extension LaunchPlanning {
    /// What the file asks of a service's walls, beside mounts and limits.
    mutating func isolate(_ service: Service, _ plan: inout LaunchPlan, _ problems: inout Problems) {
        if service.isPrivileged { grantAll(service, &plan, &problems) } else if user == 0 { limitCapabilities(service, &plan, &problems) }
        let capabilities = plan.capabilities
        let filter = problems.collect { () throws(DeploymentError) in
            try filters.filter(of: service, capabilities: capabilities, from: stack.workingDirectory, folders: &folders)
        } ?? nil
        if filter == .unconfined {
            warn(
                service, "security_opt", "seccomp=unconfined lets the service make every system call of the kernel, keyrings and user namespaces among them",
                remedy: "give it a profile: seccomp=FILE")
        }
        plan.filter = service.isPrivileged ? .unconfined : filter
        let identity = plan.user
        plan.user = problems.collect { () throws(DeploymentError) in try self.user(identity, inGroupsOf: service) } ?? identity
        share(service, &plan)
        if service.namespaces.pid != .own, user != 0 {
            problems.add("'pid' needs root", attribute: "pid", remedy: "remove it, or start the stack as root")
        }
        if service.namespaces.pid != .own, user == 0, !hierarchy.canHoldTogether { missGroup(service, &problems) }
        if case .service(let name) = service.namespaces.ipc, let target = stack.service(name)?.target(below: "/dev/shm") {
            problems.add(
                "'\(name)', whose IPC it shares, mounts \(target), and /dev/shm is shared with the rest", attribute: "ipc",
                remedy: "mount that elsewhere, or share a volume in the place of 'ipc'")
        }
        problems.collect { () throws(DeploymentError) in try devices(of: service, into: &plan) }
        if service.wantsHostUsers, user != 0 {
            problems.add(
                "'userns_mode: host' needs root: an ordinary user's services live in a user namespace", attribute: "userns_mode",
                remedy: "remove it, or start the stack as root")
        }
    }

    /// What stackup itself lacks it can't give.
    private mutating func limitCapabilities(_ service: Service, _ plan: inout LaunchPlan, _ problems: inout Problems) {
        let missing = plan.capabilities.subtracting(ownCapabilities)
        guard !missing.isEmpty else { return }
        let names = missing.names.joined(separator: ", ")
        if let name = service.capAdd.first(where: { CapabilitySet(named: $0).map { !missing.isDisjoint(with: $0) } ?? false }) {
            problems.add(
                "it asks for \(name), which stackup was started without", attribute: service.places.item(of: "cap_add") { $0.string == name },
                remedy: "remove it, or start stackup with it")
        } else if service.capAdd.contains(where: { $0.uppercased() == "ALL" }) {
            plan.capabilities.formIntersection(ownCapabilities)
            warn(service, "cap_add", "the service gets all but \(names), which stackup was started without", remedy: "name those that it needs")
        } else {
            problems.add(
                "services have \(names), which stackup was started without", attribute: "cap_drop",
                remedy: "drop what it doesn't need (cap_drop: [\(names)]), or start stackup with it")
        }
    }

    private mutating func grantAll(_ service: Service, _ plan: inout LaunchPlan, _ problems: inout Problems) {
        guard user == 0 else {
            return problems.add("'privileged' needs root", attribute: "privileged", remedy: "remove it, or start the stack as root")
        }
        plan.capabilities = .permitted
        plan.isPrivileged = true
        warn(
            service, "privileged", "the service has every capability, system call and device of the host: it can take the machine over, "
                + "stackup's secrets and its neighbours' with it", remedy: "name what it needs: 'cap_add', 'devices', 'security_opt'")
    }

    /// The same user with the groups that the service is to be in besides.
    private func user(_ user: UserIdentity, inGroupsOf service: Service) throws(DeploymentError) -> UserIdentity {
        var numbers: [UInt32] = [], kept: [UInt32] = []
        var problems = Problems()
        for text in service.groups {
            func place() -> String { service.places.item(of: "group_add") { ($0.string ?? $0.integer.map { "\($0)" }) == text } }
            guard let number = UInt32(text) ?? UserDatabase.host.groups.first(where: { $0.name == text })?.gid else {
                problems.add("there is no group '\(text)'", attribute: place(), remedy: "add it (groupadd), or give its number")
                continue
            }
            // The caller's own stay with an ordinary user's services anyway, and with subordinate ids with those that run as that user.
            if user.keepsGroups, Self.ownGroups.contains(number) {
                kept.append(number)
                continue
            }
            guard self.user == 0 || possible.hasOtherGroups && possible.has(group: number) || !possible.hasOtherGroups && Self.ownGroups.contains(number) else {
                problems.add(
                    possible.bounds.map { "it wants to be in the group '\(text)', and \($0)" } ?? "only root may add a service to the group '\(text)'",
                    attribute: place(), remedy: possible.remedy("remove it, become a member of the group"))
                continue
            }
            numbers.append(number)
        }
        if numbers.count > Self.mostGroups {
            problems.add(
                "it is to be in \(numbers.count) groups, and a process can be in \(Self.mostGroups) (setgroups(2))", attribute: "group_add",
                remedy: "name fewer groups")
        }
        if !numbers.isEmpty, let own = kept.first {
            problems.add(
                "it can't be in the group \(numbers[0]), a subordinate one, beside \(own), which is yours on this host", attribute: "group_add",
                remedy: "remove one of the two")
        }
        guard problems.isEmpty else { throw problems.error }
        var user = user
        user.groups += numbers.filter { !user.groups.contains($0) }
        if !numbers.isEmpty { user.keepsGroups = false }
        return user
    }

    /// `NGROUPS_MAX`, less those that its user is in by itself.
    private static let mostGroups = 60_000

    private static var ownGroups: Set<UInt32> {
        var groups = [gid_t](repeating: 0, count: Int(max(getgroups(0, nil), 0)))
        let count = getgroups(Int32(groups.count), &groups)
        return Set(groups.prefix(Int(max(count, 0))) + [getegid()])
    }

    // MARK: Namespaces

    private mutating func share(_ service: Service, _ plan: inout LaunchPlan) {
        var namespaces = NamespacePlan()
        namespaces.ipc = origin(service.namespaces.ipc, unless: .own)
        namespaces.uts = origin(service.namespaces.uts, unless: .own)
        namespaces.network = origin(service.namespaces.network, unless: .host)
        namespaces.pid = origin(service.namespaces.pid, unless: .own)
        if namespaces != NamespacePlan() { plan.namespaces = namespaces }
        // Where no pid namespace ends what a service leaves behind, its control group does.
        if namespaces.pid != nil, plan.controls == nil { plan.controls = Runner.ResourceControls() }
        if namespaces.pid == .host {
            warn(
                service, "pid", "the service sees the processes of the whole host, and what processes of the same user, its neighbours' "
                    + "among them, have open and in memory", remedy: "give it a 'user' that nobody else runs as")
        }
        let mounted = Set(plan.mounts.map(\.target))
        if namespaces.ipc == .host {
            for path in ["/dev/shm", "/dev/mqueue"] where !mounted.contains(path) && access(path, F_OK) == 0 {
                plan.mounts.append(.bind(source: path, target: path, readOnly: false))
            }
        }
        if !service.namespaces.hasSharedMemory, !mounted.contains("/dev/shm") {
            plan.mounts.append(.tmpfs(target: "/dev/shm", readOnly: true, size: 4096, mode: 0o755, uid: ownOwner.uid, gid: ownOwner.gid, executable: false))
        }
        if namespaces.uts == .host { plan.hostname = Self.hostName }
    }

    /// Nothing would tell its processes from those that it shares its pid namespace with, at its end or when one of the two is paused.
    private mutating func missGroup(_ service: Service, _ problems: inout Problems) {
        if case .service(let name) = service.namespaces.pid {
            return problems.add(
                "it can't share the processes of '\(name)': no control group can be made that would hold its own together", attribute: "pid",
                remedy: "remove 'pid', or give stackup a hierarchy that it may divide (see docs/limits.md)")
        }
        warn(
            service, "pid", "what the service leaves behind may outlive it where it is killed by force: no control group can be made for it",
            remedy: "give stackup a hierarchy that it may divide (see docs/limits.md)")
    }

    private func origin(_ origin: NamespaceOptions.Origin, unless usual: NamespaceOptions.Origin) -> NamespacePlan.Origin? {
        guard origin != usual else { return nil }
        return switch origin {
        case .own: .own
        case .host: .host
        case .service(let name): .service(name)
        }
    }

    private static var hostName: String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: names.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    mutating func warn(_ service: Service, _ attribute: String, _ message: String, remedy: String) {
        let attribute = service.places.name(of: attribute)
        let path = "services.\(service.name).\(attribute)"
        warnings.append(Diagnostic(.warning, "\(path): \(message)", at: service.location(of: attribute), attribute: path, remedy: remedy))
    }
}

extension Service {
    /// Where it mounts something of its own in a folder of its, or in the place of that: a tmpfs, which is nobody else's, is none.
    fileprivate func target(below folder: String) -> String? {
        let mounted = mounts.filter { mount in if case .tmpfs = mount { false } else { true } }.map(\.target)
        return (mounted + secrets.map(\.target) + configs.map(\.target) + devices.map(\.target)).map(Paths.clean)
            .first { Paths.rest(of: $0, below: folder) != nil || Paths.rest(of: folder, below: $0) != nil }
    }
}
