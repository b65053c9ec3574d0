import CLinux
import Glibc
import Linux

/// Moves processes that run already into a group. The kernel takes their numbers only, and a number may be another process's a moment later.
enum ProcessMove {
    /// Moves all of an instance's. The group is frozen: whoever is moved into it starts nobody any more, so this ends.
    ///
    /// - Parameters:
    ///   - folder: the group's.
    ///   - listed: the instance's processes as they are now.
    ///   - isMember: whether a process is the instance's.
    static func all(to folder: String, listed: () -> [Int32], if isMember: (Int32) -> Bool) throws(SystemCallError) {
        var seen = Set<Int32>()
        while true {
            // Others that are listed may start as many as they like; they are not waited for.
            let others = listed().filter { !seen.contains($0) && isMember($0) }
            if others.isEmpty { return }
            for pid in others {
                seen.insert(pid)
                try one(pid, to: folder, if: isMember)
            }
        }
    }

    private static func one(_ pid: Int32, to folder: String, if isMember: (Int32) -> Bool) throws(SystemCallError) {
        // As long as this process lives, nobody else has its number; and that it is a member is looked at once it is held.
        let process = FileDescriptor(owning: clinux_pidfd_open(pid))
        guard process.number >= 0, isMember(pid) else { return }
        do {
            try ControlFile.write("\(pid)", to: folder + "/cgroup.procs")
        } catch where error.code == ESRCH {
            return
        }
        if !lives(process), !isMember(pid) { putBack(pid, from: folder) }
    }

    private static func lives(_ process: borrowing FileDescriptor) -> Bool {
        var state = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, 0) == 0
    }

    /// Takes out of a group who has got the number of a member that had just ended: a new process, so it belongs where its parent is.
    static func putBack(_ pid: Int32, from folder: String) {
        guard let own = groups(of: pid).first(where: { $0.path != "/" && folder.hasSuffix($0.path) }),
            let parent = (ControlFile.read("/proc/\(pid)/status") ?? "").split(separator: "\n").first(where: { $0.hasPrefix("PPid:\t") })?.dropFirst(6),
            let home = groups(of: Int32(parent) ?? 0).first(where: { $0.hierarchy == own.hierarchy })
        else { return }
        try? ControlFile.write("\(pid)", to: folder.dropLast(own.path.count) + home.path + "/cgroup.procs")
    }

    private static func groups(of pid: Int32) -> [(hierarchy: Substring, path: Substring)] {
        (ControlFile.read("/proc/\(pid)/cgroup") ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            return fields.count == 3 ? (fields[0], fields[2]) : nil
        }
    }
}
