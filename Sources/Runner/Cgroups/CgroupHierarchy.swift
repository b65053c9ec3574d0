import CLinux
import Glibc
import Linux

/// What distributes one kind of resource among control groups (cgroups(7)).
public enum CgroupController: String, Sendable, CaseIterable {
    case cpu, cpuset, memory, pids, freezer
    /// Of v1 only.
    case devices
    /// `blkio` in v1.
    case io
}

/// The control groups that this host has, as this process sees them: v2, v1, or v1 with a v2 beside it that has few controllers or none.
public struct CgroupHierarchy: Sendable, Equatable {
    /// One mounted hierarchy.
    public struct Mount: Sendable, Equatable {
        /// Where it is mounted.
        public let place: String
        /// The group that this process is in: a folder below `place`.
        public let own: String
    }

    /// Of v1, by controller.
    let legacy: [CgroupController: Mount]
    /// v2.
    let unified: Mount?
    /// Where groups may be made in v2; nil: nowhere.
    let unifiedParent: UnifiedParent?

    /// A group of v2 with room for others.
    struct UnifiedParent: Sendable, Equatable {
        let path: String
        let controllers: Set<CgroupController>
        /// Whether this process is in it: it has to leave before controllers are handed on.
        let isOwn: Bool
    }

    /// This host's.
    public static func current() -> CgroupHierarchy {
        CgroupHierarchy(
            mountInfo: ControlFile.read("/proc/thread-self/mountinfo") ?? "", ownGroups: ControlFile.read("/proc/thread-self/cgroup") ?? "",
            isRoot: geteuid() == 0)
    }

    /// - Parameters:
    ///   - mountInfo: `/proc/self/mountinfo`.
    ///   - ownGroups: `/proc/self/cgroup`.
    ///   - isRoot: whether all of the hierarchies are ours.
    ///   - isDelegated: whether a group of v2 was handed to who runs in it.
    init(mountInfo: String, ownGroups: String, isRoot: Bool, isDelegated: (String) -> Bool = { clinux_is_delegated($0) == 1 }) {
        let own = Self.ownGroups(ownGroups)
        var legacy: [CgroupController: Mount] = [:]
        var unified: Mount?
        for line in mountInfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let hyphen = fields.firstIndex(of: "-"), hyphen >= 6, fields.count > hyphen + 3 else { continue }
            let root = String(fields[3]), place = String(fields[4])
            guard !place.contains("\\") else { continue }
            switch fields[hyphen + 1] {
            case "cgroup2":
                if let path = own[""] { unified = unified ?? Mount(place: place, own: Self.folder(of: path, root: root, place: place)) }
            case "cgroup":
                let options = Set(fields[hyphen + 3].split(separator: ",").map(String.init))
                for controller in CgroupController.allCases {
                    guard options.contains(controller.legacyName), let path = own[controller.legacyName] else { continue }
                    legacy[controller] = legacy[controller] ?? Mount(place: place, own: Self.folder(of: path, root: root, place: place))
                }
            default: continue
            }
        }
        self.legacy = legacy
        self.unified = unified
        unifiedParent = unified.flatMap { Self.parent(in: $0, isRoot: isRoot, isDelegated: isDelegated) }
    }

    /// By the name of the controller; v2 by the empty one.
    private static func ownGroups(_ text: String) -> [String: String] {
        var groups: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[1].isEmpty { groups[""] = String(fields[2]) }
            for name in fields[1].split(separator: ",") { groups[String(name)] = String(fields[2]) }
        }
        return groups
    }

    /// - Parameter root: what of the hierarchy is mounted.
    private static func folder(of group: String, root: String, place: String) -> String {
        guard let rest = Paths.rest(of: group, below: root), !rest.isEmpty else { return place }
        return "\(place)/\(rest)"
    }

    /// A group that was handed to us to divide; else the whole hierarchy, where that is ours; else the widest that is.
    private static func parent(in mount: Mount, isRoot: Bool, isDelegated: (String) -> Bool) -> UnifiedParent? {
        var ways: [String] = [mount.own]
        while let last = ways.last, last != mount.place, last.utf8.count > mount.place.utf8.count { ways.append(Paths.directory(of: last)) }
        let mine = ways.filter { path in
            // Root may write to every group, and who has one that was handed to him could lift the limits that root lays in it.
            ["", "/cgroup.procs", "/cgroup.subtree_control"].allSatisfy { access(path + $0, W_OK) == 0 } && isOwned(path)
        }
        // Once controllers are handed on, systemd can start no process in a service's own group: neither the next time nor a reload
        // (where it has no DelegateSubgroup=, systemd.resource-control(5)).
        func mayBeDivided(_ path: String) -> Bool { !(path == mount.own && path.hasSuffix(".service")) }
        guard let path = mine.first(where: { isDelegated($0) && mayBeDivided($0) }) ?? (isRoot ? mine.first { $0 == mount.place } : mine.last(where: mayBeDivided)) else { return nil }
        let names = ControlFile.read(path + "/cgroup.controllers") ?? ""
        let controllers = Set(names.split { $0 == " " || $0 == "\n" }.compactMap { CgroupController(rawValue: String($0)) })
        // The root of all may have processes in it whatever it hands on.
        let isRootOfAll = !ControlFile.exists(path + "/cgroup.type")
        return UnifiedParent(path: path, controllers: controllers, isOwn: path == mount.own && !isRootOfAll)
    }

    private static func isOwned(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && (status.st_uid == geteuid() || status.st_uid == 0)
    }

    // MARK: What can be done

    /// Whether groups with this controller can be made.
    public func canControl(_ controller: CgroupController) -> Bool {
        if let mount = legacy[controller] { return access(mount.own, W_OK) == 0 }
        return unifiedParent.map { $0.controllers.contains(controller) || controller == .freezer } ?? false
    }

    /// Whether the host has it, be it in our reach or not.
    public func has(_ controller: CgroupController) -> Bool {
        if legacy[controller] != nil { return true }
        guard let unified else { return false }
        return controller == .freezer
            || (ControlFile.read(unified.place + "/cgroup.controllers") ?? "").split { $0 == " " || $0 == "\n" }.contains { $0 == controller.rawValue }
    }

    /// Whether a group can be made that holds an instance's processes together, whatever else it does.
    public var canHoldTogether: Bool { unifiedParent != nil || canControl(.freezer) }

    /// Whether a controller is v1's.
    public func isLegacy(_ controller: CgroupController) -> Bool { legacy[controller] != nil }

    /// Whether what a process may do with devices can be bounded.
    public var canDenyDevices: Bool {
        isLegacy(.devices) ? canControl(.devices) : unifiedParent != nil && DeviceProgram.isPossible
    }

    /// Whether v1's controller has such a file, in groups that are not the hierarchy's root.
    public func legacyHas(_ file: String, of controller: CgroupController) -> Bool {
        legacy[controller].map { mount in Self.groups(from: mount.own).contains { ControlFile.exists("\($0)/\(file)") } } ?? false
    }

    /// Whether swap can be limited with memory: the kernel may have been told not to count it.
    public var countsSwap: Bool {
        if isLegacy(.memory) { return legacyHas("memory.memsw.limit_in_bytes", of: .memory) }
        // The root of all has neither file.
        let limited = unifiedParent.map { Self.groups(from: $0.path) }?.first { ControlFile.exists($0 + "/memory.max") }
        return limited.map { ControlFile.exists($0 + "/memory.swap.max") } ?? true
    }

    /// A group and those in it.
    private static func groups(from path: String) -> [String] {
        guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) else { return [path] }
        return [path] + DirectoryListing.names(in: folder.number).sorted().map { "\(path)/\($0)" }
    }

    /// The CPUs that groups may have, as a list; nil where nothing says.
    public var availableCPUs: Set<Int>? {
        let file = legacy[.cpuset].map { $0.own + "/cpuset.cpus" }
            ?? unifiedParent.map { $0.path + "/cpuset.cpus.effective" }
        return file.flatMap(ControlFile.read).flatMap { $0.split(separator: "\n").first }.map { CPUList.members(of: String($0)) }
    }
}

extension CgroupController {
    var legacyName: String { self == .io ? "blkio" : rawValue }
}

/// `0-2,4`
public enum CPUList {
    public static func members(of text: String) -> Set<Int> {
        var members = Set<Int>()
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 65536 else { continue }
            members.formUnion(first...last)
        }
        return members
    }
}
