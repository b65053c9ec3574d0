import Glibc
import Linux
import Testing

@testable import Runner

/// The compact form: what becomes of lines, and of files that are not whole.
@Suite final class LogFrameTests {
    private let temporary = TemporaryDirectory()
    private let directory: FileDescriptor

    init() throws {
        directory = try FileDescriptor.open(temporary.path, O_RDONLY | O_DIRECTORY)
    }

    private func writer(_ form: LogForm? = nil, size: Int64? = nil, count: Int? = nil, isAdopted: Bool = false) -> LogWriter {
        LogWriter(
            instance: "web-1", stack: "shop", directory: directory.number, plan: LogPlan(form: form, fileSize: size, fileCount: count),
            isAdopted: isAdopted)
    }

    private func put(_ text: String, _ writer: LogWriter, _ stream: LogStream = .stdout, at time: Int64 = 1) {
        put(Array(text.utf8), writer, stream, at: time)
    }

    private func put(_ bytes: [UInt8], _ writer: LogWriter, _ stream: LogStream = .stdout, at time: Int64 = 1) {
        var scratch = LineBuffer()
        bytes.withUnsafeBytes { writer.receive($0, from: stream, at: LogTime(nanoseconds: time), scratch: &scratch) }
    }

    /// `out 1: text` for each entry, with its time.
    private func entries(_ reader: LogReader) -> [String] {
        var result: [String] = []
        reader.readAvailable { result.append("\($0.stream == .stdout ? "out" : "err") \($0.time.nanoseconds): \(String(decoding: $0.bytes, as: UTF8.self))") }
        return result
    }

    private func entries(tail: Int? = nil) throws -> [String] { entries(try LogReader(directory: temporary.path, tail: tail)) }

    private var log: String { temporary.path + "/web-1.log" }

    private func content(_ path: String) throws -> [UInt8] { try FileDescriptor.open(path, O_RDONLY).readAll()! }

    @Test func aFrameIsAsTheArchitectureSays() throws {
        let writer = writer()
        put("ab", writer, .stderr, at: 0x0102_0304_0506_0708)
        put("c\n", writer, .stdout, at: 9)
        #expect(try content(log) == [
            0xFE, 0x4C, 0x46, 1, 2, 0, 0, 0, 2, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 0x61, 0x62, 2, 0, 0, 0,
            0xFE, 0x4C, 0x46, 1, 1, 2, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0x63, 0x0A, 2, 0, 0, 0,
        ])
    }

    @Test func whatIsReadAtOnceIsOneFrame() throws {
        put(String(repeating: "line\n", count: 200_000), writer())
        #expect(try content(log).count == 1_000_000 + 24)
        #expect(try entries().count == 200_000)
    }

    @Test func aLineHasTheTimeOfTheFrameThatEndsIt() throws {
        let writer = writer()
        put("one\ntw", writer, at: 1)
        put("err", writer, .stderr, at: 2)
        put("o\nthree\n", writer, at: 3)
        put("or\n", writer, .stderr, at: 4)
        #expect(try entries() == ["out 1: one\n", "out 3: two\n", "out 3: three\n", "err 4: error\n"])
    }

    @Test func aLineThatIsNotEndedEndsWithItsStream() throws {
        let first = writer()
        put("no newline", first, at: 1)
        let reader = try LogReader(directory: temporary.path)
        #expect(entries(reader) == [])
        first.finish(.stdout, at: LogTime(nanoseconds: 2))
        first.finish(.stderr, at: LogTime(nanoseconds: 2))
        #expect(entries(reader) == ["out 2: no newline"])
        put("next\n", writer(), at: 3)
        #expect(try entries() == ["out 2: no newline", "out 3: next\n"])
    }

    @Test func streamsThatEndWithALineLeaveNothingBehind() throws {
        let writer = writer()
        put("line\n", writer)
        let size = try content(log).count
        writer.finish(.stdout)
        writer.finish(.stderr)
        #expect(try content(log).count == size)
        self.writer(isAdopted: true).finish(.stdout)
        #expect(try content(log).count == size)
        unlink(log)
        self.writer(isAdopted: true).finish(.stdout)
        #expect(!temporary.exists("web-1.log"))
    }

    /// A supervisor that was killed says nothing of a line; its successor goes on with it, or starts the service anew.
    @Test(arguments: [true, false]) func aSuccessorKnowsOfTheLineThatWasBegun(isAdopted: Bool) throws {
        put("beg", writer(), at: 1)
        let successor = writer(isAdopted: isAdopted)
        put("wrong\n", successor, .stderr, at: 2)
        put("un\n", successor, at: 3)
        #expect(try entries() == (isAdopted ? ["err 2: wrong\n", "out 3: begun\n"] : ["out 2: beg", "err 2: wrong\n", "out 3: un\n"]))
        put("rest", writer(), at: 4)
        writer(isAdopted: true).finish(.stdout, at: LogTime(nanoseconds: 5))
        #expect(try entries(tail: 1) == ["out 5: rest"])
    }

    @Test func aLineStaysOneAcrossARotation() throws {
        let writer = writer(size: 4096, count: 100)
        let reader = try LogReader(directory: temporary.path)
        let long = String(repeating: "x", count: 10_000)
        var followed: [String] = []
        for number in 1...10 {
            put(long, writer, at: Int64(number))
            put("warning \(number)\n", writer, .stderr, at: Int64(number))
            followed += entries(reader)
            put(" \(number)\n", writer, at: Int64(number))
        }
        followed += entries(reader)
        #expect(temporary.exists("web-1.log.9"))
        let expected = (1...10).flatMap { ["err \($0): warning \($0)\n", "out \($0): \(long) \($0)\n"] }
        #expect(followed == expected)
        #expect(try entries() == expected)
        for tail in 0...20 { #expect(try entries(tail: tail) == expected.suffix(tail)) }
        // What was rotated out is gone, and the rest of its line is shown.
        for number in 2..<100 { unlink("\(log).\(number)") }
        #expect(try expected.last! == entries().last!)
        #expect(try entries().count < 20)
    }

    @Test func aFileIsNotMuchLargerThanItMayBe() throws {
        let writer = writer(size: 10_000, count: 1000)
        put([UInt8](repeating: 0, count: 300_000), writer)
        for name in DirectoryListing.names(in: directory.number) {
            #expect(try content(temporary.path + "/" + name).count <= 10_000 + LineSplitter.partLimit + 24)
        }
        writer.finish(.stdout)
        var bytes = 0
        try LogReader(directory: temporary.path).readAvailable { bytes += $0.bytes.count }
        #expect(bytes == 300_000)
    }

    @Test func aTailWithTwoStreamsCountsLinesWhereTheyEnd() throws {
        let writer = writer()
        put("begin", writer, .stderr, at: 1)
        for number in 1...100 { put("line \(number)\n", writer, at: Int64(number)) }
        put(" and end\n", writer, .stderr, at: 101)
        put("last\nprompt", writer, at: 102)
        let all = (1...100).map { "out \($0): line \($0)\n" } + ["err 101: begin and end\n", "out 102: last\n"]
        for tail in 0...103 {
            let reader = try LogReader(directory: temporary.path, tail: tail)
            #expect(entries(reader) == all.suffix(tail))
            if tail == 0 {
                put(": yes\n", writer, at: 103)
                #expect(entries(reader) == ["out 103: prompt: yes\n"])
                put("last\nprompt", writer, at: 102)
                _ = truncate(log, off_t(try content(log).count) - 30 - 35)
            }
        }
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func theFormMayChange(form: LogForm) throws {
        let other = form == .local ? LogForm.jsonFile : .local
        let first = writer(form)
        let reader = try LogReader(directory: temporary.path)
        put("one\ntwo\nkilled", first, at: 1)
        #expect(entries(reader) == ["out 1: one\n", "out 1: two\n"])
        put("three\n", writer(other), at: 3)
        // JSON has no line that was not ended.
        let torn = form == .local ? ["out 1: killed"] : []
        #expect(entries(reader) == torn + ["out 3: three\n"])
        put("four\n", writer(form), at: 4)
        #expect(entries(reader) == ["out 4: four\n"])
        let all = ["out 1: one\n", "out 1: two\n"] + torn + ["out 3: three\n", "out 4: four\n"]
        for tail in 0...6 { #expect(try entries(tail: tail) == all.suffix(tail)) }
        #expect(temporary.exists("web-1.log.2"))
    }

    /// As if the supervisor had been killed within a write.
    @Test(arguments: [1, 4, 5, 24, 30, 50]) func aTornFrameCostsItselfOnly(cut: Int) throws {
        let first = writer()
        put("one\n", first, at: 1)
        put("two, which gets lost, and has some length\n", first, at: 2)
        _ = truncate(log, off_t(try content(log).count - cut))
        let reader = try LogReader(directory: temporary.path)
        #expect(entries(reader) == ["out 1: one\n"])
        #expect(try entries(tail: 1) == ["out 1: one\n"])
        put("three\n", writer(isAdopted: true), at: 3)
        #expect(entries(reader) == ["out 3: three\n"])
        for tail in 0...3 { #expect(try entries(tail: tail) == ["out 1: one\n", "out 3: three\n"].suffix(tail)) }
    }

    /// As somebody does to make room.
    @Test func aFileThatIsCutWithinAFrameIsReadOnBehindIt() throws {
        let writer = writer()
        put("one\n", writer, at: 1)
        put("two\n", writer, at: 2)
        _ = truncate(log, off_t(try content(log).count - 7))
        put("three\n", writer, at: 3)
        put("four\n", writer, at: 4)
        #expect(try entries() == ["out 1: one\n", "out 3: three\n", "out 4: four\n"])
        #expect(try entries(tail: 2) == ["out 3: three\n", "out 4: four\n"])
        #expect(try entries(tail: 3) == entries())
        let reader = try LogReader(directory: temporary.path, tail: 0)
        #expect(entries(reader) == [])
        _ = truncate(log, 0)
        put("five\n", writer, at: 5)
        #expect(entries(reader) == ["out 5: five\n"])
    }

    /// Output that looks like the log itself, as of a service that prints one.
    @Test func framesWithinFramesAreOutput() throws {
        let writer = writer()
        put("inner\n", writer, at: 1)
        let bytes = try content(log)
        _ = truncate(log, 0)
        for time in 2...4 { put(bytes, writer, at: Int64(time)) }
        var read: [UInt8] = []
        try LogReader(directory: temporary.path).readAvailable { read += $0.bytes }
        writer.finish(.stdout)
        try LogReader(directory: temporary.path, tail: 1).readAvailable { read += $0.bytes }
        #expect(read.count > bytes.count * 2)
        read = []
        try LogReader(directory: temporary.path).readAvailable { read += $0.bytes }
        #expect(read == bytes + bytes + bytes)
    }

    /// What the file holds while a frame is being written, whose output looks like frames itself.
    @Test func framesWithinAFrameThatIsNotAllThereAreNotSeen() throws {
        let writer = writer()
        put("forged\n", writer, .stderr, at: 7)
        let forged = try content(log)
        _ = truncate(log, 0)
        put("one\ntwo\n", writer, at: 1)
        let start = try content(log).count
        // One of them ends where a block does.
        let filling = Int(LogFrames.block) - (start + LogFrame.headSize + forged.count) % Int(LogFrames.block)
        let output = [UInt8](repeating: UInt8(ascii: "x"), count: filling) + forged + Array("three\n".utf8)
        put(output, writer, at: 2)
        let bytes = try content(log)
        let end = start + LogFrame.headSize + filling + forged.count
        #expect(end % Int(LogFrames.block) == 0)
        for size in start..<bytes.count {
            _ = truncate(log, 0)
            try FileDescriptor.open(log, O_WRONLY).writeAll(Array(bytes[..<size]))
            let reader = try LogReader(directory: temporary.path)
            #expect(entries(reader) == ["out 1: one\n", "out 1: two\n"])
            #expect(try entries(tail: 1) == ["out 1: two\n"], "of \(size) bytes")
            #expect(try entries(tail: 2) == ["out 1: one\n", "out 1: two\n"], "of \(size) bytes")
            let last = try LogReader(directory: temporary.path, tail: 0)
            try FileDescriptor.open(log, O_WRONLY | O_APPEND).writeAll(Array(bytes[size...]))
            for reader in [reader, last] {
                var read: [UInt8] = []
                reader.readAvailable { read += $0.bytes }
                #expect(read == output, "after \(size) bytes")
            }
        }
        // A supervisor that was killed there doesn't go on with the file.
        _ = truncate(log, off_t(end))
        put("four\n", self.writer(isAdopted: true), at: 4)
        #expect(temporary.exists("web-1.log.1"))
        // Where it is one, it counts.
        _ = truncate(log, 0)
        try FileDescriptor.open(log, O_WRONLY).writeAll(Array(bytes[..<start]) + forged)
        #expect(try entries(tail: 1) == ["err 7: forged\n"])
    }

    @Test(.enabled(if: geteuid() == 0)) func aFullDiskCostsWhatItHasNoRoomFor() throws {
        let place = temporary.path + "/small"
        #expect(mkdir(place, 0o700) == 0)
        #expect(mount("none", place, "tmpfs", 0, "size=64k") == 0)
        defer { umount(place) }
        let folder = try FileDescriptor.open(place, O_RDONLY | O_DIRECTORY)
        let writer = LogWriter(instance: "web-1", stack: "shop", directory: folder.number, plan: LogPlan(fileSize: 1 << 30))
        put("begun", writer, .stderr, at: 1)
        put([UInt8](repeating: UInt8(ascii: "x"), count: 100_000), writer, at: 2)
        put("kept\n", writer, .stderr, at: 3)
        let texts = entries(try LogReader(directory: place))
        #expect(texts.count == 3)
        #expect(texts.first == "err 3: begun" && texts.last == "err 3: kept\n")
        #expect(texts.dropFirst().first == "err 3: stackup: about 100000 bytes of output were lost here: No space left on device\n")
        _ = consume folder
    }
}
