import Glibc
import Linux
import Testing

@testable import Runner

struct ExitStatusesTests {
    private let temporary = TemporaryDirectory()
    private let web = InstanceName(service: "web", index: 1)
    private let other = InstanceName(service: "web-1", index: 12)

    private func directory() throws -> RuntimeDirectory {
        try #require(try RuntimeDirectory.open("\(temporary.path)/run", create: true))
    }

    /// As pid 1 does it.
    private func leave(_ status: Int32, in page: ExitStatusPage) throws {
        let memory = try #require(mmap(nil, 4, PROT_READ | PROT_WRITE, MAP_SHARED, page.pages, off_t(page.offset)))
        try #require(memory != MAP_FAILED)
        memory.storeBytes(of: status, as: Int32.self)
        munmap(memory, 4)
    }

    @Test func theStatusOfAnEarlierRunIsNotTheNextOnes() throws {
        let statuses = ExitStatuses(try directory())
        let page = try statuses.page(for: web)
        #expect(statuses.exitCode(of: web) == nil)
        try leave(3 << 8, in: page)
        #expect(statuses.exitCode(of: web) == 3)
        #expect(try statuses.page(for: web).offset == page.offset)
        #expect(statuses.exitCode(of: web) == nil)
    }

    @Test func aSuccessorFindsThem() throws {
        let statuses = ExitStatuses(try directory())
        try leave(9, in: statuses.page(for: web))
        try leave(0, in: statuses.page(for: other))
        let third = InstanceName(service: "db~0123456789ab", index: 1)
        let running = try statuses.page(for: third)
        let successor = ExitStatuses(try directory())
        #expect(successor.exitCode(of: web) == 137 && successor.exitCode(of: other) == 0 && successor.exitCode(of: third) == nil)
        // It ends only now.
        try leave(7 << 8, in: running)
        #expect(successor.exitCode(of: third) == 7)
        #expect(successor.exitCode(of: InstanceName(service: "web", index: 2)) == nil)
        // What the successor starts takes nobody's place.
        let pages = try [web, other, third, InstanceName(service: "new", index: 1)].map { try successor.page(for: $0).offset }
        #expect(Set(pages).count == 4)
    }

    @Test func whatIsForgottenMakesRoomAndIsNotFound() throws {
        let statuses = ExitStatuses(try directory())
        let page = try statuses.page(for: web)
        try leave(3 << 8, in: page)
        statuses.forget(web)
        let successor = ExitStatuses(try directory())
        #expect(statuses.exitCode(of: web) == nil && successor.exitCode(of: web) == nil)
        #expect(try statuses.page(for: other).offset == page.offset)
        #expect(statuses.exitCode(of: other) == nil)
    }

    @Test func whatNobodyKnowsOfMakesRoom() throws {
        let statuses = ExitStatuses(try directory())
        let page = try statuses.page(for: web)
        _ = try statuses.page(for: other)
        statuses.forget(besides: [other])
        #expect(try statuses.page(for: InstanceName(service: "new", index: 1)).offset == page.offset)
    }

    /// A supervisor of an earlier or later version goes on with the stack.
    @Test func aFolderOfAnEarlierVersionHasRun() throws {
        let directory = try directory()
        #expect(!directory.hasRun)
        mkdir("\(directory.path)/exit", 0o700)
        #expect(directory.hasRun)
        try temporary.write("....", to: "run/exit/web-1")
        let statuses = ExitStatuses(directory)
        #expect(statuses.exitCode(of: web) == nil)
        #expect(try statuses.page(for: web).offset == 0)
    }

    @Test(arguments: [(3 << 8, 3), (9, 137), (0x8B, 139), (0, 0)] as [(Int32, Int32)])
    func aStatusIsReadAsAShellShowsIt(status: Int32, code: Int32) {
        #expect(ExitStatuses.exitCode(of: status) == code)
        #expect(ExitStatuses.exitCode(of: -1) == nil)
    }
}
