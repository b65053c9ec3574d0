import CSeccomp

/// Calls with one verdict whatever their arguments are: nearly all of a profile. For each rule libseccomp goes through all that it has got
/// before, which takes ten milliseconds with Docker's list. So it is asked for the rest alone, and these are put into its program.
struct PlainCalls {
    /// Whose rules libseccomp needn't have.
    private(set) var names: Set<String> = []
    /// By architecture as the kernel has it (`AUDIT_ARCH_*`), and number.
    private(set) var verdicts: [UInt32: [UInt32: FilterAction]] = [:]

    /// None.
    init() {}

    private struct Call: Hashable {
        let architecture: UInt32, number: UInt32
    }

    /// What goes over socketcall(2) and ipc(2) on some machines: libseccomp knows by which arguments, and has negative numbers for it.
    private static let multiplexed: ClosedRange<Int32> = -299 ... -100
    private static let multiplexers: Set<String> = ["socketcall", "ipc"]

    /// - Parameters:
    ///   - rules: those that count.
    ///   - architectures: each with numbers of its own.
    /// - Returns: nil where two names of one call are not treated alike: what that means is libseccomp's to say.
    init?(_ rules: [FilterProfile.Rule], on architectures: some Collection<UInt32>) {
        var actions: [String: FilterAction] = [:]
        var others = Self.multiplexers
        for rule in rules {
            for name in rule.names {
                let before = actions.updateValue(rule.action, forKey: name)
                if !rule.conditions.isEmpty || before ?? rule.action != rule.action { others.insert(name) }
            }
        }
        var callsOfOthers: Set<Call> = []
        // One that libseccomp does not know at all has no number.
        for (name, action) in actions where seccomp_syscall_resolve_name(name) != -1 {
            let numbers = architectures.map { (architecture: $0, number: seccomp_syscall_resolve_name_arch($0, name)) }
            // Other negative numbers are calls of other architectures.
            let calls = numbers.filter { $0.number >= 0 }.map { Call(architecture: $0.architecture, number: UInt32($0.number)) }
            if others.contains(name) || numbers.contains(where: { Self.multiplexed.contains($0.number) }) {
                callsOfOthers.formUnion(calls)
                continue
            }
            names.insert(name)
            for call in calls {
                let before = verdicts[call.architecture, default: [:]].updateValue(action, forKey: call.number)
                guard before ?? action == action else { return nil }
            }
        }
        guard callsOfOthers.allSatisfy({ verdicts[$0.architecture]?[$0.number] == nil }) else { return nil }
    }
}
