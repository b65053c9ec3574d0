import Glibc
import Linux
import MemoryInspection
import SecretMemory
import SecretStore
import Testing

@Suite struct SecretBytesTests {
    @Test func equalityLooksAtEveryByteAndTheSize() throws {
        let value = try secret("correct horse")
        #expect(value.equalsInConstantTime(try secret("correct horse")))
        #expect(!value.equalsInConstantTime(try secret("correct horsf")))
        #expect(!value.equalsInConstantTime(try secret("correct hors")))
    }

    @Test func newBytesAreZero() throws {
        let value = try SecretBytes(count: 100)
        let allZero = value.withUnsafeBytes { $0.allSatisfy { $0 == 0 } }
        #expect(allZero && value.count == 100)
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 512_000])
    func aPipeIsReadToItsEnd(count: Int) throws {
        let scratch = Scratch()
        scratch.overwrite(scratch.path + "/in", with: [UInt8](repeating: 7, count: count))
        // A FIFO's size is unknown beforehand, unlike a file's.
        mkfifo(scratch.path + "/fifo", 0o600)
        let feeder = Child.start(["/bin/cp", scratch.path + "/in", scratch.path + "/fifo"])
        let pipe = try FileDescriptor.open(scratch.path + "/fifo", O_RDONLY)
        let bytes = try read(pipe, limit: 512_000)
        feeder.wait()
        #expect(bytes == [UInt8](repeating: 7, count: count))
    }

    @Test func moreThanTheLimitIsNotRead() throws {
        let scratch = Scratch()
        let file = scratch.path + "/in"
        scratch.overwrite(file, with: [UInt8](repeating: 7, count: 11))
        #expect(try read(FileDescriptor.open(file, O_RDONLY), limit: 11)?.count == 11)
        #expect(try read(FileDescriptor.open(file, O_RDONLY), limit: 10) == nil)
    }

    @Test func valuesShareAnArenaAndEachIsWipedWhenItGoes() throws {
        let value = try secret("correct horse")
        let neighbour = try secret("battery staple")
        let (address, next) = (value.address(), neighbour.address())
        // The neighbour, which was taken later, keeps the arena mapped and the place from being given to somebody else.
        try #require(value.withUnsafeBytes { MemoryMapping.holding($0)?.own.addresses.contains(next) } == true)
        _ = consume value
        let left = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: 13)
        #expect(left.allSatisfy { $0 == 0 })
        let isIntact = neighbour.equalsInConstantTime(try secret("battery staple"))
        #expect(isIntact)
    }

    @Test func aPlaceIsUsedAgainWhenItsValueHasGone() throws {
        var places: Set<UInt> = []
        for _ in 0..<100_000 { places.insert(try SecretBytes(count: 16_000).address()) }
        #expect(places.count < 1000)
    }

    func read(_ descriptor: borrowing FileDescriptor, limit: Int) throws -> [UInt8]? {
        guard let value = try SecretBytes(readingFrom: descriptor, limit: limit) else { return nil }
        return value.withUnsafeBytes { Array($0) }
    }

    @Test func aThousandValuesAreHeldWhateverTheLimitOnLockedMemory() throws {
        let scratch = Scratch()
        try SecretStore.openOrCreate(scratch.location).create(["kept": "value"])
        #expect(Child.writer(scratch.location, "hold", "1000").wait() == 0)
    }

    @Test(arguments: [32, 4096, 50_000])
    func theirPagesAreWipedBeforeTheKernelHasThemBack(count: Int) throws {
        let text = [UInt8](repeating: 0xA5, count: count)
        let (during, after) = try held(SecretBytes(copying: text))
        // Another test's value may be there by now, so they need not be zero.
        let rest = after.content().split { $0 != 0xA5 }.map(\.count).max() ?? 0
        #expect(during == text && rest < 8)
    }

    /// What is on a value's pages while it lives, and its pages once it is gone.
    private func held(_ value: consuming SecretBytes) -> (during: [UInt8], after: HeldPages) {
        value.withUnsafeBytes { (HeldPages(under: $0).content(), HeldPages(under: $0)) }
    }

    @Test(arguments: [1, 32, 4096, 16_384, 16_385, 512_000])
    func theyLieBetweenGuardPagesLockedAndOutOfCoreDumps(count: Int) throws {
        let value = try SecretBytes(count: count)
        let place = try #require(value.withUnsafeBytes { MemoryMapping.holding($0) })
        #expect(place.own.permissions == "rw-p")
        #expect(place.below?.permissions == "---p" && place.above?.permissions == "---p")
        #expect(place.own.flags.contains("dd"))
        #expect(place.own.flags.contains("lo") || !MemoryMapping.canBeLocked)
    }

    @Test(.enabled(if: access(strace, X_OK) == 0, "needs strace"))
    func aHardenedProcessLeavesNoCoreDumpAndCanNotBeAttachedTo() throws {
        let scratch = Scratch()
        let calls = trace(scratch, "harden")
        #expect(calls.contains { $0.hasPrefix("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE) ") && $0.hasSuffix("= 0") })
        #expect(calls.contains { $0.hasPrefix("prlimit64(0, RLIMIT_CORE, ") && $0.hasSuffix("= 0") && !$0.contains("NULL, {") })
    }
}

extension SecretBytes {
    fileprivate borrowing func address() -> UInt { withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
}
