/// What becomes of a system call (seccomp(2)).
public enum FilterAction: Sendable, Equatable {
    case allow
    /// Fails with that `errno`.
    case fail(UInt16)
    case killProcess
    case killThread
    /// SIGSYS.
    case trap
    /// To a tracer, with a message; where there is none it fails with ENOSYS.
    case trace(UInt16)
    /// Allowed, and noted in the kernel's log.
    case log

    /// As libseccomp and the kernel have it.
    var code: UInt32 {
        switch self {
        case .allow: 0x7fff_0000
        case .fail(let number): 0x0005_0000 | UInt32(number)
        case .killProcess: 0x8000_0000
        case .killThread: 0
        case .trap: 0x0003_0000
        case .trace(let message): 0x7ff0_0000 | UInt32(message)
        case .log: 0x7ffc_0000
        }
    }

    /// Whether the call does not take place.
    var refuses: Bool { self != .allow && self != .log }
}
