import CLinux
import Glibc

extension FileDescriptor {
    /// A file in memory that holds the bytes, placed at its beginning (memfd_create(2)).
    public static func memory(_ bytes: [UInt8], name: String) throws(SystemCallError) -> FileDescriptor {
        let file = FileDescriptor(owning: try retryingInterrupts("memfd_create") { clinux_memory_file(name) })
        try file.writeAll(bytes)
        let number = file.number
        try retryingInterrupts("lseek") { lseek(number, 0, SEEK_SET) }
        return file
    }
}
