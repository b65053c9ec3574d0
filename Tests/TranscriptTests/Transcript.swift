/// A terminal session as it should go: the commands, what each must print and how it must end,
/// and the files that it starts from. `Tests/transcripts/README.md` describes the format.
struct Transcript: Sendable, Equatable {
    var steps: [Step] = []
    var files: [File] = []
    /// Whether only root can play it.
    var needsRoot = false

    /// One command and what must come of it.
    struct Step: Sendable, Equatable {
        /// Where it stands in the transcript, counted from 1.
        var line: Int
        var command: String
        var ending: Ending
        /// Run as the transcript's unprivileged user.
        var asUser = false
        /// Seconds in which the command, repeated, has to do what is expected.
        var patience: Double?
        /// The lines of standard output; nil where only patterns are given.
        var output: [String]?
        var patterns: [Pattern] = []
    }

    /// How a command must end.
    enum Ending: Sendable, Equatable {
        /// With this exit status.
        case status(Int32)
        /// With an exit status other than 0, and not by a signal: a refusal, never a crash.
        case failure
    }

    /// A regular expression that one of the outputs must, or must not, contain.
    struct Pattern: Sendable, Equatable {
        enum Stream: String, Sendable {
            case stdout, stderr
        }

        var stream: Stream
        var mustMatch: Bool
        var expression: String
    }

    /// A file that lies in the project's directory before the first command.
    struct File: Sendable, Equatable {
        var path: String
        var content: String
    }
}

/// A transcript that doesn't follow the format.
struct TranscriptSyntaxError: Error, Equatable, CustomStringConvertible {
    var line: Int
    var problem: String
    var description: String { "line \(line): \(problem)" }
}

extension Transcript {
    init(parsing text: String) throws(TranscriptSyntaxError) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        var inFile = false
        var inOutput = false
        for (index, line) in lines.enumerated() {
            if let path = Self.fileHeader(line) {
                files.append(File(path: path, content: ""))
                inFile = true
            } else if inFile {
                files[files.count - 1].content += line + "\n"
            } else if line.isEmpty {
                inOutput = false
            } else if line.hasPrefix("#") {
                inOutput = false
            } else if line == "requires: root" {
                needsRoot = true
            } else if let step = try Self.step(line, at: index + 1) {
                steps.append(step)
                inOutput = true
            } else {
                guard inOutput else {
                    throw TranscriptSyntaxError(line: index + 1, problem: "output that belongs to no command")
                }
                steps[steps.count - 1].add(line)
            }
        }
        for index in steps.indices { steps[index].settle() }
    }

    /// The path in a line like `-- compose.yaml --`.
    private static func fileHeader(_ line: String) -> String? {
        guard line.hasPrefix("-- "), line.hasSuffix(" --"), line.count > 6 else { return nil }
        return String(line.dropFirst(3).dropLast(3))
    }

    /// The step that a line like `as user: eventually 30s [64] $ stackup ps` starts, or nil for any other line.
    private static func step(_ line: String, at number: Int) throws(TranscriptSyntaxError) -> Step? {
        var rest = Substring(line)
        var step = Step(line: number, command: "", ending: .status(0))
        func consume(_ prefix: String) -> Bool {
            guard rest.hasPrefix(prefix) else { return false }
            rest = rest.dropFirst(prefix.count)
            return true
        }
        if consume("as user: ") { step.asUser = true }
        if consume("eventually ") {
            guard let end = rest.firstIndex(of: "s"), let seconds = Double(rest[..<end]) else {
                throw TranscriptSyntaxError(line: number, problem: "'eventually' wants seconds, as in 'eventually 30s $ …'")
            }
            step.patience = seconds
            rest = rest[rest.index(after: end)...].drop { $0 == " " }
        }
        if consume("! ") {
            step.ending = .failure
        } else if rest.hasPrefix("["), let end = rest.firstIndex(of: "]"),
            let status = Int32(rest[rest.index(after: rest.startIndex)..<end])
        {
            step.ending = .status(status)
            rest = rest[rest.index(after: end)...].drop { $0 == " " }
        }
        guard consume("$ ") else { return nil }
        step.command = String(rest)
        return step
    }
}

extension Transcript.Step {
    /// Takes a line that follows the command: more of the command, a pattern, or expected output.
    fileprivate mutating func add(_ line: String) {
        if line.hasPrefix("> "), output == nil, patterns.isEmpty {
            command += "\n" + line.dropFirst(2)
            return
        }
        for stream in [Transcript.Pattern.Stream.stdout, .stderr] {
            for (mark, mustMatch) in [(": ", true), ("!: ", false)] where line.hasPrefix(stream.rawValue + mark) {
                let expression = String(line.dropFirst(stream.rawValue.count + mark.count))
                patterns.append(.init(stream: stream, mustMatch: mustMatch, expression: expression))
                return
            }
        }
        output = (output ?? []) + [line.hasPrefix("\\") ? String(line.dropFirst()) : line]
    }

    /// A command without expected output must print nothing, unless a pattern speaks of its standard output.
    fileprivate mutating func settle() {
        if output == nil, !patterns.contains(where: { $0.stream == .stdout }) { output = [] }
    }
}
