import Glibc
import JSON
import Linux
import SecretMemory
import SourceProtocol

/// `stackup-sources`, run once for all secrets of a command that have a driver.
///
/// It is a process of its own since drivers speak to networks and run programs: what goes wrong in there can't reach the data
/// key, which this process holds.
enum SourcesProcess {
    /// Fetches values, each straight into guarded memory.
    ///
    /// - Parameters:
    ///   - hidden: what it must not get at: the store, keys, runtime folders, logs.
    ///   - take: gets each answer with its request's index, in the order in which they come; a request that was not answered gets an
    ///     error.
    /// - Throws: where it can't be run.
    static func fetch(
        _ requests: [SourceRequest], hidden: [String], _ take: (Int, consuming SourceAnswer) throws -> Void
    ) throws {
        guard !requests.isEmpty else { return }
        let questions = try FileDescriptor.pipe()
        let answers = try FileDescriptor.pipe()
        let path = try Installation.executable(.sources)
        let process = try ChildProcess(
            path, ["stackup-sources"], descriptors: [questions.read.number, answers.write.number, STDERR_FILENO])
        let input = answers.takeReadEnd()
        var unanswered = Set(requests.indices)
        var problem: SourceError?
        do {
            try ask(SourceRequests(requests, hidden: hidden), questions.takeWriteEnd())
            while try SourceAnswer.read(from: input, requests: requests.count, { index, answer in
                if unanswered.remove(index) != nil { try take(index, answer) }
            }) {}
        } catch let error as SourceError {
            problem = error
        } catch let error as SystemCallError where error.code == EPIPE {
            // It has ended before it read everything.
        }
        let end = process.wait()
        for index in unanswered.sorted() { try take(index, .failure(problem ?? Self.problem(end))) }
    }

    /// The pipe is closed behind it: that is the end of the requests.
    private static func ask(_ requests: SourceRequests, _ output: consuming FileDescriptor) throws {
        try output.writeAll(try JSON.encode(requests))
    }

    private static func problem(_ end: ChildProcess.End) -> SourceError {
        switch end {
        case .exited(let status): SourceError("stackup-sources ended with status \(status) and gave no answer", isTransient: true)
        case .killed(let signal): SourceError("stackup-sources was killed by signal \(signal)", isTransient: true)
        }
    }
}
