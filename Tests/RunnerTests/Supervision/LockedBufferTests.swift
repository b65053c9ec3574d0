import MemoryInspection
import Testing

@testable import Runner

@Suite struct LockedBufferTests {
    @Test(arguments: [1, 32, 4096, 50_000])
    func itsPagesAreWipedBeforeTheKernelHasThemBack(count: Int) throws {
        let (during, after) = try held(count: count)
        let isWiped = after.content().allSatisfy { $0 == 0 }
        #expect(during.allSatisfy { $0 == 7 } && isWiped)
    }

    /// What is on a filled buffer's pages while it lives, and its pages once it is gone.
    private func held(count: Int) throws -> (during: [UInt8], after: HeldPages) {
        let buffer = try LockedBuffer(count: count)
        for place in buffer.bytes.indices { buffer.bytes[place] = 7 }
        return withExtendedLifetime(buffer) { (HeldPages(under: $0.slice(0..<count)).content(), HeldPages(under: $0.slice(0..<count))) }
    }

    @Test(arguments: [1, 32, 4096, 50_000])
    func itLiesBetweenGuardPagesLockedAndOutOfCoreDumps(count: Int) throws {
        let buffer = try LockedBuffer(count: count)
        let place = try #require(withExtendedLifetime(buffer) { MemoryMapping.holding(buffer.slice(0..<count)) })
        #expect(place.own.permissions == "rw-p")
        #expect(place.below?.permissions == "---p" && place.above?.permissions == "---p")
        #expect(place.own.flags.contains("dd"))
        #expect(place.own.flags.contains("lo") || !MemoryMapping.canBeLocked)
    }
}
