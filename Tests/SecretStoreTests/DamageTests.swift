import Glibc
import Linux
import Testing

@testable import SecretStore

@Suite struct DamageTests {
    let scratch = Scratch()

    /// A store with secrets `a` and `b` and a stack's record, and the paths of their objects.
    func populated(in scratch: Scratch) throws -> (a: String, b: String, record: String) {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "value of a", "b": "value of b"])
        var changes = StoreChanges()
        changes.putStackRecord("web", Array("record".utf8))
        let snapshot = try store.commit(changes)
        return (
            store.path(of: snapshot.secret("a")!.newest.object), store.path(of: snapshot.secret("b")!.newest.object),
            store.path(of: snapshot.index.stackRecord("web")!)
        )
    }

    /// Whether `a` is refused with an error that names its file while all else works, removal included.
    func expectOnlyABroken(_ file: String, _ what: StoreError.Damage = .broken) throws {
        let store = try #require(try SecretStore.open(scratch.location))
        let error = #expect(throws: StoreError.damaged(file: file, what: what)) { _ = try store.read("a") }
        #expect(error?.description.hasPrefix(file + ": ") == true)
        #expect(try store.text("b") == "value of b")
        #expect(try store.stackRecord("web") == Array("record".utf8))
        #expect(try store.snapshot().secrets().map(\.name) == ["a", "b"])
    }

    @Test func everyFlippedBitOfAnObjectBreaksThatObjectOnly() throws {
        let files = try populated(in: scratch)
        let sound = scratch.bytes(of: files.a)
        let store = try #require(try SecretStore.open(scratch.location))
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << (bit % 8)
            scratch.overwrite(files.a, with: bytes)
            #expect(throws: StoreError.damaged(file: files.a, what: .broken)) { _ = try store.read("a") }
        }
        try expectOnlyABroken(files.a)
    }

    @Test func aShortenedOrLengthenedObjectBreaksThatObjectOnly() throws {
        let files = try populated(in: scratch)
        let sound = scratch.bytes(of: files.a)
        for bytes in (0..<sound.count).map({ Array(sound[..<$0]) }) + [sound + [0], sound + sound] {
            scratch.overwrite(files.a, with: bytes)
            try expectOnlyABroken(files.a)
        }
        scratch.overwrite(files.a, with: [UInt8](repeating: 0, count: 600_000))
        try expectOnlyABroken(files.a)
    }

    @Test func aMissingObjectBreaksThatObjectOnly() throws {
        let files = try populated(in: scratch)
        unlink(files.a)
        try expectOnlyABroken(files.a, .missing)
        let store = try #require(try SecretStore.open(scratch.location))
        try store.remove("a")
        try store.create(["a": "again"])
        #expect(try store.text("a") == "again")
    }

    @Test func anotherFilesContentIsRefused() throws {
        let files = try populated(in: scratch)
        let sound = scratch.bytes(of: files.a)
        let foreign = Scratch()
        let other = try populated(in: foreign)
        for content in [scratch.bytes(of: files.b), scratch.bytes(of: files.record), scratch.bytes(of: "index"), foreign.bytes(of: other.a)] {
            scratch.overwrite(files.a, with: content)
            try expectOnlyABroken(files.a)
        }
        scratch.overwrite(files.a, with: scratch.bytes(of: files.b))
        scratch.overwrite(files.b, with: sound)
        let store = try #require(try SecretStore.open(scratch.location))
        #expect(throws: StoreError.damaged(file: files.a, what: .broken)) { _ = try store.read("a") }
        #expect(throws: StoreError.damaged(file: files.b, what: .broken)) { _ = try store.read("b") }
    }

    @Test func whatIsNoRegularFileIsRefusedWithoutWaitingForIt() throws {
        let files = try populated(in: scratch)
        let copy = scratch.path + "/copy"
        scratch.overwrite(copy, with: scratch.bytes(of: files.a))
        unlink(files.a)
        mkfifo(files.a, 0o600)
        try expectOnlyABroken(files.a)
        unlink(files.a)
        symlink(copy, files.a)
        try expectOnlyABroken(files.a)
    }

    @Test func everyFlippedBitOfTheIndexIsNoticed() throws {
        _ = try populated(in: scratch)
        let index = scratch.location.directory + "/index"
        let sound = scratch.bytes(of: index)
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << (bit % 8)
            scratch.overwrite(index, with: bytes)
            #expect(throws: StoreError.damaged(file: index, what: .broken)) {
                _ = try SecretStore.open(scratch.location)?.snapshot()
            }
        }
        // A broken index is never taken for an empty one.
        let store = try #require(try SecretStore.open(scratch.location))
        #expect(throws: StoreError.damaged(file: index, what: .broken)) { try store.create(["c": "x"]) }
        unlink(index)
        #expect(throws: StoreError.damaged(file: index, what: .missing)) { try store.create(["c": "x"]) }
        scratch.overwrite(index, with: sound)
        #expect(try store.text("a") == "value of a")
    }

    @Test func anotherStoresIndexIsRefusedEvenUnderTheSameKeyFile() throws {
        _ = try populated(in: scratch)
        var location = scratch.location
        location.directory += "-second"
        try SecretStore.create(location, with: .keyFile(location.keyFile))
        scratch.overwrite("index", with: scratch.bytes(of: location.directory + "/index"))
        let index = scratch.location.directory + "/index"
        #expect(throws: StoreError.damaged(file: index, what: .broken)) {
            _ = try SecretStore.open(scratch.location)?.snapshot()
        }
    }

    @Test func aStoreThatIsGoneIsNotMadeAnew() throws {
        // One that has stored nothing is no loss.
        _ = try SecretStore.openOrCreate(scratch.location)
        _ = run("/bin/rm", "-r", scratch.location.directory)
        try SecretStore.openOrCreate(scratch.location).create(["a": "one"])
        _ = run("/bin/rm", "-r", scratch.location.directory)
        let head = try #require(KeptHead.any(scratch.location))
        let lost = StoreError.lost(directory: scratch.location.directory, head: head)
        #expect(throws: lost) { _ = try SecretStore.open(scratch.location) }
        #expect(throws: lost) { _ = try SecretStore.openOrCreate(scratch.location) }
        #expect(throws: lost) { _ = try SecretStore.verify(scratch.location, with: StoreUnlocker()) }
        try SecretStore.create(scratch.location, with: .keyFile(scratch.location.keyFile))
        #expect(try SecretStore.open(scratch.location)?.snapshot().secrets().isEmpty == true)
    }

    @Test func everyFlippedBitOfTheHeaderIsRefusedAndNothingIsMadeAnew() throws {
        _ = try populated(in: scratch)
        let sound = scratch.bytes(of: "header")
        let files = scratch.files
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << (bit % 8)
            scratch.overwrite("header", with: bytes)
            let error = #expect(throws: StoreError.self) {
                _ = try SecretStore.openOrCreate(scratch.location).snapshot()
            }
            // Where the kind of its slot is another one, the store is locked rather than damaged.
            let said = error?.description ?? ""
            #expect(said.contains("/header") || said.hasPrefix("the store in \(scratch.location.directory) is locked"), "bit \(bit): \(String(describing: error))")
        }
        unlink(scratch.location.directory + "/header")
        #expect(throws: StoreError.damaged(file: scratch.location.directory + "/header", what: .missing)) {
            _ = try SecretStore.openOrCreate(scratch.location)
        }
        scratch.overwrite("header", with: sound)
        #expect(try SecretStore.open(scratch.location)?.text("a") == "value of a")
        #expect(scratch.files == files)
    }

    @Test func aLaterFormatIsLeftAlone() throws {
        _ = try populated(in: scratch)
        var bytes = scratch.bytes(of: "header")
        bytes[14] = UInt8(ascii: "3")
        scratch.overwrite("header", with: bytes)
        let header = scratch.location.directory + "/header"
        #expect(throws: StoreError.newerFormat(file: header)) { _ = try SecretStore.openOrCreate(scratch.location) }
    }
}
