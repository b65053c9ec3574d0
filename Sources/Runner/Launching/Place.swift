import CLinux
import Glibc
import Linux

/// Where a path leads to in the mount namespace that has been entered.
final class Place {
    /// Its folder.
    private let folder: FileDescriptor
    private let name: String
    /// What lies on top there.
    let descriptor: FileDescriptor
    let status: stat

    private init(folder: consuming FileDescriptor, name: String, descriptor: consuming FileDescriptor, status: stat) {
        self.folder = folder
        self.name = name
        self.descriptor = descriptor
        self.status = status
    }

    /// Follows the links of folders that nobody can write to here. One that the service laid itself could lead to
    /// anything, the files that programs trust among it; there is nothing behind it.
    ///
    /// - Returns: nil where there is nothing.
    static func find(_ path: String) throws(SystemCallError) -> Place? {
        do throws(SystemCallError) {
            var rest = path
            // As many links as the kernel itself follows (path_resolution(7)).
            for _ in 0..<40 {
                switch try walk(rest) {
                case .place(let place): return place
                case .link(let next): rest = next
                case .nothing: return nil
                }
            }
            return nil
        } catch {
            switch error.code {
            // Nobody gets through such a path.
            case ENOENT, ENOTDIR, ELOOP, EACCES: return nil
            default: throw error
            }
        }
    }

    private enum Step {
        case place(Place)
        /// The path with the first link replaced by what it says.
        case link(String)
        case nothing
    }

    /// As far as the first link.
    private static func walk(_ path: String) throws(SystemCallError) -> Step {
        var folder = try FileDescriptor.open("/", O_PATH | O_DIRECTORY)
        var way = ""
        var parts = Paths.components(path)[...]
        while let name = parts.popFirst() {
            guard name != ".", name != ".." else { return .nothing }
            let found = try FileDescriptor.open(String(name), in: folder.number, O_PATH | O_NOFOLLOW, resolution: .noMagicLinks)
            let status = try found.status()
            if status.st_mode & S_IFMT == S_IFLNK {
                guard try isReadOnly(folder), let text = try readLink(found) else { return .nothing }
                let start = text.utf8.first == UInt8(ascii: "/") ? "" : way + "/"
                return .link(Paths.clean(start + text + "/" + parts.joined(separator: "/")))
            }
            if parts.isEmpty { return .place(Place(folder: folder, name: String(name), descriptor: found, status: status)) }
            folder = found
            way += "/" + name
        }
        return .nothing
    }

    private static func isReadOnly(_ folder: borrowing FileDescriptor) throws(SystemCallError) -> Bool {
        let number = folder.number
        var status = statvfs()
        try retryingInterrupts("fstatvfs") { fstatvfs(number, &status) }
        return status.f_flag & UInt(ST_RDONLY) != 0
    }

    /// - Returns: nil where it is no text.
    private static func readLink(_ link: borrowing FileDescriptor) throws(SystemCallError) -> String? {
        let number = link.number
        var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try retryingInterrupts("readlinkat") {
            text.withUnsafeMutableBytes { readlinkat(number, "", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
        }
        return String(validating: text[..<count], as: UTF8.self)
    }

    func cover(by mount: Int32) throws(SystemCallError) {
        let number = descriptor.number
        try retryingInterrupts("move_mount", on: name) { clinux_tree_attach(mount, number, 0) }
    }

    /// Takes off the mount on top. umount2(2) takes a path only: relative to the folder that was opened, it cannot be
    /// led elsewhere.
    func detach() throws(SystemCallError) {
        let number = folder.number
        try retryingInterrupts("fchdir") { fchdir(number) }
        try retryingInterrupts("umount2", on: name) { clinux_detach(name) }
    }
}
