import Glibc
import Linux
import Testing

@testable import Runner

@Suite final class LogFilesTests {
    let temporary = TemporaryDirectory()
    let directory: FileDescriptor

    init() throws {
        directory = try FileDescriptor.open(temporary.path, O_RDONLY | O_DIRECTORY)
    }

    private func writer(
        _ instance: String = "web-1", _ form: LogForm? = nil, size: Int64? = nil, count: Int? = nil, isAdopted: Bool = false
    ) -> LogWriter {
        LogWriter(
            instance: instance, stack: "shop", directory: directory.number, plan: LogPlan(form: form, fileSize: size, fileCount: count),
            isAdopted: isAdopted)
    }

    private func put(_ text: String, _ writer: LogWriter, _ stream: LogStream = .stdout, at time: Int64? = nil) {
        var scratch = LineBuffer()
        Array(text.utf8).withUnsafeBytes {
            writer.receive($0, from: stream, at: time.map { LogTime(nanoseconds: $0) } ?? .now(), scratch: &scratch)
        }
    }

    private func texts(_ reader: LogReader) -> [String] {
        var result: [String] = []
        reader.readAvailable { result.append(String(decoding: $0.bytes, as: UTF8.self)) }
        return result
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func aLogIsForItsOwnerAlone(form: LogForm) throws {
        put("secret-looking\n", writer("web-1", form))
        var status = stat()
        #expect(stat("\(temporary.path)/web-1.log", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func aFullFileIsRotatedAndOnlySoManyAreKept(form: LogForm) throws {
        let writer = writer("web-1", form, size: 200, count: 3)
        for number in 0..<20 { put("line \(number)\n", writer) }
        #expect(temporary.exists("web-1.log") && temporary.exists("web-1.log.1") && temporary.exists("web-1.log.2"))
        #expect(!temporary.exists("web-1.log.3"))
        let kept = texts(try LogReader(directory: temporary.path))
        #expect(kept.last == "line 19\n")
        #expect(kept == (20 - kept.count..<20).map { "line \($0)\n" })
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func aRestartedWriterGoesOnWhereTheLastOneEnded(form: LogForm) throws {
        put("one\n", writer("web-1", form))
        put("two\n", writer("web-1", form))
        #expect(texts(try LogReader(directory: temporary.path)) == ["one\n", "two\n"])
    }

    /// A service may write faster than anybody reads.
    @Test(arguments: [LogForm.local, .jsonFile], [nil, 100] as [Int64?]) func whatComesWhileOneReadsIsForTheNextTime(form: LogForm, size: Int64?) throws {
        let writer = writer("web-1", form, size: size, count: 100)
        for number in 0..<10 { put("line \(number)\n", writer) }
        let reader = try LogReader(directory: temporary.path)
        var seen: [String] = []
        for round in 1...3 {
            reader.readAvailable {
                seen.append(String(decoding: $0.bytes, as: UTF8.self))
                put("line \(seen.count + 9)\n", writer)
            }
            // Where files follow each other, what comes into the last of them is seen with it.
            #expect(size == nil ? seen.count == 10 * round : seen.count < 100)
            #expect(try reader.waitForMore(milliseconds: 0))
        }
        #expect(seen == (0..<seen.count).map { "line \($0)\n" })
    }

    @Test func aServicesInstancesAreReadAndNoOthers() throws {
        put("1\n", writer("web-1"), at: 1)
        put("2\n", writer("web-2"), at: 2)
        put("3\n", writer("web-api-1"), at: 3)
        #expect(texts(try LogReader(directory: temporary.path, of: .services(["web"]))) == ["1\n", "2\n"])
        #expect(texts(try LogReader(directory: temporary.path, of: .services(["web-api", "db"]))) == ["3\n"])
        #expect(texts(try LogReader(directory: temporary.path, of: .instance("web-2"))) == ["2\n"])
        #expect(texts(try LogReader(directory: temporary.path, until: LogTime(nanoseconds: 2))) == ["1\n", "2\n"])
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func aPartGoesOnAndARestDoesNot(form: LogForm) throws {
        let writer = writer("web-1", form)
        put(String(repeating: "x", count: LineSplitter.partLimit + 3), writer)
        writer.finish(.stdout)
        put("next\n", writer)
        var parts: [Bool] = []
        try LogReader(directory: temporary.path).readAvailable { parts.append($0.isPart) }
        #expect(parts == [true, false, false])
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func aLinkInPlaceOfALogIsNotFollowed(form: LogForm) throws {
        #expect(symlink("\(temporary.path)/elsewhere", "\(temporary.path)/web-1.log") == 0)
        put("line\n", writer("web-1", form))
        #expect(!temporary.exists("elsewhere"))
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func instancesAreMergedByTime(form: LogForm) throws {
        let web = writer("web-1", form), db = writer("db-1", form)
        put("1\n", web, at: 1)
        put("4\n", web, at: 4)
        put("2\n", db, at: 2)
        put("3\n", db, .stderr, at: 3)
        put("5\n", db, at: 5)
        #expect(texts(try LogReader(directory: temporary.path)) == ["1\n", "2\n", "3\n", "4\n", "5\n"])
        #expect(texts(try LogReader(directory: temporary.path, of: .instance("web-1"))) == ["1\n", "4\n"])
    }

    @Test(arguments: [LogForm.local, .jsonFile], 0...25)
    func tailCountsBackAcrossRotatedFiles(form: LogForm, count: Int) throws {
        let writer = writer("web-1", form, size: 300, count: 100)
        for number in 0..<20 { put("line \(number)\n", writer) }
        let expected = (max(20 - count, 0)..<20).map { "line \($0)\n" }
        let reader = try LogReader(directory: temporary.path, tail: count)
        #expect(texts(reader) == expected)
        put("later\n", writer)
        #expect(texts(reader) == ["later\n"])
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func sinceLeavesOutWhatIsOlder(form: LogForm) throws {
        let writer = writer("web-1", form)
        for time in 1...5 { put("\(time)\n", writer, at: Int64(time)) }
        #expect(texts(try LogReader(directory: temporary.path, since: LogTime(nanoseconds: 4))) == ["4\n", "5\n"])
    }

    @Test(arguments: [LogForm.local, .jsonFile]) func aReaderFollowsRotationsWithoutLosingOrRepeatingALine(form: LogForm) throws {
        let writer = writer("web-1", form, size: 400, count: 50)
        let reader = try LogReader(directory: temporary.path)
        var seen: [String] = []
        for number in 0..<300 {
            put("line \(number)\n", writer)
            // Sometimes several rotations pass between two looks.
            if number % 37 == 0 || number % 5 == 0 { seen += texts(reader) }
        }
        seen += texts(reader)
        #expect(seen == (0..<300).map { "line \($0)\n" })
    }

    @Test func aReaderIsWokenByALineAndByANewInstance() throws {
        put("before\n", writer())
        let reader = try LogReader(directory: temporary.path)
        #expect(texts(reader) == ["before\n"])
        #expect(try !reader.waitForMore(milliseconds: 0))
        put("after\n", writer())
        #expect(try reader.waitForMore(milliseconds: 30_000))
        #expect(texts(reader) == ["after\n"])
        put("hello\n", writer("new-1"))
        #expect(try reader.waitForMore(milliseconds: 30_000))
        #expect(texts(reader) == ["hello\n"])
    }

    @Test func aTornLineCostsItselfOnly() throws {
        try temporary.write(#"{"log":"torn"#, to: "web-1.log")
        put("whole\n", writer("web-1", .jsonFile))
        #expect(texts(try LogReader(directory: temporary.path)) == ["whole\n"])
    }

    @Test func removingAnInstanceRemovesAllItsFiles() throws {
        let writer = writer(size: 50, count: 3)
        for number in 0..<9 { put("line \(number)\n", writer) }
        // Of a plan that kept more, and of somebody who was killed while moving them on.
        for number in [3, 4, 6, 7] { try temporary.write("old\n", to: "web-1.log.\(number)") }
        try temporary.write("another's\n", to: "web-10.log.1")
        LogFiles.remove(of: "web-1", in: directory.number)
        #expect(DirectoryListing.names(in: directory.number) == ["web-10.log.1"])
    }

    @Test func logsOfInstancesThatAreNoMoreAreFound() throws {
        let kept = ["web-1.log", "web-1.log.1", "a.log-1.log", "stopped", "web.log-1", ".log.x"]
        for name in kept + ["web-10.log", "web-10.log.2", "db-1.log.1", "a.log-2.log", "web~1a2b3c4d5e6f-1.log"] { try temporary.write("x", to: name) }
        LogFiles.removeAll(besides: ["web-1", "a.log-1"], in: directory.number)
        #expect(DirectoryListing.names(in: directory.number).sorted() == kept.sorted())
    }
}
