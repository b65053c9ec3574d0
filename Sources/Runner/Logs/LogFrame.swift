import Glibc

/// Some of an instance's streams.
struct LogStreams: OptionSet, Hashable {
    let rawValue: UInt8

    static let stdout = LogStreams(rawValue: 1)
    static let stderr = LogStreams(rawValue: 2)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ stream: LogStream) { self = stream == .stdout ? .stdout : .stderr }
}

/// What was read at once, in a file of the form ``LogForm/local``: a head, the bytes as they were, and a tail with their number once more.
/// ARCHITECTURE.md, "Logs", has the layout.
///
/// A stream that was in the middle of a line, and is not according to the next frame, of whichever stream: that line has ended without
/// a newline. So nothing has to be written when a service ends, but where somebody would wait for the rest of its last line: an empty frame.
struct LogFrame: Equatable {
    static let headSize = 20
    static let tailSize = 4
    static let payloadLimit = 1 << 20
    /// Its first byte comes first in the file.
    static let magic: UInt32 = 0x0146_4CFE

    var stream: LogStream
    /// In the middle of a line before it.
    var unfinished: LogStreams
    /// Of the payload, in bytes.
    var length: Int
    var time: LogTime

    /// How many bytes of a file it takes.
    var size: Int { Self.headSize + length + Self.tailSize }

    /// Appends it to an open file.
    ///
    /// - Parameter payload: as long as ``length`` says.
    /// - Returns: as writev(2).
    func write(_ payload: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
        withUnsafeTemporaryAllocation(byteCount: Self.headSize + Self.tailSize, alignment: 8) { ends in
            ends.storeBytes(of: Self.magic.littleEndian, as: UInt32.self)
            ends[4] = LogStreams(stream).rawValue
            ends[5] = unfinished.rawValue
            (ends[6], ends[7]) = (0, 0)
            ends.storeBytes(of: UInt32(length).littleEndian, toByteOffset: 8, as: UInt32.self)
            ends.storeBytes(of: time.nanoseconds.littleEndian, toByteOffset: 12, as: Int64.self)
            ends.storeBytes(of: UInt32(length).littleEndian, toByteOffset: Self.headSize, as: UInt32.self)
            return withUnsafeTemporaryAllocation(of: iovec.self, capacity: 3) { parts in
                parts.initializeElement(at: 0, to: iovec(iov_base: ends.baseAddress, iov_len: Self.headSize))
                parts.initializeElement(at: 1, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress), iov_len: length))
                parts.initializeElement(at: 2, to: iovec(iov_base: ends.baseAddress! + Self.headSize, iov_len: Self.tailSize))
                return writev(descriptor, parts.baseAddress, 3)
            }
        }
    }
}

extension LogFrame {
    /// Reads a head; nil where it is none.
    init?(head: some Collection<UInt8>) {
        guard head.count == Self.headSize else { return nil }
        func number<Number: FixedWidthInteger>(_ offset: Int, _: Number.Type) -> Number {
            head.dropFirst(offset).prefix(Number.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Number($1) }
        }
        let streams = number(4, UInt8.self), unfinished = number(5, UInt8.self), length = number(8, UInt32.self)
        guard number(0, UInt32.self) == Self.magic, (1...2).contains(streams), unfinished < 4, number(6, UInt16.self) == 0,
            length <= Self.payloadLimit
        else { return nil }
        self.init(
            stream: streams == 1 ? .stdout : .stderr, unfinished: LogStreams(rawValue: unfinished), length: Int(length),
            time: LogTime(nanoseconds: Int64(bitPattern: number(12, UInt64.self))))
    }
}
