import Glibc
import Testing
@testable import Terminal

/// A display whose clock, terminal and output are a test's.
private final class Stage {
    var now = 0.0
    var size = TerminalSize(columns: 40, rows: 24)
    var text = ""
    var writes = 0

    func display(_ mode: ProgressMode) -> ProgressDisplay {
        ProgressDisplay(
            mode, title: "Running", isColoured: false, size: { self.size }, clock: { self.now },
            output: {
                self.text += $0
                self.writes += 1
            })
    }

    /// What a terminal shows after all that was written.
    var screen: [String] {
        var lines: [String] = [""]
        var row = 0
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\r": break
            case "\n":
                row += 1
                if row == lines.count { lines.append("") }
            case "\u{1B}":
                let sequence = rest.prefix { !$0.isLetter }.dropFirst()
                let final = rest.dropFirst(sequence.count + 1).first
                rest = rest.dropFirst(sequence.count + 2)
                switch final {
                case "A": row -= Int(sequence) ?? 1
                case "J": lines[row...] = [""]
                default: break
                }
            default:
                // A line is always rewritten from its start, and each carriage return clears it.
                lines[row].append(character)
            }
            if character == "\r" { lines[row] = "" }
        }
        return lines.last == "" ? lines.dropLast() : lines
    }
}

@Suite struct ProgressTests {
    @Test func aTerminalShowsOneLinePerResource() {
        let stage = Stage()
        let display = stage.display(.tty)
        display.update(resource: "Secret a", status: .working, text: "Creating")
        display.update(resource: "Service web-1", status: .working, text: "Starting")
        display.refresh()
        #expect(stage.screen == [
            "[+] Running 0/2",
            " ⠋ Secret a       Creating         0.0s",
            " ⠋ Service web-1  Starting         0.0s",
        ])
        stage.now = 0.12
        display.update(resource: "Service web-1", status: .done, text: "Started")
        stage.now = 0.3
        display.update(resource: "Secret a", status: .error, text: "the store is locked by another process")
        display.finish()
        display.finish()
        #expect(stage.screen == [
            "[+] Running 2/2",
            " ✘ Secret a       the store is l…  0.3s",
            " ✔ Service web-1  Started          0.1s",
        ])
    }

    @Test func changesWithinOneFrameAreDrawnOnce() {
        let stage = Stage()
        let display = stage.display(.tty)
        for index in 0..<50 { display.update(resource: "Service s-\(index)", status: .done, text: "Started") }
        #expect(stage.text.split(separator: "\n").count == 2)
        display.finish()
        #expect(stage.screen.count == 51)
    }

    @Test func aBlockNeverOutgrowsTheScreen() {
        let stage = Stage()
        stage.size.rows = 10
        let display = stage.display(.tty)
        for index in 0..<30 { display.update(resource: "Service s-\(index)", status: .done, text: "Started") }
        display.update(resource: "Service last", status: .working, text: "Starting")
        stage.now = 1
        display.refresh()
        #expect(stage.screen.count == 9)
        #expect(stage.screen.last?.contains("Service last") == true)
    }

    @Test func aNarrowTerminalIsSurvived() {
        let stage = Stage()
        stage.size = TerminalSize(columns: 1, rows: 1)
        let display = stage.display(.tty)
        display.update(resource: "Service web-1", status: .working, text: "Starting")
        display.update(resource: "Service db-1", status: .working, text: "Starting")
        stage.now = 1
        display.refresh()
        display.finish()
    }

    @Test func clearingTakesTheBlockAway() {
        let stage = Stage()
        let display = stage.display(.tty)
        display.update(resource: "Service web-1", status: .working, text: "Starting")
        display.clear()
        #expect(stage.screen == [])
        display.refresh()
        #expect(stage.screen.count == 2)
    }

    @Test func theBlockIsFoundFromAnyColumn() {
        let stage = Stage()
        let display = stage.display(.tty)
        display.update(resource: "Service web-1", status: .working, text: "Starting")
        // A terminal shows Ctrl-C as `^C`.
        stage.text = ""
        stage.now = 1
        display.refresh()
        #expect(stage.text.hasPrefix("\r\u{1B}[2A"))
        stage.text = ""
        display.clear()
        #expect(stage.text == "\r\u{1B}[2A\u{1B}[J")
    }

    @Test func plainProgressIsALinePerChange() {
        let stage = Stage()
        let display = stage.display(.plain)
        display.update(resource: "Service web-1", status: .working, text: "Starting")
        display.update(resource: "Service web-1", status: .working, text: "Starting")
        display.update(resource: "Service web-1", status: .done, text: "Started\u{1B}[2J")
        display.finish()
        #expect(stage.text == " Service web-1  Starting\n Service web-1  Started\\x1b[2J\n")
    }

    @Test(arguments: [ProgressMode.plain, .json, .tty])
    func severalResourcesAreOneWrite(mode: ProgressMode) {
        let (stage, other) = (Stage(), Stage())
        let display = stage.display(mode)
        display.update(resources: ["Service a-1", "Service b-1"], status: .done, text: "Running")
        #expect(stage.writes == 1)
        let oneByOne = other.display(mode)
        for resource in ["Service a-1", "Service b-1"] { oneByOne.update(resource: resource, status: .done, text: "Running") }
        for shown in [display, oneByOne] { shown.finish() }
        #expect(stage.screen == other.screen)
        display.update(resources: [], status: .done, text: "Running")
        #expect(stage.screen == other.screen)
    }

    @Test func jsonProgressIsAnObjectPerChange() {
        let stage = Stage()
        let display = stage.display(.json)
        display.update(resource: "Service web-1", status: .done, text: "Started")
        #expect(stage.text == #"{"id":"Service web-1","status":"Done","text":"Started"}"# + "\n")
    }

    @Test func quietProgressIsSilent() {
        let stage = Stage()
        let display = stage.display(.quiet)
        display.update(resource: "Service web-1", status: .error, text: "x")
        display.finish()
        #expect(stage.text == "")
        #expect(ProgressMode.auto.resolved(isTerminal: true) == .tty)
        #expect(ProgressMode.auto.resolved(isTerminal: false) == .plain)
        #expect(ProgressMode.quiet.resolved(isTerminal: true) == .quiet)
    }
}

@Suite struct TerminalFactsTests {
    @Test func aPipeIsNoTerminal() {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        #expect(!isTerminal(ends[0]))
        #expect(TerminalSize(of: ends[0]) == nil)
        if let mode = RawMode(ends[0]) {
            Issue.record("a pipe has no modes")
            _ = consume mode
        }
        #expect(put("é", to: ends[1]))
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(read(ends[0], &bytes, 8) == 2)
    }

    @Test func rawModeIsUndoneWhenItsOwnerGoes() throws {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(terminal >= 0)
        defer { close(terminal) }
        var size = winsize(ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0)
        #expect(ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0)
        #expect(isTerminal(terminal))
        #expect(TerminalSize(of: terminal) == TerminalSize(columns: 100, rows: 30))
        func echoes() -> Bool {
            var modes = termios()
            return tcgetattr(terminal, &modes) == 0 && modes.c_lflag & tcflag_t(ECHO) != 0
        }
        #expect(echoes())
        do {
            let mode = RawMode(terminal)
            #expect(!echoes())
            _ = consume mode
        }
        #expect(echoes())
    }
}
