import Glibc
import Testing

/// Plays the transcripts against the built command.
@Suite struct TranscriptTests {
    @Test("a session goes as its transcript says", .enabled(if: binary != nil, "build it first: scripts/build release"), arguments: transcripts)
    func session(_ file: TranscriptFile) throws {
        let transcript = try Transcript(parsing: try #require(contents(of: file.path)))
        if transcript.needsRoot && geteuid() != 0 { return }
        let stage = try Stage(transcript, number: file.number, binary: try #require(binary))
        for step in transcript.steps {
            let (outcome, mismatches) = stage.play(step)
            guard !mismatches.isEmpty else { continue }
            file.report(
                step.line,
                "$ \(step.command)\n  "
                    + (mismatches + ["standard error is\n\(outcome.stderr)"]).joined(separator: "\n  "))
        }
        for leftover in stage.clear() {
            file.report(1, "left behind: \(leftover)")
        }
    }
}

/// One file of `Tests/transcripts`.
struct TranscriptFile: Sendable, CustomTestStringConvertible {
    let path: String
    let number: Int

    var testDescription: String { String(path.split(separator: "/").last!) }

    /// Reports at the line of the transcript, not of this code.
    func report(_ line: Int, _ text: String) {
        Issue.record(
            "\(testDescription):\(line): \(text)",
            sourceLocation: SourceLocation(
                fileID: "transcripts/\(testDescription)", filePath: path, line: line, column: 1))
    }
}

/// All transcripts, or those whose names `TRANSCRIPTS` lists, without `.txt`.
private let transcripts: [TranscriptFile] = {
    let directory = packageDirectory + "/Tests/transcripts"
    let wanted = getenv("TRANSCRIPTS").map { String(cString: $0).split(separator: " ").map { "\($0).txt" } }
    let names = entries(of: directory).filter { $0.hasSuffix(".txt") && wanted?.contains($0) != false }
    return names.sorted().enumerated().map { TranscriptFile(path: directory + "/" + $1, number: $0) }
}()

/// `STACKUP_BINARY`, otherwise what `scripts/build` made, the release build first.
private let binary: String? = {
    if let named = getenv("STACKUP_BINARY") { return String(cString: named) }
    return ["release", "debug"].map { packageDirectory + "/.build/\($0)/stackup" }.first { access($0, X_OK) == 0 }
}()

let packageDirectory = #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 }
