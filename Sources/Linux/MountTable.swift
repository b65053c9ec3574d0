import Glibc

/// The mounts that a mount namespace has (proc_pid_mountinfo(5)).
public struct MountTable {
    struct Mount {
        /// `MAJOR:MINOR`; mounts of one filesystem have the same.
        let device: ArraySlice<UInt8>
        /// What of the filesystem is mounted: a path within it.
        let root: [UInt8]
        /// Where.
        let place: [UInt8]
        let type: ArraySlice<UInt8>

        func isFile(of device: dev_t, below beginning: String) -> Bool {
            // As the C library takes it apart (makedev(3)).
            let major = device >> 8 & 0xfff | device >> 32 & ~0xfff, minor = device & 0xff | device >> 12 & ~0xff
            return root.starts(with: beginning.utf8) && self.device.elementsEqual("\(major):\(minor)".utf8)
        }
    }

    private let mounts: [Mount]
    /// The mounts of filesystems that are mounted more than once, by device.
    private let repeated: [ArraySlice<UInt8>: [Mount]]

    /// The calling thread's.
    public static func current() throws(SystemCallError) -> MountTable {
        MountTable(try text())
    }

    /// The calling thread's, which may be in a namespace by now whose `/proc` does not know it.
    ///
    /// - Parameter thread: `/proc/thread-self`, opened before.
    public static func current(_ thread: borrowing FileDescriptor) throws(SystemCallError) -> MountTable {
        let file = try FileDescriptor.open("mountinfo", in: thread.number, O_RDONLY)
        return MountTable(try file.readAll() ?? [])
    }

    /// The calling thread's file as it is now. It tells of mounts by the places where they are: a folder that is renamed changes it, of which
    /// nobody is told.
    public static func text() throws(SystemCallError) -> [UInt8] {
        try FileDescriptor.open("/proc/thread-self/mountinfo", O_RDONLY).readAll() ?? []
    }

    /// - Parameter text: the file's content.
    public init(_ text: [UInt8]) {
        mounts = text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "))
            // Optional fields end with a hyphen; the type comes after it.
            guard fields.count > 6, let hyphen = fields[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }),
                hyphen + 1 < fields.count
            else { return nil }
            return Mount(
                device: fields[2], root: Self.unescaped(fields[3]), place: Self.unescaped(fields[4]), type: fields[hyphen + 1])
        }
        repeated = Dictionary(grouping: mounts, by: \.device).filter { $0.value.count > 1 }
    }

    /// Where filesystems of a type are mounted, a chroot's mounts included.
    public func places(ofType type: String) throws(SystemCallError) -> [String] {
        var places: [String] = []
        for mount in mounts where mount.type.elementsEqual(type.utf8) { places.append(try Self.text(mount.place)) }
        return places
    }

    /// Where files of one filesystem are mounted by themselves, each place once; those whose place is no text are left out.
    ///
    /// - Parameters:
    ///   - device: the filesystem's (stat(2)).
    ///   - beginning: what their paths in that filesystem begin with.
    public func places(of device: dev_t, below beginning: String) -> [String] {
        var places: [String] = []
        for mount in mounts where mount.isFile(of: device, below: beginning) {
            guard let place = String(validating: mount.place, as: UTF8.self) else { continue }
            if !places.contains(where: { $0.hasSameBytes(as: place) }) { places.append(place) }
        }
        return places
    }

    /// Whether the mount that lies on top at a place is all of a filesystem, of one type.
    ///
    /// - Parameter device: the filesystem's (stat(2)).
    public func isWhole(_ type: String, of device: dev_t, at place: String) -> Bool {
        guard let mount = mounts.last(where: { $0.place.elementsEqual(place.utf8) }) else { return false }
        return mount.root.elementsEqual("/".utf8) && mount.isFile(of: device, below: "/") && mount.type.elementsEqual(type.utf8)
    }

    /// How many such mounts there are, wherever they are.
    public func count(of device: dev_t, below beginning: String) -> Int {
        mounts.count { $0.isFile(of: device, below: beginning) }
    }

    /// Whether other paths may come to lead to what one of these names, or to a part of it, without anything being mounted: by folders that get other
    /// names. That takes a second mount of the same filesystem.
    ///
    /// - Parameter paths: absolute and clean, without symbolic links.
    public func hangsOnNames(_ paths: [String]) -> Bool {
        !repeated.isEmpty && paths.contains { path in
            innermost(over: Array(path.utf8)).map { repeated[$0.mount.device] != nil } ?? false
        }
    }

    /// The innermost mount that a path leads through, and the way down from there; of two at one place the later one lies on top.
    private func innermost(over path: [UInt8]) -> (mount: Mount, rest: ArraySlice<UInt8>)? {
        var innermost: (mount: Mount, rest: ArraySlice<UInt8>)?
        for mount in mounts where mount.place.count >= innermost?.mount.place.count ?? 0 {
            if let rest = Self.rest(of: path, below: mount.place) { innermost = (mount, rest) }
        }
        return innermost
    }

    /// The other paths by which mounts lead to what a path names, or to a part of it: the host may have mounted the
    /// same folder twice.
    ///
    /// - Parameter path: absolute and clean, without symbolic links.
    /// - Throws: where one of them is no text.
    public func aliases(of path: String) throws(SystemCallError) -> [String] {
        guard !repeated.isEmpty else { return [] }
        let bytes = Array(path.utf8)
        guard let own = innermost(over: bytes) else { return [] }
        let inside = Self.joined(own.mount.root, own.rest)
        var aliases: [String] = []
        for other in repeated[own.mount.device] ?? [] {
            let alias: [UInt8]
            if let rest = Self.rest(of: inside, below: other.root) {
                alias = Self.joined(other.place, rest)
            } else if Self.rest(of: other.root, below: inside) != nil {
                alias = other.place
            } else {
                continue
            }
            if alias != bytes { aliases.append(try Self.text(alias)) }
        }
        return aliases
    }

    /// Whether what a folder of another namespace holds, or something in it, is mounted by itself here.
    ///
    /// - Parameters:
    ///   - folder: absolute and clean, without symbolic links, in that namespace.
    ///   - other: that namespace's mounts.
    public func hasMounted(_ folder: String, of other: MountTable) -> Bool {
        guard let place = other.innermost(over: Array(folder.utf8)) else { return false }
        let inside = Self.joined(place.mount.root, place.rest)
        return mounts.contains { $0.device == place.mount.device && Self.rest(of: $0.root, below: inside) != nil }
    }

    private static func text(_ place: [UInt8]) throws(SystemCallError) -> String {
        guard let text = String(validating: place, as: UTF8.self) else {
            throw SystemCallError("mount point", String(decoding: place, as: UTF8.self), code: EILSEQ)
        }
        return text
    }

    /// The way from a folder down to a path; empty where they are the same, nil where it does not lie in there.
    private static func rest(of path: [UInt8], below folder: [UInt8]) -> ArraySlice<UInt8>? {
        if folder.elementsEqual("/".utf8) { return path.dropFirst() }
        guard path.starts(with: folder) else { return nil }
        let rest = path.dropFirst(folder.count)
        guard let first = rest.first else { return [] }
        return first == UInt8(ascii: "/") ? rest.dropFirst() : nil
    }

    private static func joined(_ folder: [UInt8], _ rest: ArraySlice<UInt8>) -> [UInt8] {
        if rest.isEmpty { return folder }
        return folder.elementsEqual("/".utf8) ? folder + rest : folder + Array("/".utf8) + rest
    }

    /// Spaces, tabs, newlines and backslashes are written as three octal digits.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        guard field.contains(backslash) else { return Array(field) }
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            guard byte == backslash, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) else {
                bytes.append(byte)
                continue
            }
            bytes.append(code)
            rest = rest.dropFirst(3)
        }
        return bytes
    }
}
