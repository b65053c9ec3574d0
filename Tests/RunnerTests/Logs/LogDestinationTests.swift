import Glibc
import Linux
import Testing

@testable import Runner

/// What comes out of a socket that stands for the journal's or a syslog's.
@Suite final class LogDestinationTests {
    private let temporary = TemporaryDirectory()
    private var listener: Int32 = -1

    private var path: String { temporary.path + "/log" }

    private func listen() {
        listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        #expect(bound == 0)
    }

    deinit { if listener >= 0 { close(listener) } }

    private func received() -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(listener, &buffer, buffer.count, 0)
            guard count >= 0 else { return messages }
            messages.append(Array(buffer[..<count]))
        }
    }

    private func destination(_ format: LogPlan.SyslogFormat = .rfc3164) -> LogDestination {
        LogDestination(.syslog(socket: path, facility: 16, format: format, tag: "app/{{.Name}}"), instance: "shop-web-1")
    }

    private func add(_ text: String, to destination: LogDestination, _ stream: LogStream = .stdout, endsLine: Bool = true) {
        Array(text.utf8).withUnsafeBytes { destination.add($0, endsLine: endsLine, stream, LogTime(nanoseconds: 1_767_323_045_000_006_000)) }
    }

    @Test func aSyslogGetsALineInTheFormThatWasAskedFor() throws {
        listen()
        for format in [LogPlan.SyslogFormat.rfc3164, .rfc5424, .rfc5424micro] {
            let destination = destination(format)
            add("hello", to: destination, format == .rfc5424 ? .stderr : .stdout)
            destination.flush()
        }
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, 255)
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let texts = received().map { String(decoding: $0, as: UTF8.self) }
        #expect(texts.count == 3)
        #expect(try #/<134>[A-Z][a-z][a-z] [ 0-9]\d \d\d:\d\d:\d\d app\/shop-web-1\[\d+\]: hello/#.wholeMatch(in: texts[0]) != nil)
        #expect(texts[1] == "<131>1 2026-01-02T03:04:05Z \(name) app/shop-web-1 \(getpid()) app/shop-web-1 - hello")
        #expect(texts[2] == "<134>1 2026-01-02T03:04:05.000006Z \(name) app/shop-web-1 \(getpid()) app/shop-web-1 - hello")
    }

    @Test func theJournalGetsFieldsWhateverTheLineHolds() {
        func entry(_ bytes: [UInt8], endsLine: Bool) -> [UInt8] {
            bytes.withUnsafeBytes { JournalEntry.bytes($0, endsLine: endsLine, severity: 3, tag: "t", instance: "shop-web-1") }
        }
        let plain = "MESSAGE=a=b\nPRIORITY=3\nSYSLOG_IDENTIFIER=t\nCONTAINER_NAME=shop-web-1\nCONTAINER_TAG=t\n"
        #expect(entry(Array("a=b".utf8), endsLine: true) == Array(plain.utf8))
        // What would else be a field of its own is part of the value.
        let sneaky = entry(Array("x\nPRIORITY=0".utf8), endsLine: false)
        #expect(sneaky.starts(with: Array("MESSAGE\n".utf8) + [12, 0, 0, 0, 0, 0, 0, 0] + Array("x\nPRIORITY=0\nPRIORITY=3\n".utf8)))
        #expect(String(decoding: sneaky, as: UTF8.self).hasSuffix("CONTAINER_PARTIAL_MESSAGE=true\n"))
    }

    @Test func whatIsNotTakenYetIsKeptInOrder() {
        listen()
        let destination = destination()
        var sent = 0
        while destination.congestion == nil && sent < 10_000 {
            add("\(sent)", to: destination)
            destination.flush()
            sent += 1
        }
        #expect(destination.congestion != nil)
        var messages: [[UInt8]] = []
        while destination.congestion != nil {
            messages += received()
            destination.flush()
        }
        messages += received()
        let numbers = messages.map { Int(String(decoding: $0, as: UTF8.self).split(separator: " ").last!)! }
        #expect(numbers == Array(0..<sent))
    }

    @Test func whoeverWaitsForASocketIsToldBeforeItIsClosed() {
        listen()
        let destination = destination()
        var closed = 0
        destination.willClose = { closed += 1 }
        for number in 0..<10_000 where destination.congestion == nil {
            add("\(number)", to: destination)
            destination.flush()
        }
        #expect(destination.congestion != nil)
        close(listener)
        unlink(path)
        listen()
        destination.flush()
        #expect(closed == 1)
        #expect(destination.congestion == nil)
        #expect(!received().isEmpty)
    }

    @Test func whatAnInstanceLeavesAtItsEndIsBounded() {
        listen()
        let destination = destination()
        for number in 0..<200_000 { add("\(number)", to: destination) }
        var count = 0
        repeat {
            destination.flush()
            let messages = received()
            count += messages.count
            if let last = messages.last, String(decoding: last, as: UTF8.self).contains("lines of output were lost here") { break }
        } while destination.congestion != nil
        #expect(count > 10_000 && count < 200_000)
    }

    @Test func whereNobodyListensNothingIsHeldUp() {
        let destination = destination()
        add("lost", to: destination)
        destination.flush()
        #expect(destination.congestion == nil)
        listen()
        add("heard", to: destination)
        destination.flush()
        #expect(received().count == 1)
        close(listener)
        unlink(path)
        listen()
        add("again", to: destination)
        destination.flush()
        #expect(received().count == 1)
    }
}
