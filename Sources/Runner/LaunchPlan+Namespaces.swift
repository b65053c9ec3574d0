import CLinux

/// Which namespaces of an instance are not its own, and which of the host's it does not share: nil is as usual.
public struct NamespacePlan: Codable, Sendable, Equatable {
    public enum Origin: Codable, Sendable, Equatable {
        case own
        case host
        /// Of the first instance of a service of the stack.
        case service(String)
    }

    /// nil: its own.
    public var ipc: Origin?
    /// nil: its own.
    public var uts: Origin?
    /// nil: its own.
    public var pid: Origin?
    /// nil: the host's.
    public var network: Origin?

    public init() {}
}

extension NamespacePlan {
    /// `CLONE_NEW*` of those that are made for an instance.
    var made: UInt64 {
        UInt64(CLINUX_NEWNS) | (pid ?? .own == .own ? UInt64(CLINUX_NEWPID) : 0)
            | (ipc ?? .own == .own ? UInt64(CLINUX_NEWIPC) : 0) | (uts ?? .own == .own ? UInt64(CLINUX_NEWUTS) : 0)
            | (network == .own ? UInt64(CLINUX_NEWNET) : 0)
    }

    /// Of those in which its processes are, and the host's are not.
    var entered: UInt64 {
        UInt64(CLINUX_NEWNS) | (pid == .host ? 0 : UInt64(CLINUX_NEWPID)) | (ipc == .host ? 0 : UInt64(CLINUX_NEWIPC)) | (uts == .host ? 0 : UInt64(CLINUX_NEWUTS))
            | (network ?? .host == .host ? 0 : UInt64(CLINUX_NEWNET))
    }

    /// By the service that they are another one's of.
    var shared: [(service: String, kinds: UInt64)] {
        var all: [(service: String, kinds: UInt64)] = []
        for (origin, kind) in [(ipc, UInt64(CLINUX_NEWIPC)), (network, UInt64(CLINUX_NEWNET)), (pid, UInt64(CLINUX_NEWPID))] {
            guard case .service(let name)? = origin else { continue }
            if let index = all.firstIndex(where: { $0.service == name }) { all[index].kinds |= kind } else { all.append((name, kind)) }
        }
        return all
    }
}

/// Namespaces of another instance, for one that is about to be launched.
public struct SharedNamespaces {
    /// A pidfd of the other instance's pid 1.
    let process: Int32
    /// `CLONE_NEW*`.
    let kinds: UInt64

    /// Whether processes that are cloned from now on are to be in it: nobody can enter a pid namespace himself (pid_namespaces(7)).
    var isForChildren: Bool { kinds & UInt64(CLINUX_NEWPID) != 0 }
}
