import Compose
import Glibc
import Linux
import Runner
import YAML

extension LaunchPlanning {
    /// Gives a service the host's devices that it asks for.
    mutating func devices(of service: Service, into plan: inout LaunchPlan) throws(DeploymentError) {
        var problems = Problems()
        var given: [GivenDevice] = []
        for device in service.devices {
            let place = service.places.item(of: "devices") { $0["source"]?.string == device.source }
            guard let nodes = problems.collect({ () throws(DeploymentError) in try nodes(device.source, device.target, at: place, depth: 0) }) else { continue }
            given += nodes.map { GivenDevice(node: $0, permissions: device.permissions, source: device.source) }
        }
        if !service.deviceRequests.isEmpty {
            let cards = GraphicsCards.ofThisHost()
            for request in service.deviceRequests {
                let paths = problems.collect { () throws(DeploymentError) in try cards.nodes(for: request) } ?? []
                for path in paths where !given.contains(where: { $0.node.target == path }) {
                    guard let nodes = problems.collect({ () throws(DeploymentError) in try nodes(path, path, at: request.attribute, depth: 0) }) else { continue }
                    given += nodes.map { GivenDevice(node: $0, permissions: "rwm", source: path) }
                }
            }
        }
        // The node's mode and owner are the host's own; of its data, a mount says nothing.
        plan.mounts += given.map { .bind(source: $0.node.source, target: $0.node.target, readOnly: true) }
        problems.collect { () throws(DeploymentError) in
            if service.deviceRules.isEmpty {
                try deny(given, of: service, &plan)
            } else if !service.isPrivileged {
                try allow(service.deviceRules, given, &plan)
            }
        }
        guard problems.isEmpty else { throw problems.error }
    }

    private struct GivenDevice {
        let node: DeviceNode
        let permissions: String
        /// As the file has it.
        let source: String
    }

    // MARK: Control groups

    private mutating func deny(_ given: [GivenDevice], of service: Service, _ plan: inout LaunchPlan) throws(DeploymentError) {
        var rules: [String] = []
        var unenforced: [String] = []
        for device in given {
            let denied = "rw".filter { !device.permissions.contains($0) }
            guard !denied.isEmpty else { continue }
            if hierarchy.canDenyDevices {
                rules.append("\(device.node.number) \(denied)")
            } else if !unenforced.contains(device.source) {
                unenforced.append(device.source)
            }
        }
        if !unenforced.isEmpty {
            warn(
                service, "devices", "that \(unenforced.joined(separator: ", ")) may be read or written only is not enforced: the service can do both, "
                    + "as far as the node's own mode lets its user", remedy: "set the mode of the node, and give the service a 'user'")
        }
        guard !rules.isEmpty else { return }
        try checkNumber(of: rules, attribute: "devices", remedy: "give it fewer devices, or all of them with rwm")
        var controls = plan.controls ?? Runner.ResourceControls()
        controls.deniedDevices = rules
        plan.controls = controls
    }

    /// What every service may use, by its numbers: null, zero, full, random and urandom, the terminals of its own; and nodes may be made, by
    /// those that have the capability, though none made by them can be opened.
    private static let standardDevices = [
        "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm", "c *:* m", "b *:* m",
    ]

    private mutating func allow(_ rules: [DeviceRule], _ given: [GivenDevice], _ plan: inout LaunchPlan) throws(DeploymentError) {
        guard user == 0, hierarchy.canDenyDevices else {
            throw DeploymentError(
                user == 0
                    ? "'device_cgroup_rules' cannot be enforced: this host has no control groups for devices that stackup may use"
                    : "'device_cgroup_rules' needs root",
                attribute: "device_cgroup_rules",
                remedy: "name the devices in 'devices' instead" + (user == 0 ? ", or mount the 'devices' controller (cgroups(7))" : ", or start the stack as root"))
        }
        var allowed = Self.standardDevices
        allowed += given.map { "\($0.node.number) \($0.permissions)" }
        for rule in rules {
            let numbers = "\(rule.major.map(String.init) ?? "*"):\(rule.minor.map(String.init) ?? "*")"
            for kind in rule.kind == "a" ? ["b", "c"] : [String(rule.kind)] { allowed.append("\(kind) \(numbers) \(rule.permissions)") }
        }
        try checkNumber(of: allowed, attribute: "device_cgroup_rules", remedy: "write wider rules, with * for numbers")
        var controls = plan.controls ?? Runner.ResourceControls()
        controls.allowedDevices = allowed
        plan.controls = controls
    }

    private mutating func checkNumber(of rules: [String], attribute: String, remedy: String) throws(DeploymentError) {
        guard rules.count > DeviceRuleLimit.count, !hierarchy.isLegacy(.devices) else { return }
        throw DeploymentError(
            "it has \(rules.count) rules for devices, and a control group takes \(DeviceRuleLimit.count)", attribute: attribute, remedy: remedy)
    }

    // MARK: Nodes

    private struct DeviceNode {
        /// Real.
        let source: String
        let target: String
        /// `c 1:5`
        let number: String
    }

    /// Folders in folders: more than any /dev has, and few enough to be followed.
    private static let deepest = 32

    /// A device, or those in a folder and the folders in it, as Docker has it.
    private mutating func nodes(_ path: String, _ target: String, at place: String, depth: Int) throws(DeploymentError) -> [DeviceNode] {
        let source = try folders.resolve(path)
        var status = stat()
        guard stat(source, &status) == 0 else {
            throw DeploymentError("the device \(path) cannot be used: \(String(cString: strerror(errno)))", attribute: place, remedy: "correct the path, or plug it in")
        }
        switch status.st_mode & S_IFMT {
        case S_IFCHR, S_IFBLK:
            let number = DeviceNumber(status.st_rdev)
            let kind = status.st_mode & S_IFMT == S_IFCHR ? "c" : "b"
            return [DeviceNode(source: source, target: target, number: "\(kind) \(number)")]
        case S_IFDIR:
            guard depth < Self.deepest else {
                throw DeploymentError(
                    "the folder \(path) lies more than \(Self.deepest) folders deep in the one of devices", attribute: place,
                    remedy: "name the devices, or a folder closer to them")
            }
            let folder: FileDescriptor
            do {
                folder = try FileDescriptor.open(source, O_RDONLY | O_DIRECTORY)
            } catch {
                throw DeploymentError("the devices in \(path) cannot be listed: \(error)", attribute: place, remedy: "name the devices themselves")
            }
            var found: [DeviceNode] = []
            for name in DirectoryListing.names(in: folder.number).sorted() where !["pts", "shm", "fd", "mqueue", ".udev", ".lxc"].contains(name) {
                var inner = stat()
                guard lstat("\(source)/\(name)", &inner) == 0, [S_IFCHR, S_IFBLK, S_IFDIR].contains(inner.st_mode & S_IFMT),
                    !DeviceMapping.isReserved("\(target)/\(name)")
                else { continue }
                found += try nodes("\(source)/\(name)", "\(target)/\(name)", at: place, depth: depth + 1)
            }
            return found
        default:
            throw DeploymentError("\(path) is no device", attribute: place, remedy: "name a device's node; a file or a folder is a volume")
        }
    }
}
