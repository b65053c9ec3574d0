import Glibc
import Linux
import SecretMemory
import Testing

@testable import SecretStore

@Suite struct KeptHeadTests {
    /// Another process notes something between a commit's announcement and its head.
    @Test func whatWasNotedDuringACommitStaysKnown() throws {
        let scratch = Scratch()
        let store = try SecretStore.openOrCreate(scratch.location)
        var changes = StoreChanges()
        changes.createSecret("a", source: "test", value: try SecretBytes(copying: [1]))
        try store.commit(changes)
        let identifier = store.header.store
        let committed = try #require(try KeptHead.read(scratch.location, store: identifier))
        try store.audit([AuditEvent(.read, secret: "a")])
        var noted = try #require(try KeptHead.read(scratch.location, store: identifier))
        #expect(noted.log.sequence == committed.log.sequence + 1)
        // As it was before the commit had come about.
        noted.generation -= 1
        try KeptHead.write(noted, scratch.location, store: identifier, keepingNewer: false)
        try store.keep(committed.log)
        let after = try #require(try KeptHead.read(scratch.location, store: identifier))
        #expect(after.generation == committed.generation)
        #expect(after.log == noted.log)
        // What no log holds is no measure for it.
        noted.log.sequence += 1
        try KeptHead.write(noted, scratch.location, store: identifier, keepingNewer: false)
        try store.keep(committed.log)
        #expect(try KeptHead.read(scratch.location, store: identifier)?.log == committed.log)
    }
}

@Suite struct AuditLogTests {
    let scratch = Scratch()

    func populated() throws -> SecretStore {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "one", "b": "two"])
        try store.rotate("a", to: "three")
        return store
    }

    func told(_ store: SecretStore) throws -> [String] {
        try store.log().map {
            "\($0.sequence) \($0.event.kind.rawValue) \($0.event.secret) \($0.event.version ?? 0) \($0.isDone)"
        }
    }

    @Test func itTellsWhatHappenedToWhichSecretByWhom() throws {
        let store = try populated()
        try store.audit([AuditEvent(.read, secret: "a", version: 2, stack: "web", detail: "for a test")])
        try store.remove("b")
        #expect(
            try told(store) == [
                "1 initialised  0 true", "2 created a 1 true", "3 created b 1 true", "4 updated a 2 true", "5 read a 2 true",
                "6 removed b 0 true",
            ])
        let entries = try store.log()
        #expect(entries[4].event == AuditEvent(.read, secret: "a", version: 2, stack: "web", detail: "for a test"))
        #expect(entries.allSatisfy { $0.uid == getuid() })
        let now = Int64(time(nil)) * 1000
        #expect(entries.allSatisfy { abs($0.time - now) < 60_000 })
        let times = entries.map(\.time)
        #expect(times == times.sorted())
    }

    @Test func everyChangedByteAndEveryShorterLogShows() throws {
        let store = try populated()
        try store.audit([AuditEvent(.exported, secret: "a", version: 2)])
        let log = try #require(scratch.logs.first)
        let sound = scratch.bytes(of: log)
        for position in sound.indices {
            var bytes = sound
            bytes[position] ^= 0x10
            scratch.overwrite(log, with: bytes)
            #expect(throws: StoreError.damaged(file: scratch.location.directory + "/" + log, what: .broken)) { _ = try store.log() }
        }
        for count in sound.indices {
            scratch.overwrite(log, with: Array(sound[..<count]))
            #expect(throws: StoreError.self) { _ = try store.log() }
        }
        scratch.overwrite(log, with: sound)
        #expect(try store.log().count == 5)
        unlink(scratch.location.directory + "/" + log)
        #expect(throws: StoreError.damaged(file: scratch.location.directory + "/" + log, what: .missing)) { _ = try store.log() }
    }

    /// Who holds no key can't leave one out either: the ones after it don't follow from the ones before.
    @Test func entriesThatAreLeftOutDoubledOrExchangedShow() throws {
        let store = try populated()
        let log = try #require(scratch.logs.first)
        let sound = scratch.bytes(of: log)
        var frames: [[UInt8]] = []
        var rest = sound[...]
        while !rest.isEmpty {
            let count = 4 + rest.prefix(4).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
            frames.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        #expect(frames.count == 4)
        for position in frames.indices {
            var fewer = frames, more = frames
            fewer.remove(at: position)
            more.insert(frames[position], at: position)
            for changed in [fewer, more] where changed.count < frames.count || position < frames.count - 1 {
                scratch.overwrite(log, with: Array(changed.joined()))
                #expect(throws: StoreError.self) { _ = try store.log() }
            }
            for other in frames.indices where other != position {
                var exchanged = frames
                exchanged.swapAt(position, other)
                scratch.overwrite(log, with: Array(exchanged.joined()))
                #expect(throws: StoreError.self) { _ = try store.log() }
            }
        }
    }

    @Test func whatAWriterThatDiedLeftAtTheEndIsCutOff() throws {
        let store = try populated()
        let log = try #require(scratch.logs.first)
        let sound = scratch.bytes(of: log)
        for garbage in [[1], [255, 0, 0, 0, 1, 2], [UInt8](repeating: 0, count: 300)] as [[UInt8]] {
            scratch.overwrite(log, with: sound + garbage)
            #expect(try store.log().count == 4)
        }
        try store.rotate("b", to: "four")
        #expect(try told(store).last == "5 updated b 2 true")
    }

    @Test func aLogOfAnySizeIsReadAWindowAtATime() throws {
        let store = try populated()
        try store.audit((0..<20_000).map { AuditEvent(.read, secret: "a", version: 2, detail: "\($0)") })
        #expect(try store.log().count == 20_004)
        // A hole costs a vandal nothing.
        #expect(truncate(scratch.location.directory + "/" + (try #require(scratch.logs.first)), 15 << 40) == 0)
        #expect(try store.log().count == 20_004)
        try store.rotate("a", to: "four")
        #expect(try told(store).last == "20005 updated a 3 true")
    }

    @Test func anOldStoreInThePlaceOfTheNewOneShows() throws {
        var store: SecretStore? = try populated()
        #expect(run("/bin/cp", "-a", scratch.location.directory, scratch.path + "/old") == 0)
        try store?.rotate("a", to: "newest")
        store = nil
        #expect(run("/bin/rm", "-rf", scratch.location.directory) == 0)
        #expect(run("/bin/mv", scratch.path + "/old", scratch.location.directory) == 0)
        let old = try #require(try SecretStore.open(scratch.location))
        let error = StoreError.rolledBack(directory: scratch.location.directory, head: scratch.head)
        #expect(throws: error) { _ = try old.snapshot() }
        #expect(throws: error) { _ = try old.read("a") }
        #expect(throws: error) { try old.rotate("a", to: "other") }

        #expect(try old.accept())
        #expect(try old.text("a") == "three")
        try old.rotate("a", to: "four")
        let again = try #require(try SecretStore.open(scratch.location))
        #expect(try again.text("a") == "four")
        #expect(try told(again).suffix(2) == ["5 accepted  0 true", "6 updated a 3 true"])
        #expect(try !again.accept())
    }

    /// What was read since the last commit is in the log alone; a log that lost it shows, too.
    @Test func anOldLogInThePlaceOfTheNewOneShows() throws {
        let store = try populated()
        let log = try #require(scratch.logs.first)
        let old = scratch.bytes(of: log)
        try store.audit([AuditEvent(.exported, secret: "a", version: 2)])
        scratch.overwrite(log, with: old)
        let error = StoreError.damaged(file: scratch.location.directory + "/" + log, what: .broken)
        #expect(throws: error) { _ = try store.log() }
        #expect(throws: error) { try store.audit([AuditEvent(.read, secret: "a")]) }
        #expect(throws: error) { try store.rotate("a", to: "other") }

        #expect(try store.accept())
        try store.rotate("a", to: "other")
        #expect(try told(store) == ["1 accepted  0 true", "2 updated a 3 true"])
        #expect(scratch.bytes(of: "damaged-" + log) == old)
    }

    /// A change of the slots is no commit, and has a new index all the same.
    @Test(arguments: ["add-slot", "remove-slot"])
    func whatWasNotedBeforeAChangeOfTheSlotsIsNotForgotten(change: String) throws {
        let store = try populated()
        if change == "remove-slot" { try store.addSlot(.keyFile(scratch.path + "/second.key")) }
        let log = try #require(scratch.logs.first)
        let old = scratch.bytes(of: log)
        try store.audit([AuditEvent(.exported, secret: "a", version: 2)])
        #expect(Child.writer(scratch.location, change, scratch.path + "/other.key").wait() == 0)
        let count = try store.log().count
        try store.backup(to: scratch.path + "/backup", replacing: false)
        scratch.overwrite(log, with: old)
        #expect(throws: StoreError.damaged(file: scratch.location.directory + "/" + log, what: .broken)) { _ = try store.log() }
        // The backup has all of it, too.
        let file = try FileDescriptor.open(scratch.path + "/backup", O_RDONLY)
        let restored = try Restoration(replaces: true, unlocker: passphrases()).restore(file, name: "it", to: scratch.location)
        #expect(try restored.log().count == count + 1)
    }

    /// The next index has the number that the commit would have had.
    @Test(arguments: ["add-slot", "rekey"])
    func aCommitThatWasCutShortDoesNotComeAboutLater(next: String) throws {
        let store = try populated()
        let generation = try store.facts().generation
        _ = try store.announce([AuditEvent(.removed, secret: "a")], generation: generation + 1)
        #expect(try told(store).last == "5 removed a 0 false")
        try store.audit([AuditEvent(.exported, secret: "a", version: 2)])
        #expect(Child.writer(scratch.location, next, scratch.path + "/other.key").wait() == 0)
        #expect(try store.facts().generation == generation + 1)
        #expect(try told(store)[4...5] == ["5 removed a 0 false", "6 exported a 2 true"])
    }

    @Test func withoutTheHeadThatWasKeptApartTheStoreStillWorks() throws {
        let store = try populated()
        let head = scratch.head
        for content in [nil, []] as [[UInt8]?] {
            unlink(head)
            if let content { scratch.overwrite(head, with: content) }
            try store.rotate("a", to: "another")
            #expect(try SecretStore.open(scratch.location)?.text("a") == "another")
            #expect(access(head, R_OK) == 0)
        }
        var bytes = scratch.bytes(of: head)
        bytes[20] ^= 1
        scratch.overwrite(head, with: bytes)
        #expect(throws: StoreError.damaged(file: head, what: .broken)) {
            _ = try SecretStore.open(scratch.location)?.snapshot()
        }
        chmod(head, 0o666)
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location)?.snapshot() }
    }

    /// Both wait for the log, and who gets it first is anybody's guess.
    @Test func whatIsNotedBeforeAStoreIsAcceptedStaysInTheLog() async throws {
        let location = scratch.location
        try populated().remove("b")
        for round in 1...8 {
            let busy = Child.start(["/usr/bin/flock", location.directory + "/" + scratch.logs[0], "/bin/sleep", "0.2"])
            usleep(50_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try SecretStore.open(location)!.makeNewest(AuditEvent(.accepted, detail: "round \(round)"), isOlder: false)
                }
                group.addTask { try SecretStore.open(location)!.audit([AuditEvent(.read, secret: "a", detail: "round \(round)")]) }
                try await group.waitForAll()
            }
            busy.wait()
            let told = try #require(try SecretStore.open(location)).log().filter { $0.event.detail == "round \(round)" }
            #expect(Set(told.map(\.event.kind)) == [.accepted, .read])
        }
    }

    @Test func entriesOfManyWritersMakeOneChain() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["first": "0", "second": "0"])
        let writers = ["first", "second"].map { Child.writer(scratch.location, "rotate", $0, "20") }
        for number in 0..<20 { try store.audit([AuditEvent(.read, secret: "first", detail: "\(number)")]) }
        for writer in writers { #expect(writer.wait() == 0) }
        let entries = try store.log()
        #expect(entries.count == 1 + 2 + 40 + 20)
        #expect(entries.allSatisfy { $0.isDone })
        #expect(entries.filter { $0.event.kind == .read }.map(\.event.detail) == (0..<20).map(String.init))
    }
}
