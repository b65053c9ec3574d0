import Glibc
import Reconciler
import Synchronization
import SystemCalls

/// Which system calls a service may make, where that is not the usual.
public enum SystemCallFilter: Codable, Sendable, Equatable {
    /// All of them.
    case unconfined
    case program(FilterProgram)
}

/// The usual filters: to make one takes milliseconds, and most services may do the same.
enum StandardFilter {
    private struct Known {
        /// By the bits of capabilities, in hexadecimal.
        var programs: [String: FilterProgram] = [:]
        var isKept = true
    }

    private static let known = Mutex(Known())
    private static let recordName = "filters.json"

    private static func name(of capabilities: CapabilitySet) -> String { String(capabilities.rawValue, radix: 16) }

    /// The one of a process that may have such capabilities.
    ///
    /// - Throws: `LaunchError` where it can't be made.
    static func program(for capabilities: CapabilitySet) throws(LaunchError) -> FilterProgram {
        let name = name(of: capabilities)
        if let program = known.withLock({ $0.programs[name] }) { return program }
        do {
            let program = try FilterProfile.standard.compiled(for: capabilities.rawValue)
            known.withLock {
                $0.programs[name] = program
                $0.isKept = false
            }
            return program
        } catch {
            throw LaunchError("the filter of system calls cannot be made: \(error)")
        }
    }

    /// Leaves those that this process has made to commands that run in the stack's instances.
    static func keep(in directory: RuntimeDirectory) {
        let programs = known.withLock { known in
            defer { known.isKept = true }
            return known.isKept ? nil : known.programs
        }
        // Without it, they make their own.
        if let programs { try? directory.write(programs, to: recordName) }
    }

    /// Takes those that the supervisor of a running stack has made.
    static func take(from directory: RuntimeDirectory) {
        guard let programs = directory.read([String: FilterProgram].self, from: recordName) else { return }
        known.withLock { $0.programs.merge(programs) { own, _ in own } }
    }
}

extension LaunchPlan {
    /// Whether the service's process may have its filter before it does the rest of what makes it the service: the usual filter allows all of that,
    /// and who stays the same user shares memory with pid 1, of a pid namespace of its own, in any case.
    var canBeFilteredFirst: Bool {
        filter == nil && isPrivileged != true && user.uid == geteuid() && user.gid == getegid() && (namespaces?.pid ?? .own) == .own
    }
}
