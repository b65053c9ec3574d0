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
    /// How long it may take to start, to end, and to say what is on its way, in seconds.
    private static let overhead: Int64 = 10
    /// How many values it fetches at once.
    private static let width = 8

    /// Fetches values, each straight into guarded memory. Whatever that process does, this returns.
    ///
    /// - Parameters:
    ///   - hidden: what it must not get at: the store, keys, runtime folders, logs.
    ///   - onWait: called about ten times a second while no answer comes, with the requests that have none yet.
    ///   - take: gets each answer with its request's index, in the order in which they come; a request that was not answered gets an
    ///     error.
    /// - Throws: where it can't be run.
    static func fetch(
        _ requests: [SourceRequest], hidden: [String], onWait: @escaping (Set<Int>) -> Void = { _ in },
        _ take: (Int, consuming SourceAnswer) throws -> Void
    ) throws {
        guard !requests.isEmpty else { return }
        // No pipe, which it would have to empty.
        let questions = try FileDescriptor.memory(try JSON.encode(SourceRequests(requests, hidden: hidden)), name: "requests")
        let answers = try FileDescriptor.pipe()
        let path = try Installation.executable(.sources)
        let process = try ChildProcess(
            path, ["stackup-sources"], descriptors: [questions.number, answers.write.number, STDERR_FILENO])
        var unanswered = Set(requests.indices)
        var problem: SourceError?
        do {
            let input = AnswerInput(
                answers.takeReadEnd(), writer: process.descriptor.number, deadline: .now + patience(with: requests)
            ) { onWait(unanswered) }
            while try SourceAnswer.read(from: input, requests: requests.count, { index, answer in
                guard unanswered.remove(index) != nil else { throw SourceError("stackup-sources gave two answers to one request") }
                try take(index, answer)
            }) {}
        } catch let error as SourceError {
            problem = error
        } catch {
            process.end()
            throw error
        }
        // The pipe is closed by now, so that it can't wait for anybody to read it.
        let end = problem == nil && process.hasEnded(within: 1000) ? process.wait() : process.end()
        for index in unanswered.sorted() { try take(index, .failure(problem ?? Self.problem(end))) }
    }

    /// What all of them may take together, if each takes as long as it may.
    static func patience(with requests: [SourceRequest]) -> Duration {
        // One that can't be read is refused by its driver at once.
        let longest = requests.compactMap { try? $0.timeout() }.max() ?? .zero
        return longest * ((requests.count + width - 1) / width) + .seconds(overhead)
    }

    private static func problem(_ end: ChildProcess.End) -> SourceError {
        switch end {
        case .exited(let status): SourceError("stackup-sources ended with status \(status) and gave no answer", isTransient: true)
        case .killed(let signal): SourceError("stackup-sources was killed by signal \(signal)", isTransient: true)
        }
    }
}
