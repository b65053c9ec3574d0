import Glibc
import Linux
import Testing
import Waiting

@testable import SecretStore

/// A writer that is stopped in the middle of its commit, and so keeps the lock.
@Suite(.enabled(if: access(strace, X_OK) == 0, "needs strace")) struct StoppedWriterTests {
    /// How long whatever does not wait may take on a busy machine; who waits for the writer waits for half a minute.
    static let patience = Duration.seconds(20)

    @Test func noReaderWaitsForAWriterWhereverItIsStopped() throws {
        let operation = StoreOperation.all[0]
        let rehearsal = try InterruptedCallsTests.Rehearsal(operation)
        var slowest = Duration.zero
        for target in rehearsal.targets {
            let scratch = Scratch(asHome: true)
            rehearsal.before.write(into: scratch.path)
            let (tracer, writer) = try stop(operation, in: scratch, at: target)

            let start = ContinuousClock.now
            let read = try state(of: scratch)
            let listed = StoreOperation(program: .stackup(["secret", "inspect", "kept"])).start(scratch).wait()
            let took = start.duration(to: .now)
            slowest = max(slowest, took)
            #expect(took < Self.patience, "\(target)")
            #expect(read == rehearsal.old || read == rehearsal.new, "\(target)")
            #expect(listed == 0)

            kill(writer, SIGCONT)
            #expect(tracer.wait() == 0)
            #expect(try state(of: scratch) == rehearsal.new)
        }
        print("stopped at each of \(rehearsal.targets.count) calls: the slowest reader took \(slowest)")
    }

    /// Who takes a value out writes that down; no more than that keeps it waiting.
    @Test func whoTakesAValueOutWaitsForNoCommit() throws {
        let operation = StoreOperation.all[0]
        let rehearsal = try InterruptedCallsTests.Rehearsal(operation)
        // Wherever it waits for the disk.
        let waits = rehearsal.targets.filter { ["fsync", "fdatasync"].contains($0.call.name) }
        #expect(waits.count > 3)
        for target in waits {
            let scratch = Scratch(asHome: true)
            rehearsal.before.write(into: scratch.path)
            let (tracer, writer) = try stop(operation, in: scratch, at: target)
            let store = try #require(try SecretStore.open(scratch.location))
            let start = ContinuousClock.now
            try store.audit([AuditEvent(.read, secret: "kept", version: 1)])
            #expect(start.duration(to: .now) < Self.patience, "\(target)")
            kill(writer, SIGCONT)
            #expect(tracer.wait() == 0)
            let log = try store.log()
            #expect(log.filter { $0.event.kind == .read }.count == 1)
            #expect(log.allSatisfy { $0.isDone })
            #expect(try state(of: scratch) == rehearsal.new)
        }
    }

    /// Starts an operation and waits until a call of its has stopped it: strace, and the stopped process below it.
    private func stop(_ operation: StoreOperation, in scratch: Scratch, at target: (call: TracedCall, invocation: Int)) throws -> (tracer: Child, writer: pid_t) {
        let trace = scratch.path + ".stop"
        defer { unlink(trace) }
        let tracer = operation.start(
            scratch, below: [strace, "-qq", "-o", trace, "-e", "trace=\(target.call.name)", "-e", "inject=\(target.call.name):signal=STOP:when=\(target.invocation)"])
        eventually(every: 1000) { text(trace).contains("stopped by SIGSTOP") }
        return (tracer, try #require(text("/proc/\(tracer.pid)/task/\(tracer.pid)/children").split(separator: " ").first.flatMap { pid_t($0) }))
    }

    private func text(_ path: String) -> String {
        guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = try? file.readAll() else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
