import Glibc
import Linux

@testable import Runner

/// How long fuzz tests go on: a few seconds, or `STACKUP_FUZZ_SECONDS`; from `STACKUP_FUZZ_SEED`, if that is set.
enum Fuzzing {
    static let seconds = getenv("STACKUP_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) } ?? 3
    static let seed = getenv("STACKUP_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1

    /// Runs rounds until the time is over, at least a dozen of each kind.
    ///
    /// - Parameters:
    ///   - kinds: how many kinds of rounds there are.
    ///   - round: gets the kind and a generator whose seed is the round's number, so that a round can be repeated by itself.
    static func rounds(kinds: Int, _ round: (_ kind: Int, _ random: inout SeededGenerator) throws -> Void) rethrows {
        let end = MonotonicClock.now() + Int64(seconds * 1000)
        var number = 0
        while number < 12 * kinds || MonotonicClock.now() < end {
            var random = SeededGenerator(seed &+ UInt64(number))
            try round(number % kinds, &random)
            number += 1
        }
    }

    /// How many descriptors of this process lead to a file in memory of this name: other tests run beside this one.
    static func descriptors(named name: String) -> Int {
        (3..<1024).count { number in
            var bytes = [UInt8](repeating: 0, count: 256)
            let count = bytes.withUnsafeMutableBytes { readlink("/proc/self/fd/\(number)", $0.baseAddress!, $0.count) }
            return count > 0 && String(decoding: bytes.prefix(count), as: UTF8.self).hasPrefix("/memfd:\(name)")
        }
    }

    /// Bytes of memory of this process that are not shared.
    static func residentMemory() -> Int {
        let text = ControlFile.read("/proc/self/statm") ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }

    /// What is left of bytes after some of them were changed, removed, doubled, or put elsewhere.
    mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...8, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self)
            let end = min(bytes.count, place + Int.random(in: 1...16, using: &self))
            switch Int.random(in: 0..<6, using: &self) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &self)
            case 1: bytes.removeSubrange(place..<end)
            case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 3: bytes.replaceSubrange(place..<end, with: Self.tokens.randomElement(using: &self)!.utf8)
            case 4: bytes.insert(contentsOf: self.bytes(4), at: place)
            default: bytes.removeLast(bytes.count - place)
            }
        }
        return bytes
    }

    private static let tokens = [
        "null", "-1", "99999999999999999999", "1e999", "{}", "[]", "\"", "true", "[[[[[[[[", "\\u0000", "\\ud800", "{\"services\":", "..", "/", ",", "~",
    ]
}
