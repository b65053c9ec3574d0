import Glibc

/// A lease on a file (`F_SETLEASE` of fcntl(2)): whoever opens the file against it waits until it ends, or for 45 seconds.
public enum FileLease: Sendable {
    /// There is none while another open file description can write to the file; the own one must not be able to.
    case read
    /// There is none while another open file description leads to the file.
    case write

    public enum Outcome: Equatable, Sendable {
        case held
        /// Somebody else has the file open.
        case refused
        /// The file system has no leases, or the file is another user's: nothing is known.
        case unavailable
    }

    fileprivate var kind: Int32 { self == .read ? Int32(F_RDLCK) : Int32(F_WRLCK) }
}

extension FileDescriptor {
    // fcntl.h has them for GNU's own dialect only.
    private static let setSignal: Int32 = 10
    private static let setLease: Int32 = 1024

    /// Takes a lease, which ends with this descriptor.
    public borrowing func take(_ lease: FileLease) -> FileLease.Outcome {
        // SIGIO, which tells that somebody waits, would end the process; nobody minds SIGURG.
        guard fcntl(number, Self.setSignal, SIGURG) == 0 else { return .unavailable }
        if fcntl(number, Self.setLease, lease.kind) == 0 { return .held }
        return errno == EAGAIN ? .refused : .unavailable
    }

    /// Ends the lease.
    public borrowing func endLease() {
        _ = fcntl(number, Self.setLease, Int32(F_UNLCK))
    }
}
