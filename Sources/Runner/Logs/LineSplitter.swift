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

    /// Gets a line without its newline, whether a newline ends it, and its time.
    typealias Emit = (_ text: UnsafeRawBufferPointer, _ endsLine: Bool, _ time: LogTime) -> Void

    /// Takes what was read at that time.
    mutating func consume(_ bytes: UnsafeRawBufferPointer, at time: LogTime, emit: Emit) {
        var taken = 0
        while taken < bytes.count { taken += take(UnsafeRawBufferPointer(rebasing: bytes[taken...]), at: time, emit: emit) }
    }

    /// Takes no more of what was read than a line, or a part of one.
    ///
    /// - Returns: how many bytes it has taken.
    mutating func take(_ bytes: UnsafeRawBufferPointer, at time: LogTime, emit: Emit) -> Int {
        let room = Self.partLimit - pending.count
        let window = UnsafeRawBufferPointer(rebasing: bytes.prefix(room))
        guard let start = window.baseAddress else { return 0 }
        let newline = memchr(start, 10, window.count).map { UnsafeRawPointer($0) - start }
        guard newline != nil || window.count == room else {
            pending.append(contentsOf: window)
            return window.count
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
        return piece.count + (newline == nil ? 0 : 1)
    }

    /// The service closed its output: what is left is a line without an end. It is empty where the last part has been full.
    mutating func finish(at time: LogTime, emit: Emit) {
        if !pending.isEmpty || partTime != nil { pending.withUnsafeBytes { emit($0, false, partTime ?? time) } }
        pending = []
        partTime = nil
    }
}
