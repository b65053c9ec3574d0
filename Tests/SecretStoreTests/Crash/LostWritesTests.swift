import Glibc
import Linux
import SecretStore
import Testing

/// A power failure keeps what was synchronised, and of the rest what it likes.
@Suite(.enabled(if: access(strace, X_OK) == 0, "needs strace")) struct LostWritesTests {
    /// What would show that something is wrong does: a writer that synchronises nothing, or no folder, loses something.
    @Test(arguments: [false, true])
    func aWriterThatDoesNotSynchroniseIsCaught(onlyFolders: Bool) throws {
        let operation = StoreOperation.all[0]
        let original = Scratch(asHome: true)
        try operation.prepare(original)
        let before = DiskImage(reading: original.path)
        let old = try state(of: original)
        let calls = try operation.calls(original).filter { call in
            !(call.name == "fsync" && (!onlyFolders || isFolder(call.arguments[0].path!)))
        }
        let new = try state(of: original)
        var generator = SeededGenerator(state: 4)
        let lost = DiskHistory(of: calls, in: original.path, before: before).crashes(choices: 6, stride: 1, using: &generator).filter { crash in
            let scratch = Scratch(asHome: true)
            crash.image.write(into: scratch.path)
            guard let state = try? state(of: scratch) else { return true }
            return state != new && (state != old || crash.isAfterTheEnd)
        }
        #expect(lost.count > 5)
    }

    @Test(arguments: StoreOperation.all)
    func whateverGetsLostTheStoreIsTheOldOneOrTheNewOne(operation: StoreOperation) throws {
        let original = Scratch(asHome: true)
        try operation.prepare(original)
        let before = DiskImage(reading: original.path)
        let old = try state(of: original)
        let calls = try operation.calls(original)
        let new = try state(of: original)
        #expect(old != new || operation.startsWithoutStore)

        let history = DiskHistory(of: calls, in: original.path, before: before)
        var generator = SeededGenerator(state: 4)
        let crashes = history.crashes(choices: 6, stride: operation.stride, using: &generator)
        // The model has understood all of the calls: with nothing lost it comes to what is really there.
        let real = DiskImage(reading: original.path).content
        #expect(crashes.contains { $0.isAfterTheEnd && $0.image.content == real })

        var found = (old: 0, new: 0)
        for crash in crashes {
            let scratch = Scratch(asHome: true)
            crash.image.write(into: scratch.path)
            scratch.pretendReboot()
            do {
                let state = try stateAndGoingOn(of: scratch)
                if state == new { found.new += 1 } else { found.old += 1 }
                // What a command has reported as done is never lost.
                #expect(state == new || state == old && !crash.isAfterTheEnd, "\(crash.description): \(state)")
            } catch {
                Issue.record("\(crash.description): \(error)")
            }
        }
        print("\(operation.testDescription): \(calls.filter(\.changesTheDisk).count) calls, \(crashes.count) states after a power failure, "
            + "\(found.old) old and \(found.new) new")
    }
}

extension Scratch {
    /// What a store says of this boot is now said of another one.
    fileprivate func pretendReboot() {
        guard files.contains("lock"), bytes(of: "lock") == Array(BootIdentity.current().utf8) else { return }
        overwrite("lock", with: Array("00000000-0000-0000-0000-000000000000".utf8))
    }
}
