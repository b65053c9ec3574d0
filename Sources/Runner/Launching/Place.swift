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

    /// Nothing is found behind a symbolic link: one that a service laid could lead to anything, the files that programs trust
    /// among it.
    ///
    /// - Returns: nil where there is nothing.
    static func find(_ path: String) throws(SystemCallError) -> Place? {
        do throws(SystemCallError) {
            let folder = try FileDescriptor.open(Paths.directory(of: path), O_PATH | O_DIRECTORY, resolution: .noSymlinks)
            let name = Paths.lastComponent(of: path)
            let found = try FileDescriptor.open(name, in: folder.number, O_PATH, resolution: .noSymlinks)
            let status = try found.status()
            return Place(folder: folder, name: name, descriptor: found, status: status)
        } catch {
            switch error.code {
            // Nobody gets through such a path.
            case ENOENT, ENOTDIR, ELOOP, EACCES: return nil
            default: throw error
            }
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
