import Glibc
import Linux
import Words

/// The control group of one instance: a folder of the v2 hierarchy, one of each v1 hierarchy that counts or limits something of it, or both.
public struct InstanceCgroup: Sendable, Equatable {
    /// Absolute.
    public internal(set) var folders: [String]

    public init(folders: [String]) {
        self.folders = folders
    }

    /// Whether a folder is of v2.
    private static func isUnified(_ folder: String) -> Bool { ControlFile.exists(folder + "/cgroup.controllers") }

    private var unified: String? { folders.first(where: Self.isUnified) }

    /// The first folder with such a file.
    func path(of file: String) -> String? {
        folders.lazy.map { "\($0)/\(file)" }.first(where: ControlFile.exists)
    }

    /// What a process needs to be born into it, or to join it.
    func entrance() throws(SystemCallError) -> CgroupEntrance { try CgroupEntrance(folders, unified: unified) }

    func contains(_ pid: Int32) -> Bool {
        folders.contains { Self.members(of: $0).contains(pid) }
    }

    // MARK: Freezing

    /// Whether its processes can be frozen: it has a folder for that.
    var canFreeze: Bool { path(of: "cgroup.freeze") != nil || path(of: "freezer.state") != nil }

    func freeze() throws(SystemCallError) { try setFrozen(true) }

    func thaw() throws(SystemCallError) { try setFrozen(false) }

    private func setFrozen(_ frozen: Bool) throws(SystemCallError) {
        if let file = path(of: "cgroup.freeze") { return try ControlFile.write(frozen ? "1" : "0", to: file) }
        if let file = path(of: "freezer.state") { return try ControlFile.write(frozen ? "FROZEN" : "THAWED", to: file) }
    }

    // MARK: Memory

    /// How many processes the kernel has killed for want of memory; nil where nobody counts.
    public var outOfMemoryKills: Int64? {
        if let file = path(of: "memory.events") { return ControlFile.number("oom_kill", in: file) }
        if let file = path(of: "memory.oom_control") { return ControlFile.number("oom_kill", in: file) }
        return nil
    }

    // MARK: Its end

    /// Removes its folders, once nothing is in them.
    ///
    /// - Returns: whether they are gone.
    func remove() -> Bool {
        // All of them, whatever becomes of the first.
        folders.map { rmdir($0) == 0 || errno == ENOENT }.allSatisfy { $0 }
    }

    /// Waits until nothing is in it, but not for ever. May return sooner.
    ///
    /// - Parameter milliseconds: how long at most.
    func waitForEmptiness(milliseconds: Int64) {
        // The kernel tells of it (v2), by an event of what changes after it was read; of v1 nobody tells.
        guard let path = path(of: "cgroup.events"), let events = try? FileDescriptor.open(path, O_RDONLY),
            let text = (try? events.readAll(limit: 4096)) ?? nil, String(decoding: text, as: UTF8.self).contains(part: "populated 1")
        else {
            usleep(1000)
            return
        }
        var change = pollfd(fd: events.number, events: Int16(POLLPRI), revents: 0)
        poll(&change, 1, Int32(clamping: milliseconds))
    }

    /// Kills what is in it, and what that starts meanwhile.
    func kill() {
        if let file = path(of: "cgroup.kill") { try? ControlFile.write("1", to: file) }
        // v1 has no such file: who is stopped starts nobody, and dies once it may go on.
        var killed: Set<Int32> = []
        for _ in 0..<Self.rounds {
            if path(of: "cgroup.kill") == nil { try? freeze() }
            let found = Set(folders.flatMap(Self.members)).subtracting(killed)
            if found.isEmpty { break }
            for pid in found { Glibc.kill(pid, SIGKILL) }
            killed.formUnion(found)
        }
        try? thaw()
    }

    /// How often at most it is looked whether there are more.
    private static let rounds = 100

    private static func members(of folder: String) -> [Int32] {
        (ControlFile.read(folder + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 0 }
    }
}

/// Descriptors by which a process gets into a group.
public final class CgroupEntrance {
    private let folder: FileDescriptor?
    private let files: [DescriptorBox]

    /// The folder of v2, into which processes are born; -1 where there is none.
    var unified: Int32 { Self.number(folder) }
    /// Where what was born into it joins the rest: `cgroup.procs`, open for writing.
    let members: [Int32]
    /// Where what comes from outside joins it.
    let joins: [Int32]

    /// Which numbers ``joins`` get in a further command, behind the descriptors that every one has (`join.c`).
    var joinNumbers: Range<Int> { 7..<7 + joins.count }

    fileprivate init(_ folders: [String], unified: String?) throws(SystemCallError) {
        var files: [DescriptorBox] = []
        var members: [Int32] = []
        for path in folders {
            let file = DescriptorBox(try FileDescriptor.open(path + "/cgroup.procs", O_WRONLY))
            if path != unified { members.append(file.descriptor.number) }
            files.append(file)
        }
        if let unified { folder = try FileDescriptor.open(unified, O_RDONLY | O_DIRECTORY) } else { folder = nil }
        self.files = files
        self.members = members
        joins = files.map { $0.descriptor.number }
    }

    private static func number(_ descriptor: borrowing FileDescriptor?) -> Int32 {
        switch descriptor {
        case .some(let open): open.number
        case .none: -1
        }
    }

    /// A list can't hold what must not be copied.
    private final class DescriptorBox {
        let descriptor: FileDescriptor

        init(_ descriptor: consuming FileDescriptor) {
            self.descriptor = descriptor
        }
    }
}
