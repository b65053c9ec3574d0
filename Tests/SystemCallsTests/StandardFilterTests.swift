import Linux
import Testing

@testable import SystemCalls

private let administration: UInt64 = 1 << UInt64(Capabilities.number("CAP_SYS_ADMIN")!)

@Suite struct StandardFilterTests {
    private let filter: FilterMachine
    private let administrator: FilterMachine

    init() throws {
        filter = FilterMachine(try FilterProfile.standard.compiled(for: 0))
        administrator = FilterMachine(try FilterProfile.standard.compiled(for: administration))
    }

    @Test func whatProgramsNeedIsAllowed() {
        for call in [Call.read, Call.getcwd, Call.fchmodat2, Call.mseal] {
            #expect(filter.verdict(call, architecture: Call.wide) == allowed, "\(call)")
        }
        #expect(filter.verdict(Call.ioctl, architecture: Call.wide, 0, 0x5413) == allowed)
        // A new process and a new thread.
        for flags: UInt64 in [17, 0x3d0f00] { #expect(filter.verdict(Call.clone, architecture: Call.wide, flags) == allowed) }
    }

    @Test func whatNeedsACapabilityIsRefusedToWhoHasNone() {
        for call in [Call.mount, Call.unshare] {
            #expect(filter.verdict(call, architecture: Call.wide) == refused)
            #expect(administrator.verdict(call, architecture: Call.wide) == allowed)
        }
        #expect(filter.verdict(Call.narrowMount, architecture: Call.narrow) == refused)
        #expect(administrator.verdict(Call.narrowMount, architecture: Call.narrow) == allowed)
    }

    @Test func keyringsAndFileHandlesAreRefused() throws {
        #expect(filter.verdict(Call.keyctl, architecture: Call.wide) == refused)
        #expect(filter.verdict(Call.narrowKeyctl, architecture: Call.narrow) == refused)
        #expect(administrator.verdict(Call.keyctl, architecture: Call.wide) == refused)
        let reader: UInt64 = 1 << UInt64(Capabilities.number("CAP_DAC_READ_SEARCH")!)
        let handles = FilterMachine(try FilterProfile.standard.compiled(for: reader))
        #expect(handles.verdict(Call.openByHandle, architecture: Call.wide) == refused)
        let both = FilterMachine(try FilterProfile.standard.compiled(for: reader | administration))
        #expect(both.verdict(Call.openByHandle, architecture: Call.wide) == allowed)
    }

    @Test(arguments: [0x1000_0000 as UInt64, 0x2_0000, 0x4000_0000, 0x0200_0000]) func newNamespacesAreRefused(kind: UInt64) {
        #expect(filter.verdict(Call.clone, architecture: Call.wide, kind | 17) == refused)
        #expect(filter.verdict(Call.clone3, architecture: Call.wide) == unknown)
        #expect(administrator.verdict(Call.clone, architecture: Call.wide, kind | 17) == allowed)
        #expect(administrator.verdict(Call.clone3, architecture: Call.wide) == allowed)
    }

    /// The kernel takes the lower half of a request; what stands in the upper one must not make it another.
    @Test(arguments: [0x5412 as UInt64, 0x541C, 0x1_0000_5412, 0xFFFF_FFFF_0000_541C]) func typingIsRefused(request: UInt64) {
        #expect(filter.verdict(Call.ioctl, architecture: Call.wide, 0, request) == refused)
        #expect(filter.verdict(Call.narrowIoctl, architecture: Call.narrow, 0, request) == refused)
        #expect(administrator.verdict(Call.ioctl, architecture: Call.wide, 0, request) == refused)
    }

    /// What Docker allows, by moby/profiles, seccomp/default.json of 2026.
    @Test func onlySomeFamiliesOfSocketsAreWithinReach() {
        let families = Set([0...11, 13...18, 21...22, 24...24, 26...33, 35...36, 39...39, 41...45].joined()) as Set<UInt64>
        for family: UInt64 in 0...64 {
            #expect(filter.verdict(Call.socket, architecture: Call.wide, family) == (families.contains(family) ? allowed : refused), "\(family)")
        }
        // The kernel takes an int.
        for family in [0x1_0000_0026, 0x1_0000_0028, 0xFFFF_FFFF_0000_0026, 0x1_0000_000C] as [UInt64] {
            #expect(filter.verdict(Call.socket, architecture: Call.wide, family) == refused, "\(family)")
        }
        #expect(filter.verdict(Call.personality, architecture: Call.wide, 0xFFFF_FFFF) == allowed)
        // ADDR_NO_RANDOMIZE
        #expect(filter.verdict(Call.personality, architecture: Call.wide, 0x4_0000) == refused)
    }

    @Test func whatNobodyKnowsIsNotThere() {
        #expect(filter.verdict(500, architecture: Call.wide) == unknown)
        #expect(filter.verdict(0x4000_0000 + Call.read, architecture: Call.wide) == unknown)
        #expect(filter.verdict(Call.read, architecture: 0x1234) == unknown)
    }

    @Test func itIsShortEnoughToBeInstalledInEveryInstance() {
        #expect(filter.length < 320)
    }
}

@Suite struct CompactFilterTests {
    /// Whatever libseccomp's program says, the short one says, too.
    @Test(arguments: [0, UInt64.max, administration]) func itDecidesAsTheLongOneDoes(capabilities: UInt64) throws {
        let long = try FilterProfile.standard.instructions(for: capabilities)
        let short = try #require(CompactFilter(long)).instructions
        #expect(short.count < long.count * 2 / 3)
        expectSame(FilterMachine(program(long)), FilterMachine(program(short)))
    }

    /// Most of a profile is put into the program without libseccomp: it means what libseccomp would have made of it.
    @Test(arguments: [0, UInt64.max, administration, 0xA00425FB]) func itDecidesAsLibseccompDoes(capabilities: UInt64) throws {
        #expect(try expectSame(FilterProfile.standard, for: capabilities) > 300)
    }

    /// What stands in front of the program is put into its places.
    @Test(arguments: [0, UInt64.max, administration, 0xA00425FB]) func itDecidesAsWithAPrologue(capabilities: UInt64) throws {
        let long = try FilterProfile.standard.completed(for: capabilities)
        let short = try FilterProfile.standard.compiled(for: capabilities)
        #expect(FilterMachine(short).length < long.count - 12)
        expectSame(FilterMachine(program(long)), FilterMachine(short))
    }

    /// The kernel follows it for each number, twice as many times as there are calls, when a process installs it.
    @Test func mostNumbersAreFoundSoon() throws {
        let filter = FilterMachine(try FilterProfile.standard.compiled(for: 0xA00425FB))
        for architecture in [Call.wide, Call.narrow] {
            let steps = (0..<460).map { filter.steps($0, architecture: architecture) }
            #expect(steps.reduce(0, +) < 460 * 12, "\(architecture)")
        }
    }

    @Test(arguments: [
        // All of it is plain; none of it is.
        #"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"],"syscalls":[{"names":["read","write","mount","exit_group","getcwd"],"action":"SCMP_ACT_ALLOW"}]}"#,
        #"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"],"syscalls":[{"names":["socket"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":38,"op":"SCMP_CMP_EQ"}]}]}"#,
        // No rule at all.
        #"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"],"syscalls":[]}"#,
        // Numbers side by side, the first and the last of all.
        #"{"defaultAction":"SCMP_ACT_KILL_PROCESS","architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"],"syscalls":[{"names":["read","write","open","close","stat","restart_syscall","exit","fork","io_setup","setxattr","clone3","close_range","openat2"],"action":"SCMP_ACT_LOG"}]}"#,
        // What comes in twice, with a condition or another action.
        #"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"],"syscalls":[{"names":["read","personality","getcwd"],"action":"SCMP_ACT_ALLOW"},{"names":["read"],"action":"SCMP_ACT_ALLOW"},{"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":8,"op":"SCMP_CMP_EQ"}]}]}"#,
        // What shares a number with others where it goes over socketcall(2) and ipc(2).
        #"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"],"syscalls":[{"names":["bind","listen","semop","shmat","read"],"action":"SCMP_ACT_ALLOW"},{"names":["socketcall"],"action":"SCMP_ACT_ALLOW"}]}"#,
        #"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"],"syscalls":[{"names":["read","socket","ipc"],"action":"SCMP_ACT_ERRNO"}]}"#,
        // The 32-bit way in is not named.
        #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","socket","waitpid"],"action":"SCMP_ACT_ALLOW"}]}"#,
    ]) func aProfileMeansWhatLibseccompMakesOfIt(text: String) throws {
        _ = try expectSame(FilterProfile(docker: Array(text.utf8)), for: 0)
    }

    /// - Returns: how many calls libseccomp has not been told of.
    private func expectSame(_ profile: FilterProfile, for capabilities: UInt64) throws -> Int {
        let long = try profile.instructions(for: capabilities)
        var calls = FilterProfile.ResolvedCalls()
        let short = try profile.short(for: capabilities, &calls)
        expectSame(FilterMachine(program(long)), FilterMachine(program(short)))
        return calls.plain.names.count
    }

    private func expectSame(_ one: FilterMachine, _ other: FilterMachine) {
        let numbers = Array(0...600) + Array(0x4000_0000...0x4000_0258) + [0x3FFF_FFFF, 0xF0002, .max] as [UInt32]
        var different: [String] = []
        for architecture in [Call.wide, Call.narrow, 0x1234] {
            for number in numbers {
                // Those that libseccomp does not know.
                if Machine.recentCalls.values.contains(number) { continue }
                for argument: UInt64 in [0, 1, 2, 3, 8, 11, 21, 38, 39, 40, 41, 0x1000_0011, 0x20000, 0xFFFF_FFFF, .max] {
                    let verdict = one.verdict(number, architecture: architecture, argument, argument)
                    if verdict == nil || other.verdict(number, architecture: architecture, argument, argument) != verdict {
                        different.append("\(number)(\(argument)) of \(architecture)")
                    }
                }
            }
        }
        #expect(different.prefix(10).isEmpty)
    }

    @Test(arguments: [0, administration]) func whatLibseccompDoesNotKnowIsDecidedOnEachWayIn(capabilities: UInt64) throws {
        let filter = FilterMachine(try FilterProfile.standard.compiled(for: capabilities))
        let named = Set(FilterProfile.standard.rules.filter { $0.counts(for: capabilities) }.flatMap(\.names))
        let last = try #require(Machine.recentCalls.filter { named.contains($0.key) }.values.max())
        for (name, number) in Machine.recentCalls {
            let verdict = named.contains(name) ? allowed : number > last ? unknown : refused
            for architecture in [Call.wide, Call.narrow] {
                #expect(filter.verdict(number, architecture: architecture) == verdict, "\(name)")
            }
            #expect(filter.verdict(number, architecture: 0x1234) == unknown, "\(name)")
        }
    }

    @Test func whatLibseccompWouldNotMakeIsLeftAlone() {
        // The length of the data.
        #expect(CompactFilter([.init(code: 0x80, value: 0), .init(code: 0x06, value: 0)]) == nil)
    }

    private func program(_ instructions: [CompactFilter.Instruction]) -> FilterProgram {
        FilterProgram(flags: 0, instructions: instructions.flatMap(\.bytes))
    }
}
