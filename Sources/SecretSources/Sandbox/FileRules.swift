import CLinux
import Glibc
import Linux

/// Which files may be opened, and for what (landlock(7)).
///
/// Landlock only knows what is allowed, with all that lies below. So that a path is hidden, what lies beside it is
/// allowed, and beside each folder on the way to it.
struct FileRules {
    /// LANDLOCK_ACCESS_FS_* (linux/landlock.h).
    struct Rights: OptionSet {
        let rawValue: UInt64

        static let execute = Rights(rawValue: 1 << 0)
        static let writeFile = Rights(rawValue: 1 << 1)
        static let readFile = Rights(rawValue: 1 << 2)
        static let readFolder = Rights(rawValue: 1 << 3)
        /// From removing a folder to making a symbolic link: 4 to 12.
        static let makeAndRemove = Rights(rawValue: 0x1ff0)
        /// Making devices is for nobody.
        static let makeDevice = Rights(rawValue: 1 << 6 | 1 << 11)
        static let moveBetweenFolders = Rights(rawValue: 1 << 13)
        static let truncate = Rights(rawValue: 1 << 14)
        static let controlDevice = Rights(rawValue: 1 << 15)

        static let read: Rights = [.execute, .readFile, .readFolder]
        static let write: Rights = [.read, .writeFile, .makeAndRemove.subtracting(.makeDevice), .moveBetweenFolders, .truncate]
        static let use: Rights = [.readFile, .writeFile, .truncate, .controlDevice, .readFolder]
        /// Those that mean something for what is no folder.
        static let ofFiles: Rights = [.execute, .writeFile, .readFile, .truncate, .controlDevice]

        /// What a version of Landlock can refuse. Before version 3 any file can be cut short, before version 5 any device's settings changed.
        static func known(to version: Int) -> Rights {
            var rights: Rights = [.execute, .writeFile, .readFile, .readFolder, .makeAndRemove]
            if version >= 2 { rights.insert(.moveBetweenFolders) }
            if version >= 3 { rights.insert(.truncate) }
            if version >= 5 { rights.insert(.controlDevice) }
            return rights
        }
    }

    /// No signals to processes outside, and no talk with their abstract sockets (LANDLOCK_SCOPE_*), from version 6 on.
    private static let scoped: UInt64 = 0b11

    let version: Int
    let hidden: HiddenPaths
    /// Whether the namespaces stand: the hidden paths have covers, so that it does no harm that folders can be listed; terminals are the sandbox's own.
    let hasNamespaces: Bool

    /// Enforces the rules for this thread, and all that it starts.
    ///
    /// - Parameter writable: paths that may be written to, and below; without symbolic links, and none that is hidden.
    /// - Throws: where the kernel refuses, and nothing is enforced.
    func enforce(writable: [String]) throws(SystemCallError) {
        let known = Rights.known(to: version)
        let rules = FileDescriptor(
            owning: try retryingInterrupts("landlock_create_ruleset") { clinux_landlock_rules(known.rawValue, version >= 6 ? Self.scoped : 0) })
        if hasNamespaces { allow("/", .readFolder, in: rules) }
        allowBeside("/", .read, in: rules)
        for device in Devices.names() + (hasNamespaces ? ["pts"] : []) { allow("/dev/" + device, .use, in: rules) }
        for path in writable {
            if hasNamespaces { allow(path, .write, in: rules) } else { allowBeside(path, .write, in: rules) }
        }
        let number = rules.number
        try retryingInterrupts("landlock_restrict_self") { clinux_landlock_restrict(number) }
    }

    /// Allows all that lies below a path and is not hidden.
    private func allowBeside(_ path: String, _ rights: Rights, in rules: borrowing FileDescriptor) {
        if hidden.hide(path) || path == "/dev" { return }
        guard path == "/" || hidden.lie(below: path) else { return allow(path, rights, in: rules) }
        guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY, resolution: .noSymlinks) else { return }
        for name in DirectoryListing.names(in: folder.number) { allowBeside(Paths.join(path, name), rights, in: rules) }
    }

    private func allow(_ path: String, _ rights: Rights, in rules: borrowing FileDescriptor) {
        // A link's target has a rule of its own. One on the way has been laid just now.
        guard let place = try? FileDescriptor.open(path, O_PATH | O_NOFOLLOW, resolution: .noSymlinks), let status = try? place.status(),
            status.st_mode & S_IFMT != S_IFLNK
        else { return }
        let fitting = status.st_mode & S_IFMT == S_IFDIR ? rights : rights.intersection(.ofFiles)
        let allowed = fitting.intersection(.known(to: version))
        // What fails is not allowed.
        _ = clinux_landlock_allow(rules.number, place.number, allowed.rawValue)
    }
}
