import Glibc
import Linux
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

    @Test(arguments: [1, 32, 4096, 16_384, 16_385, 512_000])
    func aValueLiesBetweenGuardPagesAndStaysOutOfCoreDumpsAndSwap(count: Int) throws {
        let value = try SecretBytes(copying: [UInt8](repeating: 7, count: count))
        let address = value.address()
        let mappings = Mapping.all
        let place = try #require(mappings.firstIndex { $0.range.contains(address) && $0.range.contains(address + count - 1) })
        #expect(mappings[place].permissions == "rw-p")
        #expect(mappings[place].flags.isSuperset(of: ["dd", "lo"]))
        #expect(mappings[place - 1].permissions == "---p" && mappings[place - 1].range.upperBound == mappings[place].range.lowerBound)
        #expect(mappings[place + 1].permissions == "---p" && mappings[place + 1].range.lowerBound == mappings[place].range.upperBound)
    }

    @Test func valuesShareAnArenaAndEachIsWipedWhenItGoes() throws {
        let value = try secret("correct horse")
        let neighbour = try secret("battery staple")
        let (address, next) = (value.address(), neighbour.address())
        // The neighbour, which was taken later, keeps the arena mapped and the place from being given to somebody else.
        try #require(Mapping.all.contains { $0.range.contains(address) && $0.range.contains(next) })
        _ = consume value
        let left = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(address)), count: 13)
        #expect(left.allSatisfy { $0 == 0 })
        let isIntact = neighbour.equalsInConstantTime(try secret("battery staple"))
        #expect(isIntact)
    }

    @Test func aPlaceIsUsedAgainWhenItsValueHasGone() throws {
        var places: Set<Int> = []
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

    @Test(.enabled(if: access(strace, X_OK) == 0, "needs strace"))
    func aHardenedProcessLeavesNoCoreDumpAndCanNotBeAttachedTo() throws {
        let scratch = Scratch()
        let calls = trace(scratch, "harden")
        #expect(calls.contains { $0.hasPrefix("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE) ") && $0.hasSuffix("= 0") })
        #expect(calls.contains { $0.hasPrefix("prlimit64(0, RLIMIT_CORE, ") && $0.hasSuffix("= 0") && !$0.contains("NULL, {") })
    }
}

extension SecretBytes {
    fileprivate borrowing func address() -> Int { withUnsafeBytes { Int(bitPattern: $0.baseAddress) } }
}

/// A mapping of this process, as smaps in proc(5) has it.
private struct Mapping {
    let range: Range<Int>
    let permissions: String
    var flags: Set<String> = []

    static var all: [Mapping] {
        let bytes = (try? FileDescriptor.open("/proc/self/smaps", O_RDONLY).readAll()) ?? nil
        var mappings: [Mapping] = []
        for line in String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "VmFlags:" {
                mappings[mappings.count - 1].flags = Set(words.dropFirst())
            } else if !words[0].hasSuffix(":") {
                let ends = words[0].split(separator: "-").compactMap { Int($0, radix: 16) }
                guard ends.count == 2 else { continue }
                mappings.append(Mapping(range: ends[0]..<ends[1], permissions: words[1]))
            }
        }
        return mappings
    }
}
