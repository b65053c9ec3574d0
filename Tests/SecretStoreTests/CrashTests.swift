import Glibc
import Linux
import SecretStore
import Testing

/// A crash leaves the old state or the new one. These tests kill a real process.
@Suite struct CrashTests {
    enum State { case old, new }

    /// Which of the two states around the helper's `change` a store is in; an issue where it is neither.
    func state(of location: StoreLocation) throws -> State? {
        let store = try #require(try SecretStore.open(location))
        let snapshot = try store.snapshot()
        let values = try snapshot.secrets().map { "\($0.name) \($0.newest.number) \(try store.text($0.name))" }
        let web = try store.stackRecord("web").map { String(decoding: $0, as: UTF8.self) }
        let old = try store.stackRecord("old").map { String(decoding: $0, as: UTF8.self) }
        switch (values, web, old) {
        case (["kept 1 old value", "removed 1 old value"], "old record", "old record"): return .old
        case (["first 1 first: value", "kept 2 kept: new value", "second 1 second: value"], "new record", nil): return .new
        default:
            Issue.record("neither old nor new: \(values), web \(web ?? "-"), old \(old ?? "-")")
            return nil
        }
    }

    func makeOldState(_ location: StoreLocation) throws {
        let store = try SecretStore.openOrCreate(location)
        var changes = StoreChanges()
        for name in ["kept", "removed"] {
            changes.createSecret(name, source: "test", value: try secret("old value"))
        }
        for stack in ["web", "old"] { changes.putStackRecord(stack, Array("old record".utf8)) }
        try store.commit(changes)
    }

    /// Kills the helper before each of its system calls from the first mark to the second, each time in a fresh scratch folder.
    func killAtEverySystemCall(
        of work: String, prepare: (Scratch) throws -> Void, check: (Scratch) throws -> Void
    ) throws {
        let rehearsal = Scratch()
        try prepare(rehearsal)
        let calls = trace(rehearsal, work)
        let begin = try #require(calls.firstIndex { $0.contains("sched_yield") })
        let end = try #require(calls.lastIndex { $0.contains("sched_yield") })
        // strace counts the invocations of each call apart, from the start of the process.
        var invocations: [Substring: Int] = [:]
        var targets: [(call: Substring, invocation: Int)] = []
        for (position, line) in calls[...end].enumerated() {
            let call = line.prefix { $0 != "(" }
            invocations[call, default: 0] += 1
            if position > begin { targets.append((call, invocations[call]!)) }
        }
        #expect(targets.count > 30)
        for (call, invocation) in targets {
            let scratch = Scratch()
            try prepare(scratch)
            let status = run(
                strace, "-qq", "-o", "/dev/null", "-e", "inject=\(call):signal=KILL:when=\(invocation)",
                Child.writer, scratch.location.directory, scratch.location.keyFile, work)
            #expect(status == -SIGKILL, "\(call) \(invocation)")
            try check(scratch)
        }
    }

    @Test(.enabled(if: access(strace, X_OK) == 0, "needs strace"))
    func aCommitKilledAtAnySystemCallLeavesTheOldStateOrTheNew() throws {
        var seen: [State: Int] = [:]
        try killAtEverySystemCall(of: "change") { scratch in
            try makeOldState(scratch.location)
        } check: { scratch in
            guard let state = try state(of: scratch.location) else { return }
            seen[state, default: 0] += 1
            // The next commit works, and sweeps up what the killed one left.
            let store = try #require(try SecretStore.open(scratch.location))
            try store.rotate("kept", to: "newer value")
            #expect(try store.text("kept") == "newer value")
            #expect(scratch.objects.count == (state == .old ? 5 : 6))
            let logs = scratch.logs
            #expect(logs.count == 1)
            #expect(scratch.files.filter { !$0.hasPrefix("objects/") } == (["header", "index", "lock"] + logs).sorted())
            // The log tells exactly what has come about.
            let done = try store.log().filter(\.isDone).map(\.event).map { "\($0.kind.rawValue) \($0.secret)" }
            let change = ["updated kept", "removed removed", "created first", "created second"]
            let before = ["initialised ", "created kept", "created removed"], after = ["updated kept"]
            #expect(done.filter { $0 != "abandoned " } == before + (state == .old ? [] : change) + after)
        }
        #expect(seen[.old, default: 0] > 10)
        #expect(seen[.new, default: 0] > 2)
    }

    @Test(.enabled(if: access(strace, X_OK) == 0, "needs strace"))
    func aStoreWhoseMakingIsKilledIsMadeByTheNextCommand() throws {
        try killAtEverySystemCall(of: "create") { _ in
        } check: { scratch in
            let store = try SecretStore.openOrCreate(scratch.location)
            try store.create(["a": "one"])
            #expect(try SecretStore.open(scratch.location)?.text("a") == "one")
        }
    }

    /// A power failure keeps only what was synchronised: the order of the calls is what protects from it.
    @Test(.enabled(if: access(strace, X_OK) == 0, "needs strace"))
    func everyObjectAndItsNameAreOnTheDiskBeforeTheIndexRefersToThem() throws {
        let scratch = Scratch()
        try makeOldState(scratch.location)
        let calls = trace(scratch, "change")
        // Descriptors of files with new content, and of folders with new names.
        var unsynchronised: Set<Substring> = []
        var written = 0
        var renamed = false
        for call in calls[(try #require(calls.firstIndex { $0.contains("sched_yield") }))...] {
            let name = call.prefix { $0 != "(" }
            let descriptor = call.dropFirst(name.count + 1).prefix { $0.isNumber }
            switch name {
            case "pwrite64" where call.contains("\"!\", 1"):
                break
            case "pwrite64" where call.contains("stackup-head"):
                // The head kept apart must never know of more than the disk has.
                #expect(renamed && unsynchronised.isEmpty, "\(call)")
            case "write", "pwrite64":
                unsynchronised.insert(descriptor)
                written += 1
            case "openat2" where call.contains("O_EXCL") && !call.contains("index.new"):
                unsynchronised.insert(descriptor)
            case "fsync", "fdatasync":
                unsynchronised.remove(descriptor)
            case "renameat":
                #expect(unsynchronised.isEmpty, "\(call)")
                unsynchronised.insert(descriptor)
                renamed = true
            case "unlinkat" where renamed:
                // What the old index refers to goes only when the new one is sure to stay.
                #expect(unsynchronised.isEmpty, "\(call)")
            default: break
            }
        }
        // Three values, a record, the log and the index.
        #expect(written == 6)
        #expect(renamed)
        #expect(unsynchronised.isEmpty)
    }

    @Test func aWriterKilledAtAnyMomentTearsNothing() throws {
        let scratch = Scratch()
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["busy": "value by nobody", "quiet": "untouched"])
        var last = 1
        for _ in 0..<40 {
            let writer = Child.writer(scratch.location, "rotate", "busy", "100000")
            // However slow the machine is: after at least one commit, and at any moment of the next.
            while try store.snapshot().secret("busy")!.versions.count == last { usleep(500) }
            usleep(UInt32.random(in: 0...10_000))
            writer.kill()
            #expect(writer.wait() == -SIGKILL)
            let versions = try #require(try store.snapshot().secret("busy")).versions
            #expect(versions.map(\.number) == Array(1...versions.count))
            #expect(versions.count >= last)
            last = versions.count
            #expect(try store.text("busy").hasPrefix("value by "))
            #expect(try store.text("quiet") == "untouched")
        }
        #expect(last > 40)
        try store.rotate("quiet", to: "touched")
        #expect(scratch.objects.count == last + 2)
    }
}
