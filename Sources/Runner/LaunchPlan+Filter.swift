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
    private static let made = Mutex<[UInt64: FilterProgram]>([:])

    /// The one of a process that may have such capabilities.
    ///
    /// - Throws: `LaunchError` where it can't be made.
    static func program(for capabilities: CapabilitySet) throws(LaunchError) -> FilterProgram {
        let bits = capabilities.rawValue
        if let known = made.withLock({ $0[bits] }) { return known }
        do {
            let program = try FilterProfile.standard.compiled(for: bits)
            made.withLock { $0[bits] = program }
            return program
        } catch {
            throw LaunchError("the filter of system calls cannot be made: \(error)")
        }
    }
}
