import Glibc

/// Cuts what a service writes into lines, the way Docker's log copier does.
///
/// A line longer than 16 KiB comes in parts of that size without a newline, all with the time of the
/// first part; so does the rest that is left when the service closes its output. Never holds more than
/// one part.
struct LineSplitter {
    static let partLimit = 16 * 1024

    private var pending: [UInt8] = []
    /// The time of the first part of a line that is being written in parts.
    private var partTime: LogTime?

    /// Takes what was read.
    ///
    /// - Parameters:
    ///   - time: when it was read.
    ///   - emit: gets each line without its newline, whether a newline ends it, and its time.
    mutating func consume(
        _ bytes: UnsafeRawBufferPointer, at time: LogTime,
        emit: (_ text: UnsafeRawBufferPointer, _ endsLine: Bool, _ time: LogTime) -> Void
    ) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let room = Self.partLimit - pending.count
            let window = UnsafeRawBufferPointer(rebasing: rest.prefix(room))
            let newline = memchr(window.baseAddress!, 10, window.count).map { $0 - UnsafeMutableRawPointer(mutating: window.baseAddress!) }
            let isFull = window.count == room
            guard newline != nil || isFull else {
                pending.append(contentsOf: window)
                return
            }
            let piece = UnsafeRawBufferPointer(rebasing: window.prefix(newline ?? window.count))
            let lineTime = partTime ?? time
            partTime = newline == nil ? lineTime : nil
            if pending.isEmpty {
                emit(piece, newline != nil, lineTime)
            } else {
                pending.append(contentsOf: piece)
                pending.withUnsafeBytes { emit($0, newline != nil, lineTime) }
                // Most lines arrive whole: an idle service should hold no memory here.
                pending = []
            }
            rest = rest.dropFirst(piece.count + (newline == nil ? 0 : 1))
        }
    }

    /// The service closed its output: what is left is a line without an end.
    mutating func finish(at time: LogTime, emit: (_ text: UnsafeRawBufferPointer, _ endsLine: Bool, _ time: LogTime) -> Void) {
        if !pending.isEmpty { pending.withUnsafeBytes { emit($0, false, partTime ?? time) } }
        pending = []
        partTime = nil
    }
}
