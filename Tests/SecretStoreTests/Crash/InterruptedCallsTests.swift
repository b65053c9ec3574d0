import Glibc
import SecretStore
import Testing

/// Each call with which an operation changes the disk is its last one, or fails.
@Suite(.enabled(if: access(strace, X_OK) == 0, "needs strace")) struct InterruptedCallsTests {
    /// An operation with its states, and the calls that can be interrupted.
    struct Rehearsal {
        let operation: StoreOperation
        let before: DiskImage
        let old: [String]
        let new: [String]
        /// What lies in the scratch folder afterwards.
        let filesAfter: [String]
        /// Which call of that name it is, as strace counts, from 1.
        let targets: [(call: TracedCall, invocation: Int)]

        init(_ operation: StoreOperation) throws {
            self.operation = operation
            let scratch = Scratch(asHome: true)
            try operation.prepare(scratch)
            before = DiskImage(reading: scratch.path)
            old = try state(of: scratch)
            let calls = try operation.calls(scratch)
            new = try state(of: scratch)
            filesAfter = names(in: scratch.path).sorted()
            var invocations: [String: Int] = [:]
            var targets: [(TracedCall, Int)] = []
            for call in calls {
                invocations[call.name, default: 0] += 1
                if call.changesTheDisk, call.concerns(scratch.path) { targets.append((call, invocations[call.name]!)) }
            }
            self.targets = targets.enumerated().filter { $0.offset % operation.stride == 0 }.map(\.element)
            #expect(targets.count > 5)
        }

        /// Runs the operation anew with something injected into one of its calls: its status, and what it said.
        func run(_ injection: String, at target: (call: TracedCall, invocation: Int)) throws -> (scratch: Scratch, status: Int32, said: String) {
            let scratch = Scratch(asHome: true)
            before.write(into: scratch.path)
            let output = scratch.path + ".said"
            defer { unlink(output) }
            let status = operation.start(
                scratch, below: [strace, "-qq", "-o", "/dev/null", "-e", "inject=\(target.call.name):\(injection):when=\(target.invocation)"],
                output: output
            ).wait()
            return (scratch, status, String(decoding: scratch.bytes(of: output), as: UTF8.self))
        }
    }

    @Test(arguments: StoreOperation.all)
    func killedAtAnyCallItLeavesTheOldStateOrTheNew(operation: StoreOperation) throws {
        let rehearsal = try Rehearsal(operation)
        var found = (old: 0, new: 0)
        for target in rehearsal.targets {
            let (scratch, status, _) = try rehearsal.run("signal=KILL", at: target)
            #expect(status == -SIGKILL, "\(target)")
            let state = try stateAndGoingOn(of: scratch)
            #expect(state == rehearsal.old || state == rehearsal.new, "\(target)")
            if state == rehearsal.old { found.old += 1 } else { found.new += 1 }
            if operation.isRepeatable { try expectCompletion(of: rehearsal, scratch, "\(target)") }
        }
        print("\(operation.testDescription): killed at each of \(rehearsal.targets.count) calls, \(found.old) times the old state, \(found.new) times the new one")
    }

    /// The same command again comes to the new state, and leaves nothing else behind than it does at once.
    private func expectCompletion(of rehearsal: Rehearsal, _ scratch: Scratch, _ target: String) throws {
        #expect(rehearsal.operation.start(scratch).wait() == 0, "\(target)")
        #expect(try state(of: scratch).filter { !$0.contains("afterwards") } == rehearsal.new, "\(target)")
        #expect(names(in: scratch.path).sorted() == rehearsal.filesAfter, "\(target)")
    }

    @Test(arguments: StoreOperation.all)
    func whicheverCallFailsItSaysSoAndNothingIsLost(operation: StoreOperation) throws {
        let rehearsal = try Rehearsal(operation)
        var found = (failed: 0, done: 0)
        for (number, target) in rehearsal.targets.enumerated() {
            // Each call fails with an error that it can have; both are tried where there are two.
            let full = target.call.needsRoom ? [(ENOSPC, "ENOSPC", "No space left on device")] : []
            for (_, name, text) in [(EIO, "EIO", "Input/output error")] + full {
                let (scratch, status, said) = try rehearsal.run("error=\(name)", at: target)
                let where_ = "\(name) of call \(number), \(target.call.name): status \(status), '\(said)'"
                let state = try stateAndGoingOn(of: scratch)
                if status == 0 {
                    found.done += 1
                    #expect(state == rehearsal.new, "\(where_)")
                } else {
                    found.failed += 1
                    #expect(status == 1 && said.contains(text) && said.contains(scratch.path), "\(where_)")
                    #expect(state == rehearsal.old || state == rehearsal.new, "\(where_)")
                    if operation.isRepeatable { try expectCompletion(of: rehearsal, scratch, where_) }
                }
            }
        }
        #expect(found.failed > 5)
        print("\(operation.testDescription): \(found.failed) failures were reported, \(found.done) made no difference")
    }
}

extension TracedCall {
    /// Whether it is about something below a folder.
    fileprivate func concerns(_ folder: String) -> Bool {
        resultPath?.hasPrefix(folder) == true || arguments.contains { $0.path?.hasPrefix(folder) == true || $0.string.hasPrefix(folder) }
    }

    /// Whether it can find the disk full.
    fileprivate var needsRoom: Bool {
        ["write", "pwrite64", "fallocate", "ftruncate", "rename", "link", "mkdir", "symlink", "open"].contains { name.hasPrefix($0) }
    }
}
