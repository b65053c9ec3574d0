import Glibc
import Linux
import Testing
import Waiting

@testable import Runner

/// A real group of v2, in which a shell tries what it may.
@Suite(.enabled(if: geteuid() == 0 && DeviceProgram.isPossible && CgroupHierarchy.current().unifiedParent != nil, "needs root and cgroup v2"))
struct DeviceProgramTests {
    private func attempt(_ command: String, denying rules: [String] = [], allowing allowed: [String]? = nil) throws -> Int32 {
        let folder = try #require(CgroupHierarchy.current().unifiedParent).path + "/stackup-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        #expect(mkdir(folder, 0o755) == 0)
        defer { rmdir(folder) }
        try DeviceProgram.attach(allowed ?? rules, areAllowed: allowed != nil, to: folder)
        let status = system("echo $$ >\(folder)/cgroup.procs && { \(command); } 2>/dev/null")
        // The shell is gone, and the kernel lets go of it a little later.
        eventually { rmdir(folder) == 0 || errno != EBUSY }
        return status
    }

    @Test func whatIsDeniedIsRefusedAndNothingElse() throws {
        let rules = ["c 1:7 r", "c 1:5 w", "b 8:0 rw"]
        #expect(try attempt("head -c 1 /dev/zero >/dev/null", denying: rules) == 0)
        #expect(try attempt("echo x >/dev/zero", denying: rules) != 0)
        #expect(try attempt("head -c 1 /dev/full >/dev/null", denying: rules) != 0)
        #expect(try attempt("echo x >/dev/null; head -c 1 /dev/urandom >/dev/null", denying: rules) == 0)
        // It works where nothing is denied.
        #expect(try attempt("echo x >/dev/zero && head -c 1 /dev/full >/dev/null", denying: []) == 0)
    }

    @Test func nothingButWhatIsAllowedWorks() throws {
        let rules = ["c 1:3 rw", "c 1:* r", "b 8:0 rwm"]
        #expect(try attempt("head -c 1 /dev/zero >/dev/null && echo x >/dev/null", allowing: rules) == 0)
        #expect(try attempt("echo x >/dev/zero", allowing: rules) != 0)
        #expect(try attempt("echo x >/dev/null", allowing: ["b *:* rwm"]) != 0)
        #expect(try attempt("echo x >/dev/null", allowing: []) != 0)
        #expect(try attempt("echo x >/dev/null", allowing: ["c *:* w", "c 1:3 r"]) == 0)
    }

    /// To leave one out would allow what it forbids.
    @Test(arguments: ["c 1:5", "c 1:5 x", "d 1:5 r", "c 1:-5 r", "c 1:5 ", "c 99999999999:1 r", "c 1:5 r w", ""])
    func aRuleThatCannotBeReadIsAnError(rule: String) throws {
        #expect(throws: SystemCallError.self) { try attempt("true", denying: ["c 1:7 r", rule]) }
    }
}
