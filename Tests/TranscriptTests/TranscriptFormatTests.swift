import Testing

/// The transcripts prove nothing unless their own format tells right from wrong.
@Suite struct TranscriptFormatTests {
    private func step(_ text: String) throws -> Transcript.Step {
        try #require(try Transcript(parsing: text).steps.first)
    }

    @Test func `a command without expected output must print nothing`() throws {
        let step = try step("$ true\n")
        #expect(step.mismatches(with: Outcome(status: 0, stdout: "", stderr: "noise")).isEmpty)
        #expect(!step.mismatches(with: Outcome(status: 0, stdout: "noise\n", stderr: "")).isEmpty)
    }

    @Test func `an exit status is exact, and a failure is not a crash`() throws {
        let wrongUsage = try step("[64] $ x\n")
        #expect(wrongUsage.mismatches(with: Outcome(status: 64, stdout: "", stderr: "")).isEmpty)
        #expect(!wrongUsage.mismatches(with: Outcome(status: 1, stdout: "", stderr: "")).isEmpty)
        let failure = try step("! $ x\n")
        #expect(failure.mismatches(with: Outcome(status: 1, stdout: "", stderr: "")).isEmpty)
        #expect(!failure.mismatches(with: Outcome(status: 0, stdout: "", stderr: "")).isEmpty)
        #expect(!failure.mismatches(with: Outcome(status: 139, wasKilled: true, stdout: "", stderr: "")).isEmpty)
    }

    @Test func `wildcards stand for what differs and for nothing else`() throws {
        let step = try step("$ ps\nNAME  PID\nweb-1    <PID>  <...> ago\n...\nend\n")
        func plays(_ text: String) -> Bool { step.mismatches(with: Outcome(status: 0, stdout: text, stderr: "")).isEmpty }
        #expect(plays("NAME    PID\nweb-1  42   2 seconds ago  \nmore\nmore\nend\n"))
        #expect(plays("NAME    PID\nweb-1  42   2 seconds ago\nend\n"))
        #expect(!plays("NAME    PID\nweb-1  0   2 seconds ago\nend\n"))
        #expect(!plays("NAME    PID\nweb-2  42   2 seconds ago\nend\n"))
        #expect(!plays("NAME    PID\nweb-1  42   2 seconds ago\nend\nmore\n"))
    }

    @Test func `patterns look at the output they name`() throws {
        let step = try step("! $ x\nstderr: no such (service|secret)\nstderr!: hunter2\n")
        #expect(step.mismatches(with: Outcome(status: 1, stdout: "", stderr: "no such secret")).isEmpty)
        #expect(!step.mismatches(with: Outcome(status: 1, stdout: "no such secret", stderr: "")).isEmpty)
        #expect(!step.mismatches(with: Outcome(status: 1, stdout: "", stderr: "no such secret hunter2")).isEmpty)
    }

    @Test func `prefixes, continuations and files are read`() throws {
        let transcript = try Transcript(
            parsing: "requires: root\n# why\nas user: eventually 2.5s ! $ a\n> b\n\n-- d/f --\n$ not a command\n")
        #expect(transcript.needsRoot)
        #expect(
            transcript.steps == [
                .init(line: 3, command: "a\nb", ending: .failure, asUser: true, patience: 2.5, output: [])
            ])
        #expect(transcript.files == [.init(path: "d/f", content: "$ not a command\n")])
    }

    @Test func `output that belongs to no command is a mistake`() {
        #expect(throws: TranscriptSyntaxError(line: 3, problem: "output that belongs to no command")) {
            try Transcript(parsing: "$ a\n\nlost\n")
        }
    }
}
