import Glibc
import Linux
import SecretMemory
import SourceProtocol

/// A program that prints a value.
///
/// It is run without a shell, in a session of its own, so that it can ask nobody for anything and is ended with all that it has
/// started. What it prints goes straight into guarded memory.
struct ExternalProgram {
    /// Which line of what a program says on standard error tells what went wrong.
    enum TellingLine {
        case first, last
    }

    /// How it is called in messages, such as `sops`.
    let name: String
    /// Where it lies.
    let path: String
    /// What follows its name.
    let arguments: [String]
    /// Where it starts.
    let directory: String
    var environment: [String: String]
    /// What it reads; nothing secret.
    var input: [UInt8] = []
    let timeout: Duration
    var tellingLine = TellingLine.last

    /// - Parameter program: a name, which is looked for in `PATH`, or a path.
    /// - Throws: `SourceError` where there is no such program, or where the request's time-out is none.
    init(_ program: String, _ arguments: [String], for request: SourceRequest) throws(SourceError) {
        name = Paths.lastComponent(of: program)
        path = try ProgramSearch.path(of: program, for: request)
        self.arguments = arguments
        directory = request.directory
        environment = request.environment
        timeout = try request.timeout()
    }

    /// Runs it and takes what it prints.
    ///
    /// - Throws: `SourceError` where it ends badly, takes too long, or prints more than a secret may have.
    func output() throws(SourceError) -> SecretBytes {
        do {
            return try run()
        } catch let error as SourceError {
            throw error
        } catch {
            throw SourceError("\(name) can't be run: \(error)")
        }
    }

    private func run() throws -> SecretBytes {
        let output = try FileDescriptor.pipe()
        let errors = try FileDescriptor.pipe()
        let process = try start(output: output.write, errors: errors.write)
        // Their other ends are closed here, or there would be no end to read.
        var printed = try ProgramStream(output.takeReadEnd(), limit: SourceAnswer.valueLimit)
        var said = try ProgramStream(errors.takeReadEnd(), limit: Complaint.limit)
        let isInTime: Bool
        do {
            isInTime = try follow(process, &printed, &said)
        } catch {
            _ = RunningPrograms.end(process)
            throw error
        }
        let end = RunningPrograms.end(process)
        guard !printed.isOverfull else {
            throw SourceError("\(name) printed more than \(SourceAnswer.valueLimit) bytes (500 KiB), the most that a secret may have")
        }
        guard isInTime else {
            throw SourceError(
                "\(name) took longer than \(seconds(timeout)) and was ended", remedy: "raise the driver option 'timeout' if it needs longer",
                isTransient: true)
        }
        let outcome: String
        switch end {
        case .exited(0): return try printed.bytes()
        case .exited(let status): outcome = "ended with status \(status)"
        case .killed(let signal): outcome = "was killed by signal \(signal)"
        }
        let complaint = try Complaint.text(said.bytes(), tellingLine, besides: printed.bytes())
        // Nobody knows why; another try can do no harm.
        throw SourceError("\(name) \(outcome)" + (complaint.map { ": \($0)" } ?? ""), isTransient: true)
    }

    private func start(output: borrowing FileDescriptor, errors: borrowing FileDescriptor) throws -> ChildProcess {
        // No pipe, which would have to be filled beside all else.
        let given = try FileDescriptor.memory(input, name: "request")
        let descriptors = [given.number, output.number, errors.number]
        return try RunningPrograms.start { () throws(SystemCallError) in
            try ChildProcess(
                path, [name] + arguments, environment: environment, directory: directory, isSession: true, descriptors: descriptors)
        }
    }

    /// Reads until it has ended. All that it wrote lies in the pipes by then; what it left running is not waited for.
    ///
    /// - Returns: whether that was in time.
    private func follow(
        _ process: borrowing ChildProcess, _ printed: inout ProgramStream, _ said: inout ProgramStream
    ) throws -> Bool {
        let deadline = Instant.now + timeout
        while !printed.isOverfull {
            let left = deadline - Instant.now
            guard left > .zero else { return false }
            var waited = [
                pollfd(fd: process.descriptor.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: printed.awaited, events: Int16(POLLIN), revents: 0), pollfd(fd: said.awaited, events: Int16(POLLIN), revents: 0),
            ]
            // Rounded up: a time-out of nothing would spin.
            let milliseconds = Int32(clamping: Int64(left / .milliseconds(1)) + 1)
            if poll(&waited, 3, milliseconds) < 0, errno != EINTR { throw SystemCallError("poll") }
            try printed.drain()
            try said.drain()
            if waited[0].revents != 0 { return true }
        }
        return true
    }
}
