import Glibc
import Linux
import Testing

@testable import Runner

/// Reads a log whose files are moved on meanwhile, step by step: whatever a writer does between two looks of a reader, every line that was not
/// rotated out is read, once and in order.
@Suite(.serialized) struct LogSeriesFuzzTests {
    /// A log of numbered lines, and a writer that does a step when it is told.
    private final class Scene {
        let directory: FileDescriptor
        private let temporary = TemporaryDirectory()
        private let form: LogForm
        private let fileCount: Int
        private let linesPerFile: Int
        private var moves: [LogFiles.Move] = []
        /// What is in which file.
        private var files: [Int: [Int]] = [:]
        private(set) var lineCount = 0

        init(_ form: LogForm, fileCount: Int, linesPerFile: Int, steps: Int = 0) throws {
            directory = try FileDescriptor.open(temporary.path, O_RDONLY | O_DIRECTORY)
            (self.form, self.fileCount, self.linesPerFile) = (form, fileCount, linesPerFile)
            for _ in 0..<steps { step() }
        }

        var kept: [Int] { files.values.joined().sorted() }

        /// A line, or one of the moves that make room for it.
        func step() {
            while true {
                if moves.isEmpty {
                    guard files[0].map({ $0.count >= linesPerFile }) ?? false else { return write() }
                    moves = Array(LogFiles.moves(of: "web-1", fileCount: fileCount))
                }
                let move = moves.removeFirst()
                guard move.make(in: directory.number) else { continue }
                let lines = files.removeValue(forKey: move.number)
                if !move.isRemoval { files[move.number + 1] = lines }
                return
            }
        }

        /// The writer is killed, and has a successor.
        func kill() { moves = [] }

        private func write() {
            let text = Array("\(lineCount)\n".utf8)
            let file = try! FileDescriptor.open(LogFiles.fileName("web-1"), in: directory.number, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
            switch form {
            case .local:
                let frame = LogFrame(stream: .stdout, unfinished: [], length: text.count, time: LogTime(nanoseconds: Int64(lineCount)))
                #expect(text.withUnsafeBytes { frame.write($0, to: file.number) } == frame.size)
            case .jsonFile:
                try! file.writeAll(Array(#"{"log":"\#(lineCount)\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}"#.utf8) + [10])
            }
            files[0, default: []].append(lineCount)
            lineCount += 1
        }
    }

    /// Reads twice: while the writer does so many steps before each look, and what is there when it has stopped.
    ///
    /// - Returns: how many looks that were; nil where lines are missing, or were read twice.
    private func play(_ scene: Scene, tail: Int?, _ steps: @escaping (_ look: Int) -> Int) -> Int? {
        var looks = 0, isWriting = true
        let before = scene.lineCount
        let cursor = LogCursor(instance: "web-1", directory: scene.directory.number, tail: tail, since: nil) {
            if isWriting { for _ in 0..<steps(looks) { scene.step() } }
            looks += 1
        }
        var lines: [Int] = []
        func readRound() {
            cursor.beginRound()
            while let entry = cursor.peek() {
                cursor.advance()
                lines.append(Int(String(decoding: entry.bytes.dropLast(), as: UTF8.self)) ?? -1)
            }
        }
        let opened = scene.lineCount
        readRound()
        let followed = lines
        isWriting = false
        let seen = looks
        readRound()
        let isOrdered = zip(lines, lines.dropFirst()).allSatisfy { $0 < $1 }
        // From where all that is kept is to be read.
        var first = 0
        if let tail {
            first = lines.first ?? scene.lineCount
            // As many as were asked for, counted at some moment while it was opened.
            let isEnough = !scene.kept.contains { ($0 >= opened - tail) && $0 < first }
            guard isEnough, first >= before - tail else { return nil }
        }
        // In the first round: what was there when it began, and nothing was left out before what was read.
        let reached = max(opened, (followed.last ?? -1) + 1)
        let all = scene.kept.filter { $0 >= first }
        guard isOrdered, Set(followed).isSuperset(of: all.filter { $0 < reached }), Set(lines).isSuperset(of: all) else { return nil }
        return seen
    }

    /// From every moment of a rotation on: everything up to the next but one, at every look of the reader; and any two shorter things at two looks in a row.
    @Test(arguments: [nil, 0, 4] as [Int?], [3, 14, 15, 16, 17, 18]) func whateverIsDoneBetweenTwoLooksNoLineIsLost(tail: Int?, steps: Int) throws {
        func play(_ plan: [Int: Int]) throws -> Int {
            // Two lines and three moves for each file.
            let scene = try Scene(.local, fileCount: 3, linesPerFile: 2, steps: steps)
            let looks = self.play(scene, tail: tail) { plan[$0] ?? 0 }
            #expect(looks != nil, "steps at looks: \(plan)")
            return looks ?? 0
        }
        let looks = try play([:])
        #expect(looks > 4)
        for look in 0..<looks {
            for count in 1...8 { _ = try play([look: count]) }
            for count in 1...3 {
                for next in 1...3 { _ = try play([look: count, look + 1: next]) }
            }
        }
    }

    /// The same at random, with writers that are killed while they move files, and readers that are slower than they are.
    @Test(.timeLimit(.minutes(30))) func howeverFilesAreMovedNoLineIsLost() throws {
        try Fuzzing.rounds(kinds: 10) { number, random in
            let scene = try Scene(
                [LogForm.local, .jsonFile].randomElement(using: &random)!, fileCount: Int.random(in: 1...7, using: &random),
                linesPerFile: Int.random(in: 1...4, using: &random), steps: Int.random(in: 0...60, using: &random))
            let tail = Bool.random(using: &random) ? nil : Int.random(in: 0...12, using: &random)
            let pause = Int.random(in: 1...12, using: &random), longest = Int.random(in: 1...30, using: &random)
            let kills = Int.random(in: 0...3, using: &random) == 0 ? 10 : Int.max
            let seed = random.next()
            var moments = SeededGenerator(seed)
            let looks = play(scene, tail: tail) { _ in
                if Int.random(in: 1...kills, using: &moments) == 1 { scene.kill() }
                return Int.random(in: 1...pause, using: &moments) == 1 ? Int.random(in: 1...longest, using: &moments) : 0
            }
            #expect(looks != nil, "round \(number), tail \(tail.map(String.init) ?? "-"), a break in \(pause), steps up to \(longest)")
        }
    }
}
