import Glibc

/// The frames of an open file, looked for forwards and backwards.
///
/// The file may hold anything. So nothing is taken for a frame but a head and a tail that say the same, nothing becomes as large as
/// a number in it says, and what is no frame is gone through byte by byte to the next one.
struct LogFrames {
    struct Place: Equatable {
        let frame: LogFrame
        let offset: Int64

        var payload: Range<Int64> { offset + Int64(LogFrame.headSize)..<offset + Int64(LogFrame.headSize + frame.length) }
        var end: Int64 { offset + Int64(frame.size) }
    }

    private enum Finding {
        case frame(Place)
        /// The beginning of one, and the file's end.
        case beginning
        case nothing
    }

    private var window: FileWindow

    init(in descriptor: Int32) { window = FileWindow(of: descriptor) }

    /// The first frame at `offset` or behind it; moves `offset` to where it begins, or may begin once there is more.
    ///
    /// - Parameters:
    ///   - size: the file's, in bytes.
    ///   - isComplete: whether nothing more is added to the file, so that a frame that is not all there will never be.
    mutating func first(from offset: inout Int64, size: Int64, isComplete: Bool) -> Place? {
        while offset < size {
            window.load(from: offset)
            switch look(at: offset, size: size) {
            case .frame(let place): return place
            // Where the file was cut, and gone on with, there are whole frames behind it.
            case .beginning where !isComplete && lastFrame(size: size).map({ $0.offset <= offset }) ?? true: return nil
            default: offset = window.first(Self.mark, in: offset + 1..<size) ?? size
            }
        }
        return nil
    }

    /// Where the last whole frame ends: where the file does, but where one is being written to it, or is torn.
    ///
    /// Looked for from the file's beginning, from one frame to the next: what services print may look like frames, and it lies within them.
    mutating func end(size: Int64, isComplete: Bool) -> Int64 {
        if lastFrame(size: size) != nil { return size }
        var offset: Int64 = 0, end: Int64 = 0
        while let place = first(from: &offset, size: size, isComplete: isComplete) {
            offset = place.end
            end = place.end
        }
        return end
    }

    /// The frame that the file ends with; nil where it may be in the middle of one.
    ///
    /// What is written grows by pages, and stops at the end of a block where that was the last: there, what ends like a frame may be what
    /// a service has printed.
    private func lastFrame(size: Int64) -> Place? { size % Self.block == 0 ? nil : frame(endingAt: size) }

    /// In bytes; a file system's blocks and pages are of some of these.
    static let block: Int64 = 512

    /// The last frame that has ended at `end`, or before it.
    mutating func last(before end: Int64) -> Place? {
        window.load(upTo: end)
        if let place = frame(endingAt: end) { return place }
        var bound = end
        while let offset = window.last(Self.mark, in: 0..<bound) {
            if case .frame(let place) = look(at: offset, size: end) { return place }
            bound = offset
        }
        return nil
    }

    /// The frame that ends there.
    func frame(endingAt end: Int64) -> Place? {
        let tail = window.bytes(at: end - Int64(LogFrame.tailSize), count: LogFrame.tailSize)
        guard tail.count == LogFrame.tailSize else { return nil }
        let offset = end - Int64(Self.number(tail)) - Int64(LogFrame.headSize + LogFrame.tailSize)
        guard offset >= 0, case .frame(let place) = look(at: offset, size: end), place.end == end else { return nil }
        return place
    }

    /// The streams that are in the middle of a line after it.
    func unfinished(after place: Place) -> LogStreams {
        var result = place.frame.unfinished
        let last = place.frame.length == 0 ? nil : window.bytes(at: place.payload.upperBound - 1, count: 1).last
        if last ?? 10 == 10 { result.remove(LogStreams(place.frame.stream)) } else { result.insert(LogStreams(place.frame.stream)) }
        return result
    }

    /// What of a stretch of the file is in memory or is read with its first byte; empty where the file has been cut.
    mutating func bytes(from range: Range<Int64>) -> ArraySlice<UInt8> {
        window.load(from: range.lowerBound)
        return window.loaded(range)
    }

    /// The same from its end.
    mutating func bytes(upTo range: Range<Int64>) -> ArraySlice<UInt8> {
        window.load(upTo: range.upperBound)
        return window.loaded(max(range.lowerBound, range.upperBound - Int64(FileWindow.size))..<range.upperBound)
    }

    /// Gives the memory back, and with it what may have changed meanwhile.
    mutating func forget() { window.forget() }

    private static let mark = UInt8(truncatingIfNeeded: LogFrame.magic)

    private func look(at offset: Int64, size: Int64) -> Finding {
        let head = window.bytes(at: offset, count: Int(min(Int64(LogFrame.headSize), size - offset)))
        guard head.first == Self.mark else { return .nothing }
        if head.count < LogFrame.headSize { return .beginning }
        guard let frame = LogFrame(head: head) else { return .nothing }
        let place = Place(frame: frame, offset: offset)
        if place.end > size { return .beginning }
        let tail = window.bytes(at: place.payload.upperBound, count: LogFrame.tailSize)
        return tail.count == LogFrame.tailSize && Self.number(tail) == frame.length ? .frame(place) : .nothing
    }

    private static func number(_ tail: ArraySlice<UInt8>) -> UInt32 { tail.reversed().reduce(0) { $0 << 8 | UInt32($1) } }
}
