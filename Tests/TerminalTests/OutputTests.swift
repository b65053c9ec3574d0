import Testing
@testable import Terminal

@Suite struct TableTests {
    @Test func columnsArePaddedAsDockerPadsThem() {
        let text = renderTable(
            header: ["Name", "Image", "Command", "Ports"],
            rows: [["web-1", "", "\"python3 -m http.server\"", ""], ["日本語-1", "x", "a\u{1B}[2Jb"]])
        #expect(text == """
            NAME       IMAGE     COMMAND                    PORTS
            web-1                "python3 -m http.server"
            日本語-1   x         a\\x1b[2Jb

            """)
    }

    @Test func aTableWithoutRowsIsItsHeader() {
        #expect(renderTable(header: ["ID", "NAME"], rows: []) == "ID        NAME\n")
        #expect(renderTable(header: [], rows: []) == "")
    }
}

@Suite struct HumanUnitsTests {
    @Test(arguments: [
        (-5, "Less than a second"), (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"),
        (60, "About a minute"), (119, "About a minute"), (120, "2 minutes"), (1799, "29 minutes"),
        (3599, "59 minutes"), (3600, "About an hour"), (5399, "About an hour"), (5400, "2 hours"), (86400, "24 hours"),
        (47 * 3600, "47 hours"), (48 * 3600, "2 days"), (13 * 86400, "13 days"), (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"), (60 * 86400, "2 months"), (730 * 86400, "2 years"),
    ] as [(Int64, String)])
    func durationsReadAsDockers(seconds: Int64, expected: String) {
        #expect(humanDuration(seconds: seconds) == expected)
    }

    @Test func agesSurviveAnyClock() {
        #expect(humanAge(of: 1000, at: 1120) == "2 minutes ago")
        #expect(humanAge(of: .min, at: .max) == "Less than a second ago")
        #expect(humanDuration(seconds: .max).hasSuffix("years"))
    }

    @Test(arguments: [
        (0, "0B"), (999, "999B"), (1000, "1kB"), (1234, "1.234kB"), (12345, "12.35kB"), (123_456, "123.5kB"),
        (56_700_000, "56.7MB"), (1_500_000_000, "1.5GB"), (-1, "0B"),
    ] as [(Int64, String)])
    func sizesReadAsDockers(bytes: Int64, expected: String) {
        #expect(humanSize(bytes: bytes) == expected)
    }

    @Test func theLargestSizeDoesNotOverflow() {
        #expect(humanSize(bytes: .max) == "9.223EB")
        #expect(binarySize(bytes: 1023) == "1023B" && binarySize(bytes: 67_108_864) == "64MiB" && binarySize(bytes: 1_305_600) == "1.245MiB")
    }
}

@Suite struct SanitizingTests {
    @Test func nothingThatATerminalObeysGetsThrough() {
        #expect(sanitizedForTerminal("a\u{1B}[31mb\u{7}\u{9B}c\r\n\t\u{7F}") == #"a\x1b[31mb\x07\x9bc\r\n\t\x7f"#)
        #expect(sanitizedForTerminal("\u{202E}gpj.exe\u{2066}") == #"\u{202e}gpj.exe\u{2066}"#)
        #expect(sanitizedForTerminal("Grüße 日本語 😀 e\u{301}") == "Grüße 日本語 😀 e\u{301}")
        #expect(sanitizedForTerminal("a\n\tb\r", keepingLines: true) == "a\n\tb\\r")
    }

    @Test func widthsAreThoseOfATerminal() {
        #expect(displayWidth("abc") == 3)
        #expect(displayWidth("日本語") == 6)
        #expect(displayWidth("e\u{301}") == 1)
        #expect(displayWidth("👩‍👩‍👧") == 2)
        #expect(displayWidth("❤️") == 2)
        #expect(truncated("日本語", to: 5) == "日本…")
        #expect(truncated("abc", to: 3) == "abc")
        #expect(truncated("abc", to: 0) == "")
    }
}

@Suite struct ColourTests {
    @Test func thePolicyFollowsTheConventions() {
        func enabled(_ policy: ColourPolicy, _ isTerminal: Bool, _ environment: [String: String] = [:]) -> Bool {
            policy.isEnabled(isTerminal: isTerminal) { environment[$0] }
        }
        #expect(enabled(.auto, true))
        #expect(!enabled(.auto, false))
        #expect(enabled(.always, false, ["NO_COLOR": "1"]))
        #expect(!enabled(.never, true, ["CLICOLOR_FORCE": "1"]))
        #expect(!enabled(.auto, true, ["NO_COLOR": "1"]))
        #expect(enabled(.auto, true, ["NO_COLOR": ""]))
        #expect(!enabled(.auto, true, ["CLICOLOR": "0"]))
        #expect(enabled(.auto, false, ["CLICOLOR_FORCE": "1"]))
        #expect(!enabled(.auto, true, ["TERM": "dumb"]))
    }

    @Test func prefixesAlignAndCycle() {
        var plain = LogPrefixes(names: ["web-1", "redis-1"], isColoured: false)
        #expect(plain.prefix(for: "web-1") == "web-1    | ")
        #expect(plain.prefix(for: "redis-1") == "redis-1  | ")
        #expect(plain.prefix(for: "postgres-1") == "postgres-1  | ")
        #expect(plain.prefix(for: "web-1") == "web-1       | ")
        var coloured = LogPrefixes(names: ["a", "b"], isColoured: true)
        #expect(coloured.prefix(for: "b") == "\u{1B}[33mb  | \u{1B}[0m")
        #expect(coloured.prefix(for: "a") == "\u{1B}[36ma  | \u{1B}[0m")
    }
}

@Suite struct DiagnosticTextTests {
    private func location(_ column: Int) -> DiagnosticLocation {
        DiagnosticLocation(file: "compose.yaml", line: 4, column: column)
    }

    @Test func theCaretStandsUnderTheColumn() {
        let text = renderDiagnostic(
            severity: .error, location: location(5), attribute: "services.web.prots",
            message: "unknown attribute 'prots'", sourceLine: "    prots: x", remedy: "did you mean 'ports'?")
        #expect(text == """
            compose.yaml:4:5: error: services.web.prots: unknown attribute 'prots'
                  prots: x
                  ^
              did you mean 'ports'?

            """)
    }

    @Test func tabsAndWideCharactersKeepTheCaretInPlace() {
        let text = renderDiagnostic(
            severity: .warning, location: location(4), message: "m", sourceLine: "\t日本x")
        #expect(text == "compose.yaml:4:4: warning: m\n      日本x\n" + "  " + "        " + "^\n")
        let combined = renderDiagnostic(severity: .error, location: location(4), message: "m", sourceLine: "e\u{301} x")
        #expect(combined.hasSuffix("  e\u{301} x\n    ^\n"))
    }

    @Test func aFileCannotSendEscapeSequences() {
        let text = renderDiagnostic(
            severity: .error, location: DiagnosticLocation(file: "a\u{1B}]0;x\u{7}.yaml", line: 1, column: 2),
            attribute: "s.\u{1B}c", message: "bad\u{1B}[2J\nerror: forged", sourceLine: "\u{1B}[2Jk: v\r", remedy: "\u{9B}x")
        #expect(!text.unicodeScalars.contains { $0 != "\n" && isUnsafe($0) })
        #expect(text.contains(#"  \x1b[2Jk: v"# + "\n" + "      ^\n"))
        #expect(text.split(separator: "\n").count == 4)
    }

    @Test func aLongLineIsCutAroundTheCaret() {
        let line = String(repeating: "a", count: 200_000) + "X" + String(repeating: "b", count: 200_000)
        let text = renderDiagnostic(
            severity: .error, location: location(200_001), message: "m", sourceLine: line, width: 60)
        let lines = text.split(separator: "\n")
        #expect(lines[1].count <= 60)
        #expect(lines[1].hasPrefix("  …a"))
        #expect(lines[1].hasSuffix("b…"))
        #expect(Array(lines[1])[lines[2].count - 1] == "X")
    }

    @Test(arguments: [-3, 0, 1, 3, 4, 5, 1000, Int.max])
    func anyColumnIsSurvived(column: Int) {
        let text = renderDiagnostic(severity: .error, location: location(column), message: "m", sourceLine: "abc")
        #expect(text.contains("^"))
    }

    @Test func coloursAreLeftOutUnlessAskedFor() {
        #expect(renderDiagnostic(severity: .error, location: nil, message: "m") == "error: m\n")
        #expect(renderDiagnostic(severity: .error, location: nil, message: "m", isColoured: true)
            == "\u{1B}[1;31merror:\u{1B}[0m m\n")
    }

    @Test func aToolGetsEverythingOnOneLine() {
        let line = renderDiagnosticJSON(
            severity: .error, location: location(5), attribute: "services.web.prots",
            message: "unknown attribute 'prots'", sourceLine: "    prots: x", remedy: "did you mean 'ports'?")
        #expect(line == #"{"severity":"error","message":"unknown attribute 'prots'","file":"compose.yaml","line":4,"column":5,"#
            + #""attribute":"services.web.prots","remedy":"did you mean 'ports'?","sourceLine":"    prots: x","sourceColumn":5}"# + "\n")
        #expect(renderDiagnosticJSON(severity: .warning, location: nil, message: "m")
            == #"{"severity":"warning","message":"m","file":null,"line":null,"column":null,"attribute":null,"remedy":null,"sourceLine":null,"sourceColumn":null}"# + "\n")
    }

    @Test func whatATerminalWouldObeyIsEscapedInJSONToo() {
        let line = renderDiagnosticJSON(severity: .error, location: nil, message: "a\u{1B}[2J\n\u{9B}2J\u{202E}\u{E0041}é")
        #expect(line.contains(#"a\u001b[2J\n\u009b2J\u202e\udb40\udc41é"#))
    }
}
