import Glibc
import Linux

extension PlaintextFile {
    /// Whether another process has it open for writing, once it was moved to where nobody opens it by its name.
    ///
    /// Where nobody has it open at all, nobody will until this value goes away. Where somebody reads it, that goes on; one that opened it anew by
    /// that descriptor (proc(5)), for writing, from here on is not seen. On a file system without leases nobody is seen.
    ///
    /// - Parameters:
    ///   - folder: that it was moved to.
    ///   - name: what it is called there.
    mutating func isOpenForWriting(movedTo folder: Int32, as name: String) throws(SystemCallError) -> Bool {
        guard file.take(.write) == .refused else { return false }
        // The own descriptor, which can write, would count as well.
        try reopen(name, in: folder, O_RDONLY)
        let isWritten = file.take(.read) == .refused
        file.endLease()
        try reopen(name, in: folder, O_RDWR)
        return isWritten
    }

    /// Puts another descriptor of the same file in the place of the one there is.
    private mutating func reopen(_ name: String, in folder: Int32, _ access: Int32) throws(SystemCallError) {
        let other = try FileDescriptor.open(
            name, in: folder, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, resolution: [.noSymlinks, .beneath])
        let (mine, status) = (try file.status(), try other.status())
        guard mine.st_ino == status.st_ino, mine.st_dev == status.st_dev else { throw SystemCallError("open", path, code: EAGAIN) }
        file = other
    }
}
