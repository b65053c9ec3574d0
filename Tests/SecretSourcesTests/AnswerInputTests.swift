import Glibc
import Linux
import SourceProtocol
import Testing

/// What a process writes that doesn't do what it should.
@Suite struct AnswerInputTests {
    /// Reads one answer of a shell that runs `script`.
    ///
    /// - Returns: whether there was one, and how long it took.
    private func read(
        _ script: String, within time: Duration = .seconds(100), onWait: @escaping () -> Void = {}
    ) throws -> (isAnswer: Bool, time: Duration) {
        let pipe = try FileDescriptor.pipe()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let process = try ChildProcess(
            "/bin/sh", ["sh", "-c", script], isSession: true, descriptors: [null.number, pipe.write.number, null.number])
        let start = Instant.now
        let result: Result<Bool, any Error>
        do {
            let input = AnswerInput(pipe.takeReadEnd(), writer: process.descriptor.number, deadline: start + time, onWait: onWait)
            result = .success(try SourceAnswer.read(from: input, requests: 1) { _, _ in })
        } catch {
            result = .failure(error)
        }
        process.end(group: true)
        return (try result.get(), Instant.now - start)
    }

    @Test func whatIsNoAnswerIsRefusedThoughTheProcessGoesOn() {
        for script in [
            #"printf '\377\377\377\377'; exec cat /dev/zero"#, #"printf '\002\0\0\0{}'; exec sleep 600"#,
            #"printf '\036\0\0\0{"request":0,"length":9999999}'; exec cat /dev/zero"#,
        ] {
            #expect(throws: SourceError.self, "\(script)") { try read(script) }
        }
    }

    @Test func oneThatHangsIsWaitedForUntilTheTimeIsOver() {
        for script in ["exec sleep 600", #"while :; do printf '\0\0'; sleep 0.05; done"#, #"printf '\004\0'; trap '' TERM; sleep 600; sleep 600"#] {
            let start = ContinuousClock.now
            #expect(throws: SourceError.self, "\(script)") { try read(script, within: .milliseconds(300)) }
            #expect(ContinuousClock.now - start < .seconds(60))
        }
    }

    @Test func whatItLeavesRunningIsNotWaitedFor() throws {
        let (isAnswer, time) = try read("sleep 600 & exit 0")
        #expect(!isAnswer && time < .seconds(60))
    }

    @Test func whoWaitsHearsOfIt() throws {
        var count = 0
        let (_, time) = try read("sleep 0.5", onWait: { count += 1 })
        // About ten times a second, however long it takes.
        #expect(count >= 1 && count <= Int(time / .milliseconds(100)) + 1)
    }
}
