import CSeccomp
import Glibc
import Linux

extension FilterProfile {
    /// The most instructions that a kernel takes (`BPF_MAXINSNS`).
    private static let longest = 4096

    /// The profile as a program.
    ///
    /// - Parameter capabilities: what the filtered process may have, a bit for each by its number (capabilities(7)).
    /// - Throws: `FilterError` where libseccomp refuses it.
    public func compiled(for capabilities: UInt64) throws(FilterError) -> FilterProgram {
        var instructions = try completed(for: capabilities)
        // All that concerns a number in one place.
        if let filter = CompactFilter(instructions) { instructions = filter.instructions }
        guard instructions.count <= Self.longest else {
            throw FilterError("it is longer than the \(Self.longest) instructions that a kernel takes")
        }
        return FilterProgram(flags: flags, instructions: instructions.flatMap(\.bytes))
    }

    /// With what libseccomp can't say in front.
    func completed(for capabilities: UInt64) throws(FilterError) -> [CompactFilter.Instruction] {
        var calls = ResolvedCalls()
        let made = try short(for: capabilities, &calls)
        var prologue = FilterPrologue()
        // The machine's own way in first.
        for architecture in Set(calls.last.keys).union(Machine.ioctl.keys).sorted(by: >) {
            prologue.concern(architecture) { prologue in
                // Docker's way: a C library that tries a new call has an older one for kernels without it, if it is told so.
                if defaultAction.refuses, let last = calls.last[architecture] { prologue.refuseUnknown(after: last) }
                if refusesByLowerHalves { prologue.refuseByLowerHalves(on: architecture) }
            }
        }
        // Where they are not in there yet.
        for (number, action) in calls.recent.sorted(by: { $0.key < $1.key }) { prologue.decide(number, action) }
        return prologue.instructions + made
    }

    /// What libseccomp makes of it by itself.
    func instructions(for capabilities: UInt64) throws(FilterError) -> [CompactFilter.Instruction] {
        var calls = ResolvedCalls()
        return try instructions(for: capabilities, withPlainCalls: true, &calls)
    }

    /// The same in fewer instructions where that can be, and for less work of libseccomp's.
    func short(for capabilities: UInt64, _ calls: inout ResolvedCalls) throws(FilterError) -> [CompactFilter.Instruction] {
        let rest = try instructions(for: capabilities, withPlainCalls: false, &calls)
        var decisions = calls.plain.verdicts
        for architecture in calls.last.keys { decisions[architecture, default: [:]].merge(calls.recent) { $1 } }
        if let filter = CompactFilter(rest, deciding: decisions) {
            calls.recent = [:]
            return filter.instructions
        }
        return try instructions(for: capabilities)
    }

    private func instructions(
        for capabilities: UInt64, withPlainCalls: Bool, _ calls: inout ResolvedCalls
    ) throws(FilterError) -> [CompactFilter.Instruction] {
        guard let context = seccomp_init(defaultAction.code) else { throw FilterError("libseccomp has no memory for it") }
        defer { seccomp_release(context) }
        calls.last[seccomp_arch_native()] = 0
        for name in architectures where name != Machine.architecture && name != "native" {
            let token = seccomp_arch_resolve_name(name)
            guard token != 0 else { throw FilterError("architectures: libseccomp knows no '\(name)'") }
            let status = seccomp_arch_add(context, token)
            // x32 has the machine's own, and numbers above all others.
            if status == 0, name != "x32" { calls.last[token] = 0 }
            // Those of other machines come in vain here: no such call can be made.
            guard [0, -EEXIST, -EDOM, -EINVAL].contains(status) else { throw FilterError("architectures: libseccomp refuses '\(name)'") }
        }
        // A way in that is not one of them has no numbers that the profile could mean: all of them are calls that it does not name.
        let unnamed = defaultAction.refuses && !refusesByLowerHalves ? defaultAction : FilterAction.fail(UInt16(ENOSYS))
        _ = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, unnamed.code)
        // A tree instead of a chain: all ways through a chain would be too many to follow.
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        let rules = rules.filter { $0.counts(for: capabilities) && $0.action != defaultAction }
        // x32's numbers are those of the machine's own way in, too.
        if !withPlainCalls, !architectures.contains("x32") { calls.plain = PlainCalls(rules, on: calls.last.keys) ?? PlainCalls() }
        for rule in rules {
            for name in rule.names { try add(rule, name, to: context, &calls) }
        }
        let bytes = try Self.exported(context)
        return stride(from: 0, to: bytes.count, by: 8).map { CompactFilter.Instruction(bytes[$0..<$0 + 8]) }
    }

    struct ResolvedCalls {
        /// The highest number, by architecture as the kernel has it (`AUDIT_ARCH_*`).
        var last: [UInt32: UInt32] = [:]
        /// Those that libseccomp does not know.
        var recent: [UInt32: FilterAction] = [:]
        /// Those that it is not told of.
        var plain = PlainCalls()
    }

    private func add(_ rule: Rule, _ name: String, to context: scmp_filter_ctx, _ calls: inout ResolvedCalls) throws(FilterError) {
        let number = seccomp_syscall_resolve_name(name)
        if number == -1 {
            guard let recent = Machine.recentCalls[name] else {
                // No kernel that this was made for has it; to be refused is all that can be asked for then.
                guard rule.action.refuses, !defaultAction.refuses else { return }
                throw FilterError("'\(name)' is to be refused, and is no system call that is known here; correct its name, or remove it")
            }
            guard rule.conditions.isEmpty else { throw FilterError("'\(name)' is too new for conditions; name it without 'args'") }
            calls.recent[recent] = rule.action
            calls.last = calls.last.mapValues { max($0, recent) }
            return
        }
        for architecture in calls.last.keys {
            // A negative one is of another architecture only.
            let number = seccomp_syscall_resolve_name_arch(architecture, name)
            if number >= 0 { calls.last[architecture] = max(calls.last[architecture] ?? 0, UInt32(number)) }
        }
        if calls.plain.names.contains(name) { return }
        for alternative in rule.alternatives {
            let comparisons = alternative.map { condition in
                scmp_arg_cmp(arg: condition.argument, op: condition.comparison.operation, datum_a: condition.value, datum_b: condition.second)
            }
            let status = seccomp_rule_add_array(context, rule.action.code, number, UInt32(comparisons.count), comparisons)
            // -EDOM: none of these architectures has it. -EEXIST: the same rule came before.
            guard [0, -EDOM, -EEXIST].contains(status) else {
                throw FilterError("libseccomp refuses the rule for '\(name)': \(String(cString: strerror(-status)))")
            }
        }
    }

    private static func exported(_ context: scmp_filter_ctx) throws(FilterError) -> [UInt8] {
        do {
            let file = try FileDescriptor.memory([], name: "filter")
            let status = seccomp_export_bpf(context, file.number)
            guard status == 0 else { throw FilterError("libseccomp makes no program of it: \(String(cString: strerror(-status)))") }
            lseek(file.number, 0, SEEK_SET)
            return try file.readAll() ?? []
        } catch let error as FilterError {
            throw error
        } catch {
            throw FilterError("\(error)")
        }
    }
}

extension FilterProfile.Rule {
    /// Whether it is one for such a process on this machine.
    func counts(for capabilities: UInt64) -> Bool {
        func isKernel(_ least: [Int]) -> Bool { !Machine.kernel.lexicographicallyPrecedes(least) }
        guard needs.capabilities & ~capabilities == 0, excludes.capabilities & capabilities == 0 else { return false }
        guard needs.machines.isEmpty || !Machine.names.isDisjoint(with: needs.machines) else { return false }
        guard Machine.names.isDisjoint(with: excludes.machines) else { return false }
        if let kernel = needs.kernel, !isKernel(kernel) { return false }
        if let kernel = excludes.kernel, isKernel(kernel) { return false }
        return true
    }

    /// Sets of conditions of which one has to hold: libseccomp takes one of each argument only, and so two of one argument are taken for
    /// alternatives, as Docker does.
    var alternatives: [[FilterProfile.Condition]] {
        guard Set(conditions.map(\.argument)).count == conditions.count else { return conditions.map { [$0] } }
        return [conditions]
    }
}

extension FilterProfile.Condition.Comparison {
    var operation: scmp_compare {
        switch self {
        case .notEqual: SCMP_CMP_NE
        case .less: SCMP_CMP_LT
        case .lessOrEqual: SCMP_CMP_LE
        case .equal: SCMP_CMP_EQ
        case .greaterOrEqual: SCMP_CMP_GE
        case .greater: SCMP_CMP_GT
        case .maskedEqual: SCMP_CMP_MASKED_EQ
        }
    }
}
