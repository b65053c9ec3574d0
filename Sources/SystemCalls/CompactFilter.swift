/// A filter that decides as a given one does with half of its instructions: calls whose numbers lie side by side mostly share a verdict, and
/// libseccomp has a comparison for each. The kernel translates a filter anew for every process that installs it, and follows it for each number to
/// know what it always allows: so each instruction costs, and each on the way of many numbers costs most.
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
        static let mask: UInt16 = 0x54
        static let jump: UInt16 = 0x05
        static let isEqual: UInt16 = 0x15
        static let isGreater: UInt16 = 0x25
        static let isAtLeast: UInt16 = 0x35
        static let hasBits: UInt16 = 0x45
        static let give: UInt16 = 0x06
        static let comparisons: Set<UInt16> = [isEqual, isGreater, isAtLeast, hasBits]
    }

    /// In `struct seccomp_data`.
    enum Offset {
        static let number: UInt32 = 0
        static let architecture: UInt32 = 4
        /// The lower halves: both machines are little-endian.
        static let firstArgument: UInt32 = 16
        static let secondArgument: UInt32 = 24
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
    ///   - program: libseccomp's, with or without a ``FilterPrologue``.
    ///   - decisions: by architecture (`AUDIT_ARCH_*`) and number, of calls that the program does not know.
    /// - Returns: nil where it has something that these do not make, or says nothing of an architecture.
    init?(_ program: [Instruction], deciding decisions: [UInt32: [UInt32: FilterAction]] = [:]) {
        self.program = program
        self.decisions = decisions
        let architectures = architectures
        guard decisions.keys.allSatisfy(architectures.contains) else { return nil }
        instructions = [Instruction(code: Code.load, value: Offset.architecture)]
        for architecture in architectures {
            guard let ranges = ranges(of: architecture) else { return nil }
            let block = [Instruction(code: Code.load, value: Offset.number)] + FilterSearch(ranges[...]).instructions
            if let past = UInt8(exactly: block.count) {
                instructions.append(Instruction(code: Code.isEqual, whenFalse: past, value: architecture))
            } else {
                instructions.append(Instruction(code: Code.isEqual, whenTrue: 1, value: architecture))
                instructions.append(Instruction(code: Code.jump, value: UInt32(block.count)))
            }
            instructions += block
            // The number lies where the architecture did, but who came here has jumped over that.
        }
        guard let other = ranges(of: nil), other.count == 1 else { return nil }
        instructions += other[0].verdict
    }

    /// Those that it tells apart, in the order in which it asks for them.
    private var architectures: [UInt32] {
        var found: [(at: Int, architecture: UInt32)] = []
        var seen: Set<State> = []
        var open = [State(at: 0, accumulator: .nothing)]
        while let state = open.popLast() {
            guard program.indices.contains(state.at), seen.insert(state).inserted else { continue }
            let instruction = program[state.at]
            if instruction.code == Code.isEqual, state.accumulator == .architecture { found.append((state.at, instruction.value)) }
            open += Self.targets(of: instruction, at: state.at).map { State(at: $0, accumulator: instruction.loaded ?? state.accumulator) }
        }
        var architectures: [UInt32] = []
        for (_, architecture) in found.sorted(by: { $0.at < $1.at }) where !architectures.contains(architecture) { architectures.append(architecture) }
        return architectures
    }

    // MARK: Following

    enum Accumulator {
        case nothing, number, architecture, argument
    }

    private struct State: Hashable {
        var at: Int
        var accumulator: Accumulator
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

    /// - Parameters:
    ///   - first: the lowest number that leads there.
    ///   - last: the highest one.
    private func follow(
        _ start: Int, _ accumulator: Accumulator, _ first: UInt32, _ last: UInt32, _ architecture: UInt32?, into ranges: inout [Range]
    ) -> Bool {
        var state = State(at: start, accumulator: accumulator)
        while let next = advanced(state, first, last, architecture) {
            if next == state {
                // What depends on the arguments, or on nothing any more.
                guard let verdict = residue(of: state, first, last, architecture) else { return false }
                ranges.append(Range(first: first, verdict: verdict))
                return true
            }
            state = next
        }
        guard program.indices.contains(state.at), state.accumulator == .number else { return false }
        return split(program[state.at], state.at, first, last, architecture, into: &ranges)
    }

    /// Past an instruction that can be carried out now; the same state where it is one for the filter itself; nil where it leads to several places,
    /// by the number, or where it is none that libseccomp makes.
    private func advanced(_ state: State, _ first: UInt32, _ last: UInt32, _ architecture: UInt32?) -> State? {
        guard program.indices.contains(state.at) else { return nil }
        let instruction = program[state.at]
        let next = State(at: state.at + 1, accumulator: instruction.loaded ?? state.accumulator)
        switch instruction.code {
        case Code.give: return state
        case Code.load: return next.accumulator == .argument ? state : next
        case Code.jump: return State(at: next.at + Int(instruction.value), accumulator: state.accumulator)
        case Code.mask where state.accumulator == .argument: return state
        case Code.isEqual where state.accumulator == .architecture:
            return State(at: next.at + Int(instruction.value == architecture ? instruction.whenTrue : instruction.whenFalse), accumulator: .architecture)
        case let code where Code.comparisons.contains(code):
            if state.accumulator == .argument { return state }
            guard state.accumulator == .number, let holds = instruction.numbers else { return nil }
            if holds.contains(Int64(first)), holds.contains(Int64(last)) { return State(at: next.at + Int(instruction.whenTrue), accumulator: .number) }
            if !holds.overlaps(Int64(first)...Int64(last)) { return State(at: next.at + Int(instruction.whenFalse), accumulator: .number) }
            return nil
        default: return nil
        }
    }

    private func split(
        _ instruction: Instruction, _ at: Int, _ first: UInt32, _ last: UInt32, _ architecture: UInt32?, into ranges: inout [Range]
    ) -> Bool {
        guard let holds = instruction.numbers else { return false }
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

    /// What is left to be done from there on, as a program of its own: what is known already is not asked for again.
    private func residue(of start: State, _ first: UInt32, _ last: UInt32, _ architecture: UInt32?) -> [Instruction]? {
        /// Past all that can be carried out now.
        func settled(_ state: State) -> Int? {
            var state = state
            while let next = advanced(state, first, last, architecture) {
                if next == state { return state.at }
                state = next
            }
            return nil
        }
        /// By place: where each of its ways leads to.
        var reached: [Int: [Int]] = [:]
        var open = [start.at]
        while let at = open.popLast() {
            guard reached[at] == nil else { continue }
            var targets: [Int] = []
            for target in Self.targets(of: program[at], at: at) {
                guard let target = settled(State(at: target, accumulator: .argument)) else { return nil }
                targets.append(target)
            }
            reached[at] = targets
            open += targets
        }
        // From the end on, since jumps lead forward.
        var reversed: [Instruction] = []
        var places: [Int: Int] = [:]
        for (at, targets) in reached.sorted(by: { $0.key > $1.key }) {
            var instruction = program[at]
            let distances = targets.map { reversed.count - places[$0, default: 0] }
            if targets.count == 2 {
                guard let whenTrue = UInt8(exactly: distances[0]), let whenFalse = UInt8(exactly: distances[1]) else { return nil }
                (instruction.whenTrue, instruction.whenFalse) = (whenTrue, whenFalse)
            } else if let distance = distances.first, distance > 0 {
                reversed.append(Instruction(code: Code.jump, value: UInt32(distance)))
            }
            reversed.append(instruction)
            places[at] = reversed.count
        }
        return reversed.reversed()
    }

    private static func targets(of instruction: Instruction, at: Int) -> [Int] {
        switch instruction.code {
        case Code.give: []
        case Code.jump: [at + 1 + Int(instruction.value)]
        case let code where Code.comparisons.contains(code): [at + 1 + Int(instruction.whenTrue), at + 1 + Int(instruction.whenFalse)]
        default: [at + 1]
        }
    }
}

extension CompactFilter.Instruction {
    /// What is in the accumulator after it; nil where it leaves it as it is.
    fileprivate var loaded: CompactFilter.Accumulator? {
        guard code == CompactFilter.Code.load else { return nil }
        return switch value {
        case CompactFilter.Offset.number: .number
        case CompactFilter.Offset.architecture: .architecture
        default: .argument
        }
    }

    /// For which numbers the comparison holds; nil for those of single bits.
    fileprivate var numbers: ClosedRange<Int64>? {
        let value = Int64(value)
        return switch code {
        case CompactFilter.Code.isEqual: value...value
        case CompactFilter.Code.isGreater: value + 1...Int64(UInt32.max) + 1
        case CompactFilter.Code.isAtLeast: value...Int64(UInt32.max)
        default: nil
        }
    }

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
