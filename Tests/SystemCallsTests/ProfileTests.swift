import Linux
import Testing

@testable import SystemCalls

private func profile(_ text: String) throws -> FilterProfile { try FilterProfile(docker: Array(text.utf8)) }

private func machine(_ text: String, capabilities: UInt64 = 0) throws -> FilterMachine {
    FilterMachine(try profile(text).compiled(for: capabilities))
}

@Suite struct ProfileTests {
    @Test func aRuleForbidsWhatAllElseAllows() throws {
        let filter = try machine(#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["getcwd"],"action":"SCMP_ACT_ERRNO","errnoRet":13}]}"#)
        #expect(filter.verdict(Call.getcwd, architecture: Call.wide) == FilterAction.fail(13).code)
        #expect(filter.verdict(Call.keyctl, architecture: Call.wide) == allowed)
        // Nothing is said of those that come later.
        #expect(filter.verdict(500, architecture: Call.wide) == allowed)
    }

    @Test func theOldFormHasOneNameForEachRule() throws {
        let filter = try machine(
            #"{"defaultAction":"SCMP_ACT_KILL_PROCESS","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_AARCH64"],"syscalls":[{"name":"read","action":"SCMP_ACT_ALLOW","args":null},{"name":"keyctl","action":"SCMP_ACT_ALLOW"}]}"#)
        #expect(filter.verdict(Call.read, architecture: Call.wide) == allowed)
        #expect(filter.verdict(Call.getcwd, architecture: Call.wide) == FilterAction.killProcess.code)
    }

    /// The numbers of 32-bit programs are others: what is named counts there, and what is not has the profile's own answer.
    @Test func aShortProfileCountsFor32BitProgramsToo() throws {
        func filter(_ architectures: String) throws -> FilterMachine {
            try machine(
                #"{"defaultAction":"SCMP_ACT_KILL_PROCESS","architectures":[\#(architectures)],"syscalls":[{"names":["read","mount","exit_group"],"action":"SCMP_ACT_ALLOW"}]}"#)
        }
        let both = try filter(#""SCMP_ARCH_X86","SCMP_ARCH_ARM""#)
        #expect(both.verdict(Call.narrowExitGroup, architecture: Call.narrow) == allowed)
        #expect(both.verdict(Call.narrowIoctl, architecture: Call.narrow) == FilterAction.killProcess.code)
        #expect(both.verdict(Call.getcwd, architecture: Call.wide) == FilterAction.killProcess.code)
        // Above all that its author knew, in each.
        #expect(both.verdict(Call.narrowExitGroup + 1, architecture: Call.narrow) == unknown)
        #expect(both.verdict(500, architecture: Call.wide) == unknown)
        let one = try filter("")
        for call in [Call.read, Call.narrowMount, 400] { #expect(one.verdict(call, architecture: Call.narrow) == FilterAction.killProcess.code) }
    }

    @Test func conditionsOfOneArgumentAreAlternatives() throws {
        let filter = try machine(
            """
            {"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
              {"names":["read"],"action":"SCMP_ACT_ALLOW"},{"names":["keyctl"],"action":"SCMP_ACT_LOG"},
              {"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":0,"value":2,"op":"SCMP_CMP_EQ"}]},
              {"names":["mount"],"action":"SCMP_ACT_ALLOW","args":[{"index":3,"value":4096,"valueTwo":4096,"op":"SCMP_CMP_MASKED_EQ"},{"index":4,"value":0,"op":"SCMP_CMP_EQ"}]}
            ]}
            """)
        for (family, verdict) in [(1, allowed), (2, allowed), (3, refused)] as [(UInt64, UInt32)] {
            #expect(filter.verdict(Call.socket, architecture: Call.wide, family) == verdict)
        }
        #expect(filter.verdict(Call.mount, architecture: Call.wide, 0, 0, 0, 4096 | 1, 0) == allowed)
        #expect(filter.verdict(Call.mount, architecture: Call.wide, 0, 0, 0, 1, 0) == refused)
        #expect(filter.verdict(Call.mount, architecture: Call.wide, 0, 0, 0, 4096, 7) == refused)
        #expect(filter.verdict(Call.keyctl, architecture: Call.wide) == FilterAction.log.code)
    }

    @Test func capabilitiesMachinesAndKernelsDecideWhichRulesCount() throws {
        let text = """
            {"defaultAction":"SCMP_ACT_ERRNO","archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},
              {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]}],"syscalls":[
              {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
              {"names":["unshare"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}},
              {"names":["keyctl"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}},
              {"names":["getcwd"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["amd64","arm64"],"minKernel":"4.8"}},
              {"names":["read"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4000.1"}},
              {"names":["lsm_list_modules"],"action":"SCMP_ACT_ALLOW"}
            ]}
            """
        let (none, all) = (try machine(text), try machine(text, capabilities: .max))
        #expect(none.verdict(Call.mount, architecture: Call.wide) == refused)
        #expect(all.verdict(Call.mount, architecture: Call.wide) == allowed)
        #expect(all.verdict(Call.narrowMount, architecture: Call.narrow) == allowed)
        #expect(none.verdict(Call.unshare, architecture: Call.wide) == allowed)
        #expect(all.verdict(Call.unshare, architecture: Call.wide) == refused)
        #expect(none.verdict(Call.keyctl, architecture: Call.wide) == refused)
        #expect(none.verdict(Call.getcwd, architecture: Call.wide) == allowed)
        #expect(none.verdict(Call.read, architecture: Call.wide) == refused)
    }

    @Test(arguments: [
        ("[]", "it is no JSON object; a seccomp profile starts with {"),
        ("{}", "defaultAction is missing; write for example SCMP_ACT_ERRNO"),
        (#"{"defaultAction":"DENY"}"#, "defaultAction: 'DENY' is no action; write for example SCMP_ACT_ERRNO"),
        (#"{"defaultAction":"SCMP_ACT_NOTIFY"}"#, "defaultAction: nobody listens to SCMP_ACT_NOTIFY; use SCMP_ACT_ERRNO"),
        (#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO"}]}"#, "syscalls[0] names no system call; give it 'names'"),
        (#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"]}]}"#, "syscalls[0].action is missing; write for example SCMP_ACT_ERRNO"),
        (#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":9}]}]}"#, "syscalls[0].args[0].index must be from 0 to 5"),
        (#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","includes":{"caps":["CAP_X"]}}]}"#, "syscalls[0].includes.caps: 'CAP_X' is not a capability"),
        (#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#, "flags: 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' is not supported; remove it"),
    ]) func whatMakesNoSenseIsRefusedWithItsPlace(text: String, message: String) {
        #expect(throws: FilterError(message)) { try profile(text) }
    }

    /// A misspelt name in a list of what is forbidden would leave it open.
    @Test func whatIsToBeRefusedHasToBeKnown() throws {
        let text = #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["keyctrl"],"action":"SCMP_ACT_ERRNO"}]}"#
        #expect(throws: FilterError("'keyctrl' is to be refused, and is no system call that is known here; correct its name, or remove it")) {
            try profile(text).compiled(for: 0)
        }
        let opposite = #"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["keyctrl","read"],"action":"SCMP_ACT_ALLOW"}]}"#
        #expect(try machine(opposite).verdict(Call.read, architecture: Call.wide) == allowed)
    }

    @Test func itsFlagsGoAlong() throws {
        #expect(try profile(#"{"defaultAction":"SCMP_ACT_ALLOW"}"#).flags == FilterProfile.Flag.allowsSpeculation)
        let logged = try profile(#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_LOG"]}"#)
        #expect(logged.flags == FilterProfile.Flag.allowsSpeculation | FilterProfile.Flag.log)
    }
}
