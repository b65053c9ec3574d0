import CLinux
import Glibc

/// The two ends of a pipe, or of something like it.
public struct DescriptorPair: ~Copyable {
    public let read: FileDescriptor
    public let write: FileDescriptor

    public init(read: consuming FileDescriptor, write: consuming FileDescriptor) {
        self.read = read
        self.write = write
    }

    /// Closes the write end and hands out the other.
    public consuming func takeReadEnd() -> FileDescriptor { read }

    /// Closes the read end and hands out the other.
    public consuming func takeWriteEnd() -> FileDescriptor { write }
}

extension FileDescriptor {
    /// A pipe, both ends with `O_CLOEXEC` (pipe2(2)).
    public static func pipe() throws(SystemCallError) -> DescriptorPair {
        var ends: [Int32] = [-1, -1]
        try retryingInterrupts("pipe2") { clinux_pipe(&ends) }
        return DescriptorPair(read: FileDescriptor(owning: ends[0]), write: FileDescriptor(owning: ends[1]))
    }
}
