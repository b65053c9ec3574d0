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

    /// - Parameter followingLinks: otherwise there is nothing behind a symbolic link.
    /// - Returns: nil where there is nothing.
    static func find(_ path: String, followingLinks: Bool = true) throws(SystemCallError) -> Place? {
        do throws(SystemCallError) {
            var folderPath = ""
            var rest = path
            // As many links as the kernel itself follows (path_resolution(7)).
            for _ in 0..<40 {
                let path = rest.utf8.first == UInt8(ascii: "/") ? rest : "\(folderPath)/\(rest)"
                var parts = Paths.components(path)
                guard let name = parts.popLast(), name != ".", name != ".." else { return nil }
                folderPath = "/" + parts.joined(separator: "/")
                let folder = try FileDescriptor.open(
                    folderPath, O_PATH | O_DIRECTORY, resolution: followingLinks ? .noMagicLinks : .noSymbolicLinks)
                let found = try FileDescriptor.open(
                    String(name), in: folder.number, O_PATH | O_NOFOLLOW, resolution: .noMagicLinks)
                let status = try found.status()
                guard status.st_mode & S_IFMT == S_IFLNK else {
                    return Place(folder: folder, name: String(name), descriptor: found, status: status)
                }
                guard followingLinks else { return nil }
                rest = try readLink(found)
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

    private static func readLink(_ link: borrowing FileDescriptor) throws(SystemCallError) -> String {
        let number = link.number
        var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try retryingInterrupts("readlinkat") {
            text.withUnsafeMutableBytes { readlinkat(number, "", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
        }
        return String(decoding: text[..<count], as: UTF8.self)
    }

    /// Whether it is one of the covers that ``MaskLayer`` or stackup-init lays: a device, or the
    /// root of a mount that nobody may enter.
    var isMask: Bool {
        switch status.st_mode & S_IFMT {
        case S_IFCHR: true
        case S_IFDIR: status.st_mode & 0o7777 == 0 && clinux_is_mount_root(descriptor.number) == 1
        default: false
        }
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
