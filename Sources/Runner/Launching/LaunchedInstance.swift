import Linux

/// A running instance, as its supervisor holds it.
public struct LaunchedInstance: ~Copyable {
    /// Pid 1 of the instance, as the host sees it.
    public let pid: Int32
    /// Field 22 of `/proc/PID/stat` (proc(5)): with the pid it names one process for ever.
    public let startTime: UInt64
    /// Readable when the instance has ended (pidfd_open(2)).
    public let pidfd: FileDescriptor
    /// The read ends of the service's output pipes.
    public let standardOutput: FileDescriptor
    public let standardError: FileDescriptor
    /// End of file when the service's command runs; the bytes before it say why it doesn't. nil once adopted.
    public let startReport: FileDescriptor?
}
