import Glibc
import Linux
import Testing

@testable import Runner

/// What services print may be anything, and so may what lies in the place of their logs.
@Suite(.serialized) struct LogFuzzTests {
    private static let pieces: [[UInt8]] = [
        [0], [10], [13], [27] + Array("[2J".utf8), [27] + Array("]0;title".utf8) + [7], [0xff, 0xfe], [0xc0, 0x80], [0xed, 0xa0, 0x80],
        Array(#"{"log":"x\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}"#.utf8), [34], [92], Array("\\u0000".utf8), Array("\u{2028}".utf8),
    ]

    private static func output(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            bytes += Bool.random(using: &random) ? pieces.randomElement(using: &random)! : random.bytes(Int.random(in: 0...64, using: &random))
        }
        if Int.random(in: 0...20, using: &random) == 0 {
            bytes += [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: Int.random(in: 1...200_000, using: &random))
        }
        return bytes
    }

    /// Of a frame as large as there may be.
    private static let frameHead: [UInt8] = [0xFE, 0x4C, 0x46, 1, 1, 0, 0, 0, 0, 0, 0x10, 0, 8, 7, 6, 5, 4, 3, 2, 1]

    private static let streams: [LogStream] = [.stdout, .stderr]

    /// Whatever is printed comes back as it was, byte for byte and in order, across rotations and supervisors that are killed.
    @Test(.timeLimit(.minutes(30))) func whatIsPrintedIsReadAsItWas() throws {
        try Fuzzing.rounds(kinds: 1) { number, random in
            let temporary = TemporaryDirectory()
            let directory = try FileDescriptor.open(temporary.path, O_RDONLY | O_DIRECTORY)
            let size = Int64([4096, 20_000, 300_000, 1 << 30].randomElement(using: &random)!)
            func makeWriter(isAdopted: Bool) -> LogWriter {
                LogWriter(
                    instance: "web-1", stack: "shop", directory: directory.number, plan: LogPlan(fileSize: size, fileCount: 1000), isAdopted: isAdopted)
            }
            var writer = makeWriter(isAdopted: false)
            let reader = try LogReader(directory: temporary.path)
            var scratch = LineBuffer(), written: [LogStream: [UInt8]] = [:], followed: [LogEntry] = []
            for step in 0..<Int64.random(in: 1...30, using: &random) {
                let stream = Self.streams.randomElement(using: &random)!
                let bytes = Self.output(&random)
                written[stream, default: []] += bytes
                bytes.withUnsafeBytes { writer.receive($0, from: stream, at: LogTime(nanoseconds: step), scratch: &scratch) }
                if Int.random(in: 0...3, using: &random) == 0 { reader.readAvailable { followed.append($0) } }
                switch Int.random(in: 0...9, using: &random) {
                case 0: writer = makeWriter(isAdopted: true)
                case 1: writer = makeWriter(isAdopted: false)
                case 2: for stream in Self.streams { writer.finish(stream, at: LogTime(nanoseconds: step)) }
                default: break
                }
            }
            writer = makeWriter(isAdopted: true)
            for stream in Self.streams { writer.finish(stream, at: LogTime(nanoseconds: 100)) }
            reader.readAvailable { followed.append($0) }
            var read: [LogEntry] = []
            try LogReader(directory: temporary.path).readAvailable { read.append($0) }
            for stream in Self.streams {
                for entries in [read, followed] {
                    #expect(entries.filter { $0.stream == stream }.flatMap(\.bytes) == written[stream] ?? [], "round \(number)")
                }
            }
            #expect(followed == read)
            // As many of the last lines as are asked for, and each of them whole.
            let lines = Self.lines(read)
            for tail in [0, 1, 2, Int.random(in: 0...lines.count, using: &random), lines.count, lines.count + 1] {
                var last: [LogEntry] = []
                try LogReader(directory: temporary.path, tail: tail).readAvailable { last.append($0) }
                #expect(Self.lines(last) == Array(lines.suffix(tail)), "\(tail) of \(lines.count)")
            }
        }
    }

    /// In the order in which they end.
    private static func lines(_ entries: [LogEntry]) -> [[LogEntry]] {
        var begun: [LogStream: [LogEntry]] = [:], lines: [[LogEntry]] = []
        for entry in entries {
            begun[entry.stream, default: []].append(entry)
            if !entry.isPart { lines.append(begun.removeValue(forKey: entry.stream)!) }
        }
        #expect(begun.isEmpty)
        return lines
    }

    /// The same with lines of JSON, which has no bytes that are not text: as with Docker, U+FFFD takes their place.
    @Test(.timeLimit(.minutes(30))) func whatIsPrintedIsReadAsTextFromJSON() throws {
        try Fuzzing.rounds(kinds: 1) { _, random in
            let temporary = TemporaryDirectory()
            let directory = try FileDescriptor.open(temporary.path, O_RDONLY | O_DIRECTORY)
            let writer = LogWriter(
                instance: "web-1", stack: "shop", directory: directory.number, plan: LogPlan(form: .jsonFile, fileSize: 1 << 30, fileCount: 1))
            let reader = try LogReader(directory: temporary.path)
            var scratch = LineBuffer(), read: [UInt8] = [], written: [UInt8] = []
            for _ in 0..<5 {
                let bytes = Self.output(&random)
                written += bytes
                bytes.withUnsafeBytes { writer.receive($0, from: .stdout, at: .now(), scratch: &scratch) }
                reader.readAvailable { read += $0.bytes }
            }
            writer.finish(.stdout)
            reader.readAvailable { read += $0.bytes }
            let isText = Array(String(decoding: written, as: UTF8.self).utf8) == written
            #expect(isText ? read == written : read.count > 0 || written.isEmpty)
        }
    }

    /// Lines and frames are damaged, and files are emptied, cut, and replaced by links, folders, pipes and devices while they are read and written.
    @Test(.timeLimit(.minutes(30))) func whateverLiesThereTheReaderGoesOn() throws {
        let start = Fuzzing.residentMemory()
        try Fuzzing.rounds(kinds: 12) { kind, random in
            let form = [LogForm.local, .jsonFile].randomElement(using: &random)!
            let temporary = TemporaryDirectory()
            let folder = temporary.path + "/logs"
            #expect(mkdir(folder, 0o700) == 0)
            let directory = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
            func writer() -> LogWriter {
                LogWriter(instance: "web-1", stack: "shop", directory: directory.number, plan: LogPlan(form: form, fileSize: 20_000, fileCount: 3))
            }
            var scratch = LineBuffer()
            func put(_ bytes: [UInt8], _ writer: LogWriter) { bytes.withUnsafeBytes { writer.receive($0, from: .stdout, at: .now(), scratch: &scratch) } }
            put(Self.output(&random) + [10], writer())
            let reader = try LogReader(directory: folder, tail: [nil, 0, 1, 1000].randomElement(using: &random)!)
            reader.readAvailable { _ in }
            let log = folder + "/web-1.log"
            try (Array("not to be read".utf8) + [10]).withUnsafeBytes { bytes in
                let secret = try FileDescriptor.open(temporary.path + "/elsewhere", O_WRONLY | O_CREAT, mode: 0o600)
                try secret.writeAll(Array(bytes))
            }
            switch kind {
            case 0: _ = truncate(log, 0)
            case 1: _ = truncate(log, off_t.random(in: 0...5000, using: &random))
            // A hole of megabytes without a newline.
            case 2: _ = truncate(log, 1 << 22)
            case 3: unlink(log); symlink(temporary.path + "/elsewhere", log)
            case 4: unlink(log); mkdir(log, 0o700)
            case 5: unlink(log); mkfifo(log, 0o600)
            case 6: unlink(log); symlink("/dev/zero", log)
            case 7: unlink(log + ".1"); symlink(log, log + ".1")
            case 8:
                let line = #"{"log":"damaged\n","stream":"stdout","time":"2026-01-01T00:00:00.000000001Z"}"# + "\n"
                var bytes: [UInt8] = []
                for _ in 0..<50 { bytes += random.mutated(Array(line.utf8)) }
                let file = try FileDescriptor.open(log, O_WRONLY | O_APPEND)
                try file.writeAll(bytes)
            case 9, 10:
                let bytes = try FileDescriptor.open(log, O_RDONLY).readAll()!
                var mutated = random.mutated(bytes)
                // As if there were large frames, and many of them.
                if kind == 10 { mutated += (0..<2000).flatMap { _ in random.mutated(Self.frameHead) } }
                let file = try FileDescriptor.open(log, O_WRONLY | O_TRUNC)
                try file.writeAll(mutated)
            default:
                let deep = [UInt8](repeating: UInt8(ascii: "["), count: 300_000)
                let file = try FileDescriptor.open(log, O_WRONLY | O_APPEND)
                try file.writeAll(deep)
                try file.writeAll([UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20) + [10])
            }
            var read: [UInt8] = []
            reader.readAvailable { read += $0.bytes }
            for tail in [nil, 0, 3] { try LogReader(directory: folder, tail: tail).readAvailable { read += $0.bytes } }
            #expect(!String(decoding: read, as: UTF8.self).contains("not to be read"))
            // What stands in its place goes away again, and the next line is read.
            if (3...6).contains(kind) {
                if rmdir(log) != 0 { unlink(log) }
            }
            let successor = writer()
            put([10] + Array("the next line".utf8) + [10], successor)
            read = []
            reader.readAvailable { read += $0.bytes }
            #expect(String(decoding: read, as: UTF8.self).contains("the next line"), "after \(kind)")
        }
        #expect(Fuzzing.residentMemory() - start < 200 << 20)
    }
}
