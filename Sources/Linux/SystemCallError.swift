import Glibc

/// A system call that failed: which one, on what, and the kernel's reason.
public struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call as the manual names it, for example `openat2`.
    public let call: String
    /// What it was called on, usually a path; never a secret's value.
    public let subject: String
    /// The value of `errno(3)`.
    public let code: Int32

    public init(_ call: String, _ subject: String = "", code: Int32 = errno) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    /// `PATH: No such file or directory`, with the call in brackets where there is no subject.
    public var description: String {
        // To people that says that the disk is full.
        let reason = code == ENOSPC && ["clone", "unshare"].contains(call)
            ? "no more namespaces are allowed; raise the limits: sysctl user.max_mnt_namespaces, user.max_pid_namespaces, … (namespaces(7))"
            : String(cString: strerror(code))
        return subject.isEmpty ? "\(call): \(reason)" : "\(subject): \(reason)"
    }
}

/// Runs a system call again while a signal interrupts it, and throws what `errno` says when it fails.
@discardableResult
public func retryingInterrupts<Result: FixedWidthInteger>(
    _ call: String, on subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemCallError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        if errno != EINTR { throw SystemCallError(call, subject()) }
    }
}
