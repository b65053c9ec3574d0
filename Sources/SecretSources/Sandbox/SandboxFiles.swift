import CLinux
import Glibc
import Linux

/// The host's files as they are in the sandbox: nothing can be changed but what lies in folders that may be written to.
///
/// Landlock knows nothing of modes, owners, times and extended attributes, and whoever is root may change those of root's files. A
/// read-only mount lets nobody. There, and in what may be written to, no file gives rights, and no device opens; those that drivers need
/// lie in a `/dev` of its own, with terminals of its own: a driver must not speak to the person at the one that `up` was typed into.
enum SandboxFiles {
    private static let withoutRights = UInt64(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV)
    private static let readOnly = withoutRights | UInt64(CLINUX_MOUNT_RDONLY)

    /// Restricts all that is mounted in this namespace.
    ///
    /// - Parameter folders: the sandbox's own ones, with what is in them and what may be written to.
    /// - Throws: where the kernel refuses (mount_setattr(2) is Linux 5.12).
    static func restrict(_ folders: OwnFolders) throws(SystemCallError) {
        // What the host mounts from now on would be as the host has it.
        try retryingInterrupts("mount", on: "/") { clinux_make_mounts_private() }
        // Copied before all else becomes read-only. A folder comes before what lies in it.
        let places = copies(of: folders.bound, readOnly) + copies(of: folders.writable, withoutRights)
        let links = folders.links.compactMap { path in Self.target(of: path).map { (path: path, target: $0) } }
        // What this machine doesn't have is left out.
        let devices = Devices.names().compactMap { name -> DetachedMount? in
            // Root's drivers could change the modes of the host's own nodes; a device opens for writing all the same.
            guard let device = try? DetachedMount(copying: "/dev/" + name),
                (try? device.restrict(UInt64(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_RDONLY))) != nil
            else { return nil }
            return device
        }
        try restrict("/", readOnly)
        try showOwnProcesses()
        let ownDevices = try ownFolder("/dev")
        try setUpDevices(devices)
        let ownRuntimeFolder = try ownFolder(RuntimeFolder.path)
        for folder in folders.temporary { try temporaryFolder(folder) }
        for place in places {
            if folders.lacks(place.path) { place.makeTarget() }
            // Where something else lies there by now, what may be written to can't be.
            try? place.attach()
        }
        for link in links {
            DetachedMount.makeFolders(Paths.directory(of: link.path))
            symlink(link.target, link.path)
        }
        // Their own mounts alone: not those in them.
        try retryingInterrupts("mount_setattr", on: "/dev") { clinux_tree_change(ownDevices.number, readOnly, 0) }
        try retryingInterrupts("mount_setattr", on: RuntimeFolder.path) { clinux_tree_change(ownRuntimeFolder.number, readOnly, 0) }
    }

    private static func target(of link: String) -> String? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &target, target.count)
        return count > 0 ? String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    /// Puts an empty folder for everybody's temporary files on top of one. Programs unpack themselves there, and run what they have unpacked.
    private static func temporaryFolder(_ path: String) throws(SystemCallError) {
        let folder = FileDescriptor(owning: try retryingInterrupts("fsmount") { clinux_tmpfs("512m", "1777", 0) })
        let number = folder.number
        try retryingInterrupts("mount_setattr", on: path) { clinux_tree_change(number, withoutRights, UInt64(CLINUX_MOUNT_NOEXEC)) }
        DetachedMount.makeFolders(path)
        try DetachedMount(folder, at: path).attach()
    }

    /// Those that are still there.
    private static func copies(of paths: [String], _ attributes: UInt64) -> [DetachedMount] {
        paths.compactMap { path in
            guard let copy = try? DetachedMount(copying: path), (try? copy.restrict(attributes)) != nil else { return nil }
            return copy
        }
    }

    private static func restrict(_ path: String, _ attributes: UInt64) throws(SystemCallError) {
        let place = try FileDescriptor.open(path, O_PATH | O_DIRECTORY)
        let number = place.number
        try retryingInterrupts("mount_setattr", on: path) { clinux_tree_restrict(number, attributes) }
    }

    /// Through another process's root (proc(5)) there is a way around the covers, for who may look into it; and much of the kernel can be set.
    private static func showOwnProcesses() throws(SystemCallError) {
        do {
            try DetachedMount(FileDescriptor(owning: retryingInterrupts("fsmount", on: "/proc") { clinux_processes() }), at: "/proc").attach()
        } catch where geteuid() != 0 {
            // Refused to an ordinary user where the host has hidden something in its own, as containers do. Whoever is in a user namespace
            // looks into no process outside of it.
        }
    }

    /// Puts an empty folder on top of one.
    private static func ownFolder(_ path: String) throws(SystemCallError) -> FileDescriptor {
        let folder = FileDescriptor(owning: try retryingInterrupts("fsmount") { clinux_tmpfs("1m", "0755", 0) })
        try DetachedMount(folder.duplicate(), at: path).attach()
        return folder
    }

    private static func setUpDevices(_ devices: [DetachedMount]) throws(SystemCallError) {
        for device in devices {
            device.makeTarget()
            try device.attach()
        }
        let terminals = DetachedMount(FileDescriptor(owning: try retryingInterrupts("fsmount") { clinux_terminals() }), at: "/dev/pts")
        mkdir("/dev/pts", 0o755)
        try terminals.attach()
        symlink("pts/ptmx", "/dev/ptmx")
        symlink("/proc/self/fd", "/dev/fd")
        for (number, name) in ["stdin", "stdout", "stderr"].enumerated() { symlink("/proc/self/fd/\(number)", "/dev/" + name) }
    }
}
