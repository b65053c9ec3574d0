import CLinux
import Testing

@testable import Runner

@Suite struct NamespacePlanTests {
    private let usual = UInt64(CLINUX_NEWNS | CLINUX_NEWPID | CLINUX_NEWIPC | CLINUX_NEWUTS)

    @Test func everyInstanceHasItsOwnButTheNetwork() {
        #expect(NamespacePlan().made == usual && NamespacePlan().entered == usual && NamespacePlan().shared.isEmpty)
    }

    /// A command that joined one of the host's would need rights over it that an ordinary user has not.
    @Test func whatIsTheHostsIsNeitherMadeNorEntered() {
        var plan = NamespacePlan()
        plan.ipc = .host
        plan.uts = .host
        #expect(plan.made == UInt64(CLINUX_NEWNS | CLINUX_NEWPID) && plan.entered == plan.made)
        plan.pid = .host
        #expect(plan.made == UInt64(CLINUX_NEWNS) && plan.entered == plan.made)
    }

    @Test func whatIsAnothersIsEnteredAndNotMade() {
        var plan = NamespacePlan()
        plan.ipc = .service("db")
        plan.network = .service("db")
        #expect(plan.made == usual & ~UInt64(CLINUX_NEWIPC) && plan.entered == usual | UInt64(CLINUX_NEWNET))
        #expect(plan.shared.map(\.service) == ["db"] && plan.shared[0].kinds == UInt64(CLINUX_NEWIPC | CLINUX_NEWNET))
        plan.pid = .service("web")
        #expect(plan.shared.map(\.service) == ["db", "web"] && plan.shared[1].kinds == UInt64(CLINUX_NEWPID))
        #expect(plan.made & UInt64(CLINUX_NEWPID) == 0 && plan.entered & UInt64(CLINUX_NEWPID) != 0)
        plan.pid = nil
        plan.network = .own
        #expect(plan.made == (usual | UInt64(CLINUX_NEWNET)) & ~UInt64(CLINUX_NEWIPC))
    }
}
