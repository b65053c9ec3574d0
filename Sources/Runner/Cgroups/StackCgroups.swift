import Glibc
import Linux

/// The control groups of one stack's instances: `<parent>/stackup/<stack>-<id>/<instance>` in each hierarchy that is needed.
///
/// `cgroups.json` in the runtime folder names the folders of the stack, so that a successor finds what is left in them wherever it was
/// started itself.
final class StackCgroups {
    private let directory: RuntimeDirectory
    lazy var hierarchy = CgroupHierarchy.current()
    private var record: Record
    private var groups: [InstanceName: InstanceCgroup] = [:]
    /// Groups whose last process had not gone when they were to be removed.
    private var remains: [InstanceCgroup] = []

    /// What was made, by a predecessor too.
    private struct Record: Codable {
        /// The folders of the stack.
        var places: [String] = []
        /// Those that `cgroup_parent` names and that were not there.
        var parents: [String] = []
    }

    private static let recordName = "cgroups.json"

    init(_ directory: RuntimeDirectory) {
        self.directory = directory
        record = directory.read(Record.self, from: Self.recordName) ?? Record()
    }

    func group(of instance: InstanceName) -> InstanceCgroup? { groups[instance] }

    /// The name of the stack's folder: two users, or two homes, may have a stack of one name.
    private(set) lazy var stackName: String = {
        var hash: UInt32 = 2_166_136_261
        for byte in directory.path.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return "\(Paths.components(directory.path).last ?? "stack")-" + String(repeating: "0", count: 8 - digits.count) + digits
    }()

    // MARK: Making

    /// Makes the group of an instance that is about to be launched, with its limits.
    func make(_ controls: ResourceControls, for instance: InstanceName) throws(LaunchError) -> InstanceCgroup {
        removeRemains()
        let settings = controls.settings(legacy: Set(hierarchy.legacy.keys))
        var folders: [CgroupController: String] = [:]
        var all: [String] = []
        do {
            let controllers = CgroupController.allCases.filter { controller in settings.contains { $0.controller == controller } }
            for controller in controllers {
                guard let mount = hierarchy.legacy[controller] else { continue }
                let parent = try controls.parent.map { name throws(SystemCallError) in try makeParent(name, in: mount.place) } ?? mount.own
                folders[controller] = try makeFolder(for: instance, in: parent, named: "stackup", copying: controller == .cpuset ? Self.cpusetFiles : [])
            }
            let unified = Set(controllers).subtracting(folders.keys)
            // Where v2 limits nothing, a group in it costs next to nothing, and can be frozen.
            if let parent = hierarchy.unifiedParent {
                let folder = try makeUnifiedFolder(for: instance, in: parent, handing: unified, named: controls.parent)
                for controller in unified { folders[controller] = folder }
                all.append(folder)
            } else if let controller = unified.first {
                throw SystemCallError("cgroup", controller.rawValue, code: ENODEV)
            }
            // Whoever asks for a group may have others' processes about: it tells its own from those, and can be frozen.
            if all.isEmpty, let mount = hierarchy.legacy[.freezer], hierarchy.canControl(.freezer) {
                folders[.freezer] = try makeFolder(for: instance, in: mount.own, named: "stackup")
            }
            if !hierarchy.isLegacy(.devices), let rules = controls.allowedDevices ?? controls.deniedDevices {
                guard let folder = all.first else { throw SystemCallError("cgroup", "devices", code: ENODEV) }
                try DeviceProgram.attach(rules, areAllowed: controls.allowedDevices != nil, to: folder)
            }
            for setting in settings {
                guard let folder = folders[setting.controller] else { continue }
                try ControlFile.write(setting.value, to: "\(folder)/\(setting.file)")
            }
        } catch {
            _ = InstanceCgroup(folders: (all + folders.values).withoutRepeats()).remove()
            throw LaunchError("its limits cannot be set: \(error)")
        }
        let group = InstanceCgroup(folders: (all + folders.values.sorted()).withoutRepeats())
        groups[instance] = group
        return group
    }

    private static let cpusetFiles = ["cpuset.mems", "cpuset.cpus"]

    private func makeFolder(
        for instance: InstanceName, in parent: String, named name: String, copying files: [String] = [], prepare: (String) throws(SystemCallError) -> Void = { _ in }
    ) throws(SystemCallError) -> String {
        var folder = parent
        for part in [name, stackName, instance.description] {
            let next = "\(folder)/\(part)"
            if mkdir(next, 0o755) != 0, errno != EEXIST { throw SystemCallError("mkdir", next) }
            // A group of a cpuset has none of its parent's CPUs until it is given them.
            for file in files where (ControlFile.read("\(next)/\(file)") ?? "\n") == "\n" {
                try ControlFile.write(ControlFile.read("\(folder)/\(file)") ?? "", to: "\(next)/\(file)")
            }
            if part == stackName { try note(next, in: \.places) }
            if part != instance.description { try prepare(next) }
            folder = next
        }
        return folder
    }

    private func makeUnifiedFolder(
        for instance: InstanceName, in parent: CgroupHierarchy.UnifiedParent, handing controllers: Set<CgroupController>, named name: String?
    ) throws(SystemCallError) -> String {
        let text = controllers.map { "+\($0.rawValue)" }.sorted().joined(separator: " ")
        func handOn(_ folder: String) throws(SystemCallError) {
            if !text.isEmpty { try ControlFile.write(text, to: folder + "/cgroup.subtree_control") }
        }
        if parent.isOwn, !text.isEmpty {
            try vacate(parent.path) { () throws(SystemCallError) in try handOn(parent.path) }
        } else {
            try handOn(parent.path)
        }
        let folder = try makeParent(name ?? "", in: parent.path, prepare: handOn)
        return try makeFolder(for: instance, in: folder, named: "stackup.slice", prepare: handOn)
    }

    /// In milliseconds: how long a group is looked through for processes that others have started meanwhile.
    private static let vacatingTime: Int64 = 1_000

    /// Does what needs a group without processes of its own: controllers are handed on by no other (cgroups(7)).
    private func vacate(_ folder: String, andThen work: () throws(SystemCallError) -> Void) throws(SystemCallError) {
        let leaf = folder + "/stackup.supervisor"
        if mkdir(leaf, 0o755) != 0, errno != EEXIST { throw SystemCallError("mkdir", leaf) }
        let end = MonotonicClock.now() + Self.vacatingTime
        while true {
            try moveProcesses(of: folder, to: leaf)
            do {
                return try work()
            } catch where error.code == EBUSY && MonotonicClock.now() < end {
                // A child of a process that was not yet moved when it started it.
                continue
            }
        }
    }

    /// Moves what is in a group that was handed to us, this process first of all, to one below it.
    private func moveProcesses(of folder: String, to leaf: String) throws(SystemCallError) {
        for pid in (ControlFile.read(folder + "/cgroup.procs") ?? "").split(separator: "\n") {
            do {
                try ControlFile.write(String(pid), to: leaf + "/cgroup.procs")
            } catch where error.code == ESRCH {
                continue
            }
        }
    }

    /// Makes what `cgroup_parent` names where it is missing.
    private func makeParent(
        _ name: String, in folder: String, prepare: (String) throws(SystemCallError) -> Void = { _ in }
    ) throws(SystemCallError) -> String {
        var folder = folder
        for part in Paths.components(name) where part != "." {
            guard part != ".." else { throw SystemCallError("cgroup", name, code: EINVAL) }
            folder += "/\(part)"
            if mkdir(folder, 0o755) == 0 {
                try note(folder, in: \.parents)
            } else if errno != EEXIST {
                throw SystemCallError("mkdir", folder)
            }
            try prepare(folder)
        }
        return folder
    }

    private func note(_ folder: String, in list: WritableKeyPath<Record, [String]>) throws(SystemCallError) {
        guard !record[keyPath: list].contains(folder) else { return }
        record[keyPath: list].append(folder)
        do {
            try directory.write(record, to: Self.recordName)
        } catch {
            throw error as? SystemCallError ?? SystemCallError("write", Self.recordName, code: EIO)
        }
    }

    // MARK: Freezing

    /// Stops every process of an instance; one without a group that could do so gets one.
    ///
    /// - Parameter pid: its pid 1.
    func freeze(_ instance: InstanceName, pid: Int32) throws(LaunchError) {
        do {
            var group = groups[instance] ?? InstanceCgroup(folders: [])
            guard !group.canFreeze else { return try group.freeze() }
            let folder: String
            if let parent = hierarchy.unifiedParent {
                folder = try makeUnifiedFolder(for: instance, in: parent, handing: [], named: nil)
            } else if let mount = hierarchy.legacy[.freezer] {
                folder = try makeFolder(for: instance, in: mount.own, named: "stackup")
            } else {
                throw SystemCallError("cgroup", "freezer", code: ENODEV)
            }
            group.folders.append(folder)
            groups[instance] = group
            try group.freeze()
            let processes = ProcessesOfInstance(pid: pid)
            // Who shares its pid namespace has a group already, and is not paused with it.
            try ProcessMove.all(to: folder, listed: processes.current) { processes.hold($0) && !isInGroup(ofOtherThan: instance, $0) }
        } catch {
            try? thaw(instance)
            throw LaunchError("it cannot be frozen: \(error); this needs a cgroup that stackup may divide (see docs/limits.md)")
        }
    }

    /// Whether a process is in the group of another instance of the stack.
    private func isInGroup(ofOtherThan instance: InstanceName, _ pid: Int32) -> Bool {
        (ControlFile.read("/proc/\(pid)/cgroup") ?? "").split(separator: "\n").contains { line in
            let names = line.split(separator: "/")
            guard let place = names.lastIndex(of: stackName[...]), place + 1 < names.count else { return false }
            return names[place + 1] != instance.description
        }
    }

    func thaw(_ instance: InstanceName) throws(SystemCallError) { try groups[instance]?.thaw() }

    // MARK: The end

    /// Removes the group of an instance whose processes are gone.
    func remove(_ instance: InstanceName) {
        guard let group = groups.removeValue(forKey: instance) else { return }
        if !group.remove() { remains.append(group) }
    }

    private func removeRemains() {
        remains.removeAll { $0.remove() }
    }

    /// Takes over the group of an instance that a predecessor has started.
    func adopt(_ folders: [String], for instance: InstanceName) {
        let own = folders.filter { folder in record.places.contains { folder == "\($0)/\(instance)" } }
        if !own.isEmpty { groups[instance] = InstanceCgroup(folders: own) }
    }

    /// Ends what is in groups that belong to no instance, and removes them.
    func removeStrays() {
        let kept = Set(groups.values.flatMap(\.folders))
        for place in record.places {
            guard let folder = try? FileDescriptor.open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
            for name in DirectoryListing.names(in: folder.number) {
                let stray = InstanceCgroup(folders: ["\(place)/\(name)"])
                var status = stat()
                guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFDIR, !kept.contains(stray.folders[0])
                else { continue }
                stray.kill()
                if !stray.remove() { remains.append(stray) }
            }
        }
    }

    /// Removes all that was made, once every instance is gone. The kernel may take a moment to let go of their last processes.
    func removeAll() {
        guard !record.places.isEmpty else { return }
        groups.keys.forEach(remove)
        removeRemains()
        let end = MonotonicClock.now() + Self.patience
        while let group = remains.first, case let left = end - MonotonicClock.now(), left > 0 {
            group.waitForEmptiness(milliseconds: left)
            removeRemains()
        }
        for place in record.places {
            rmdir(place)
            // Of all stacks: it goes with the last.
            rmdir(Paths.directory(of: place))
        }
        for parent in record.parents.reversed() { rmdir(parent) }
    }

    /// In milliseconds. The memory of a large process takes the kernel a while on a machine that is busy; but what hangs in the kernel for ever,
    /// on a network filesystem, say, keeps its groups.
    private static let patience: Int64 = 5_000
}

extension StackRemains {
    /// Removes the groups of a stack of which nothing runs.
    static func removeCgroups(_ directory: RuntimeDirectory) {
        let cgroups = StackCgroups(directory)
        cgroups.removeStrays()
        cgroups.removeAll()
    }
}
