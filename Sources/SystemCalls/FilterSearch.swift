/// Instructions that find the range of the number in the accumulator by halves: each has about as many numbers as the other, since all are looked for
/// alike (``CompactFilter``). What gives one verdict is written once for all ranges that have it, as far as a comparison can jump.
struct FilterSearch {
    typealias Instruction = CompactFilter.Instruction

    /// From the end on, since jumps lead forward.
    private var reversed: [Instruction] = []
    /// What gives a verdict, by that: how many instructions there were with it.
    private var verdicts: [UInt32: Int] = [:]

    /// No machine has as many calls: the kernel asks for no higher number.
    private static let mostCalls: UInt32 = 512

    /// - Parameter ranges: in order, the first one from 0 on.
    init(_ ranges: ArraySlice<CompactFilter.Range>) {
        if !ranges.isEmpty { _ = place(ranges, upTo: Self.mostCalls) }
    }

    var instructions: [Instruction] { reversed.reversed() }

    /// - Parameter end: the first number after them.
    /// - Returns: how many instructions there are from where it begins to the end.
    private mutating func place(_ ranges: ArraySlice<CompactFilter.Range>, upTo end: UInt32) -> Int {
        let (first, last) = (ranges.startIndex, ranges.endIndex - 1)
        if first == last { return place(ranges[first].verdict) }
        // One number that is not as those around it.
        if last == first + 2, ranges[first].verdict == ranges[last].verdict, ranges[last].first == ranges[first + 1].first + 1 {
            let around = place(ranges[first].verdict), number = place(ranges[first + 1].verdict)
            return compare(CompactFilter.Code.isEqual, ranges[first + 1].first, whenTrue: number, whenFalse: around)
        }
        let middle = Self.middle(of: ranges, upTo: end)
        let upper = place(ranges[middle...], upTo: end), lower = place(ranges[..<middle], upTo: ranges[middle].first)
        return compare(CompactFilter.Code.isAtLeast, ranges[middle].first, whenTrue: upper, whenFalse: lower)
    }

    /// - Parameter end: the first number after them.
    /// - Returns: where the upper half begins. Neither is empty.
    private static func middle(of ranges: ArraySlice<CompactFilter.Range>, upTo end: UInt32) -> Int {
        func bounded(_ number: UInt32) -> Int { Int(min(number, mostCalls)) }
        let (first, last) = (bounded(ranges[ranges.startIndex].first), bounded(end))
        guard first < last else { return ranges.startIndex + (ranges.count + 1) / 2 }
        func difference(_ index: Int) -> Int { abs(2 * bounded(ranges[index].first) - first - last) }
        return ranges.indices.dropFirst().min { difference($0) < difference($1) } ?? ranges.endIndex - 1
    }

    private mutating func place(_ verdict: [Instruction]) -> Int {
        let single = verdict.count == 1 ? verdict[0].value : nil
        if let single, let known = verdicts[single] { return known }
        reversed += verdict.reversed()
        if let single { verdicts[single] = reversed.count }
        return reversed.count
    }

    private mutating func compare(_ code: UInt16, _ value: UInt32, whenTrue: Int, whenFalse: Int) -> Int {
        let near = (true: near(whenTrue), false: near(whenFalse))
        // A jump that was put in for the second has moved the first one away by one.
        let (distance, other) = (reversed.count - near.true, reversed.count - near.false)
        reversed.append(Instruction(code: code, whenTrue: UInt8(distance), whenFalse: UInt8(other), value: value))
        return reversed.count
    }

    /// The same place, or a jump to it where a comparison that comes soon could not reach it.
    private mutating func near(_ place: Int) -> Int {
        let distance = reversed.count - place
        guard distance >= Int(UInt8.max) else { return place }
        reversed.append(Instruction(code: CompactFilter.Code.jump, value: UInt32(distance)))
        return reversed.count
    }
}
