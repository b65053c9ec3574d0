/// A filter that decides as libseccomp's does with half of its instructions: calls whose numbers lie side by side mostly share a verdict, and
/// libseccomp has a comparison for each. The kernel translates a filter anew for every process that installs it, so each instruction costs.
///
/// It follows all ways through the program with the numbers that lead there. Jumps lead forward only (linux/bpf_common.h), so that ends.
struct CompactFilter {
    struct Instruction: Equatable {
        var code: UInt16
        var whenTrue: UInt8 = 0
        var whenFalse: UInt8 = 0
        var value: UInt32
    }

    enum Code {
        static let load: UInt16 = 0x20
        static let jump: UInt16 = 0x05
        static let isEqual: UInt16 = 0x15
        static let isGreater: UInt16 = 0x25
        static let isAtLeast: UInt16 = 0x35
        static let hasBits: UInt16 = 0x45
        static let give: UInt16 = 0x06
        static let comparisons: Set<UInt16> = [isEqual, isGreater, isAtLeast, hasBits]
    }

    private enum Offset {
        static let number: UInt32 = 0
        static let architecture: UInt32 = 4
    }

    /// What becomes of the numbers from ``first`` to the next range's.
    struct Range {
        var first: UInt32
        var verdict: [Instruction]
    }

    private let program: [Instruction]
    /// By architecture and number.
    private let decisions: [UInt32: [UInt32: FilterAction]]
    private(set) var instructions: [Instruction] = []

    /// - Parameters:
    ///   - program: libseccomp's, without anything in front of it.
    ///   - decisions: by architecture (`AUDIT_ARCH_*`) and number, of calls that the program does not know.
    /// - Returns: nil where it has something that libseccomp does not make, or says nothing of an architecture.
    init?(_ program: [Instruction], deciding decisions: [UInt32: [UInt32: FilterAction]] = [:]) {
        self.program = program
        self.decisions = decisions
        // It begins with the architectures, one after the other.
        guard program.first == Instruction(code: Code.load, value: Offset.architecture) else { return nil }
        var architectures: [UInt32] = []
        var next = 1
        while program.indices.contains(next), [Code.isEqual, Code.jump].contains(program[next].code) {
            if program[next].code == Code.jump {
                next += 1 + Int(program[next].value)
            } else {
                architectures.append(program[next].value)
                next += 1 + Int(program[next].whenFalse)
            }
        }
        guard decisions.keys.allSatisfy(architectures.contains) else { return nil }
        instructions = [Instruction(code: Code.load, value: Offset.architecture)]
        for architecture in architectures {
            guard let ranges = ranges(of: architecture) else { return nil }
            let block = [Instruction(code: Code.load, value: Offset.number)] + FilterSearch(ranges[...]).instructions
            instructions.append(Instruction(code: Code.isEqual, whenTrue: 1, value: architecture))
            instructions.append(Instruction(code: Code.jump, value: UInt32(block.count)))
            instructions += block
            // The number lies where the architecture did, but who came here has jumped over that.
        }
        guard let other = ranges(of: nil), other.count == 1 else { return nil }
        instructions += other[0].verdict
    }

    // MARK: Following

    private enum Accumulator {
        case nothing, number, architecture
    }

    /// - Parameter architecture: nil: one that the program does not know.
    private func ranges(of architecture: UInt32?) -> [Range]? {
        var ranges: [Range] = []
        guard follow(0, .nothing, 0, .max, architecture, into: &ranges) else { return nil }
        ranges.sort { $0.first < $1.first }
        if let decided = architecture.flatMap({ decisions[$0] }) { ranges = Self.divided(ranges, by: decided) }
        return ranges.reduce(into: []) { merged, range in
            if merged.last?.verdict != range.verdict { merged.append(range) }
        }
    }

    /// - Parameter ranges: in order.
    private static func divided(_ ranges: [Range], by decisions: [UInt32: FilterAction]) -> [Range] {
        var divided: [Range] = []
        func append(_ range: Range) {
            // Nothing is left of the one before.
            if divided.last?.first == range.first { divided.removeLast() }
            divided.append(range)
        }
        var rest = ranges[...]
        var around = ranges.first
        for (number, action) in decisions.sorted(by: { $0.key < $1.key }) {
            while let range = rest.first, range.first <= number {
                append(range)
                around = rest.removeFirst()
            }
            append(Range(first: number, verdict: [Instruction(code: Code.give, value: action.code)]))
            if let around { append(Range(first: number + 1, verdict: around.verdict)) }
        }
        for range in rest { append(range) }
        return divided
    }

    private func follow(
        _ start: Int, _ accumulator: Accumulator, _ first: UInt32, _ last: UInt32, _ architecture: UInt32?, into ranges: inout [Range]
    ) -> Bool {
        var (at, accumulator) = (start, accumulator)
        while program.indices.contains(at) {
            let instruction = program[at]
            switch instruction.code {
            case Code.give:
                ranges.append(Range(first: first, verdict: [instruction]))
                return true
            case Code.load where instruction.value == Offset.number: accumulator = .number
            case Code.load where instruction.value == Offset.architecture: accumulator = .architecture
            case Code.load:
                // An argument: what follows decides by itself.
                guard let rest = rest(from: at) else { return false }
                ranges.append(Range(first: first, verdict: rest))
                return true
            case Code.jump: at += Int(instruction.value)
            case Code.isEqual where accumulator == .architecture:
                at += Int(instruction.value == architecture ? instruction.whenTrue : instruction.whenFalse)
            case Code.isEqual, Code.isGreater, Code.isAtLeast:
                guard accumulator == .number else { return false }
                return split(instruction, at, first, last, architecture, into: &ranges)
            default: return false
            }
            at += 1
        }
        return false
    }

    private func split(
        _ instruction: Instruction, _ at: Int, _ first: UInt32, _ last: UInt32, _ architecture: UInt32?, into ranges: inout [Range]
    ) -> Bool {
        let value = Int64(instruction.value)
        // Numbers for which it holds.
        let holds: ClosedRange<Int64> = switch instruction.code {
        case Code.isEqual: value...value
        case Code.isGreater: value + 1...Int64(UInt32.max) + 1
        default: value...Int64(UInt32.max)
        }
        let (whenTrue, whenFalse) = (at + 1 + Int(instruction.whenTrue), at + 1 + Int(instruction.whenFalse))
        let parts = [
            (whenFalse, Int64(first), min(Int64(last), holds.lowerBound - 1)),
            (whenTrue, max(Int64(first), holds.lowerBound), min(Int64(last), holds.upperBound)),
            (whenFalse, max(Int64(first), holds.upperBound + 1), Int64(last)),
        ]
        for (target, from, to) in parts where from <= to {
            guard follow(target, .number, UInt32(from), UInt32(to), architecture, into: &ranges) else { return false }
        }
        return true
    }

    /// What can be reached from an instruction, as a program of its own.
    private func rest(from start: Int) -> [Instruction]? {
        var reached: Set<Int> = []
        var open = [start]
        while let at = open.popLast() {
            guard program.indices.contains(at) else { return nil }
            guard reached.insert(at).inserted else { continue }
            open += Self.successors(of: program[at], at: at)
        }
        let order = reached.sorted()
        let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        func distance(_ at: Int, _ target: Int) -> Int { places[target, default: 0] - places[at, default: 0] - 1 }
        return order.map { at in
            var instruction = program[at]
            if instruction.code == Code.jump { instruction.value = UInt32(distance(at, at + 1 + Int(instruction.value))) }
            if Code.comparisons.contains(instruction.code) {
                // Nearer than they were.
                instruction.whenTrue = UInt8(distance(at, at + 1 + Int(instruction.whenTrue)))
                instruction.whenFalse = UInt8(distance(at, at + 1 + Int(instruction.whenFalse)))
            }
            return instruction
        }
    }

    private static func successors(of instruction: Instruction, at: Int) -> [Int] {
        switch instruction.code {
        case Code.give: []
        case Code.jump: [at + 1 + Int(instruction.value)]
        case let code where Code.comparisons.contains(code): [at + 1 + Int(instruction.whenTrue), at + 1 + Int(instruction.whenFalse)]
        default: [at + 1]
        }
    }
}

extension CompactFilter.Instruction {
    /// Of 8 bytes, as the kernel has it; both machines are little-endian.
    init(_ bytes: ArraySlice<UInt8>) {
        let at = bytes.startIndex
        var value: UInt32 = 0
        for index in (4..<8).reversed() { value = value << 8 | UInt32(bytes[at + index]) }
        self.init(
            code: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8, whenTrue: bytes[at + 2], whenFalse: bytes[at + 3], value: value)
    }

    var bytes: [UInt8] {
        var bytes = [UInt8(truncatingIfNeeded: code), UInt8(code >> 8), whenTrue, whenFalse]
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        return bytes
    }
}
