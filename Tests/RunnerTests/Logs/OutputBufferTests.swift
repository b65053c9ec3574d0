import Glibc
import Linux
import Testing

@testable import Runner

/// A service that fills its pipe gets a wider one, and nothing of what is in it is lost.
@Suite struct OutputBufferTests {
    @Test func aFullPipeIsWidened() throws {
        let pipe = try FileDescriptor.pipe()
        #expect(fcntl(pipe.write.number, F_SETFL, O_NONBLOCK) == 0)
        let buffer = OutputBuffer()
        func room() -> Int32 { fcntl(pipe.read.number, 1032 /* F_GETPIPE_SZ */) }
        func fill(_ byte: UInt8) -> Int {
            let bytes = [UInt8](repeating: byte, count: 1 << 20)
            return max(0, write(pipe.write.number, bytes, bytes.count))
        }
        func read() -> [UInt8] {
            var result: [UInt8] = []
            #expect(buffer.read(pipe.read.number) { bytes, _ in result += bytes } == result.count)
            return result
        }
        let usual = room()
        #expect(write(pipe.write.number, "a", 1) == 1)
        #expect(read() == [UInt8(ascii: "a")])
        #expect(room() == usual)
        let first = fill(1)
        #expect(first == usual)
        #expect(read() == [UInt8](repeating: 1, count: first))
        #expect(room() > usual)
        let second = fill(2)
        #expect(second == room())
        // In pieces: whoever asks the supervisor something has to wait for one of them only.
        var rest = second
        while rest > 0 {
            let part = read()
            // Not the two arrays: their difference would be looked for.
            #expect(part.count == min(rest, 256 << 10) && part.allSatisfy { $0 == 2 })
            if part.isEmpty { break }
            rest -= part.count
        }
    }

    /// Lines of more than half a page have one each: sixteen fill the pipe.
    @Test func aPipeThatIsFullOfLinesIsWidened() throws {
        let pipe = try FileDescriptor.pipe()
        #expect(fcntl(pipe.write.number, F_SETFL, O_NONBLOCK) == 0)
        let buffer = OutputBuffer()
        let line = [UInt8](repeating: 1, count: 2100)
        func room() -> Int32 { fcntl(pipe.read.number, 1032 /* F_GETPIPE_SZ */) }
        let usual = room()
        for _ in 0..<8 { #expect(write(pipe.write.number, line, line.count) == line.count) }
        #expect(buffer.read(pipe.read.number) { _, _ in } == 8 * line.count)
        #expect(room() == usual)
        var count = 0
        while write(pipe.write.number, line, line.count) > 0 { count += 1 }
        #expect(buffer.read(pipe.read.number) { _, _ in } == count * line.count)
        #expect(room() == 1 << 20)
    }
}
