import Glibc
import Linux
import SecretMemory
import Testing

@testable import SecretStore

@Suite struct BackupTests {
    let scratch = Scratch()
    let words = "correct horse battery"

    var file: String { scratch.path + "/store.backup" }

    func populated() throws -> SecretStore {
        let store = try SecretStore.openOrCreate(scratch.location)
        // More than a chunk, and less than one.
        try store.create(["a": "one", "large": String(repeating: "0123456789abcdef", count: 12_000)])
        try store.rotate("a", to: "three")
        var changes = StoreChanges()
        changes.putStackRecord("web", Array("record".utf8))
        try store.commit(changes)
        return store
    }

    @discardableResult
    func restore(
        _ file: String? = nil, to location: StoreLocation? = nil, replacing: Bool = false, with unlocker: StoreUnlocker = passphrases()
    ) throws(StoreError) -> SecretStore {
        let descriptor = try! FileDescriptor.open(file ?? self.file, O_RDONLY)
        return try Restoration(replaces: replacing, unlocker: unlocker).restore(descriptor, name: "it", to: location ?? scratch.location)
    }

    func expectContent(_ store: SecretStore) throws {
        #expect(try store.text("a") == "three")
        #expect(try store.text("a", version: 1) == "one")
        #expect(try store.text("large").utf8.count == 192_000)
        #expect(try store.stackRecord("web") == Array("record".utf8))
    }

    /// Another place with the same key file, and no store.
    func elsewhere(_ other: Scratch) -> StoreLocation {
        mkdir(other.path + "/configuration", 0o700)
        other.overwrite(other.location.keyFile, with: scratch.bytes(of: scratch.location.keyFile))
        return other.location
    }

    @Test func itHoldsAllOfTheStoreAndNothingInPlain() throws {
        let store = try populated()
        #expect(try store.backup(to: file, replacing: false) == 4)
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let bytes = scratch.bytes(of: file)
        for text in ["record", "0123456789abcdef", "initialised"] {
            #expect(!String(decoding: bytes, as: UTF8.self).contains(text))
        }
        #expect(names(in: scratch.path).sorted() == ["configuration", "data", "store.backup"])

        let other = Scratch()
        let restored = try restore(to: elsewhere(other))
        try expectContent(restored)
        #expect(try restored.snapshot().secrets().map(\.labels) == store.snapshot().secrets().map(\.labels))
        let log = try restored.log()
        #expect(log.last?.event.kind == .restored)
        #expect(log.dropLast().map(\.event) == (try store.log().dropLast().map(\.event)))
        #expect(try SecretStore.verify(other.location, with: passphrases())?.damages == [])
        try restored.rotate("a", to: "five")
        #expect(try SecretStore.open(other.location)?.text("a") == "five")
        #expect(names(in: other.path + "/data") == ["store"])
    }

    @Test func aFileThatIsThereIsKeptUnlessItMayBeReplaced() throws {
        let store = try populated()
        scratch.overwrite(file, with: [1, 2, 3])
        #expect(throws: StoreError.self) { try store.backup(to: file, replacing: false) }
        #expect(scratch.bytes(of: file) == [1, 2, 3])
        try store.backup(to: file, replacing: true)
        try restore(replacing: true)
    }

    @Test func anyKeySlotOpensIt() throws {
        let store = try populated()
        try store.addSlot(.passphrase(try secret(words), .interactive))
        try store.backup(to: file, replacing: false)
        let other = Scratch()
        #expect(throws: StoreError.self) { try restore(to: other.location) }
        #expect(names(in: other.path).isEmpty)
        try expectContent(try restore(to: other.location, with: passphrases(words)))
        let named = Scratch()
        try expectContent(try restore(to: named.location, with: StoreUnlocker(keyFile: scratch.location.keyFile)))
    }

    @Test func itTakesThePlaceOfAStoreThatIsThereOnlyIfToldTo() throws {
        let store = try populated()
        try store.backup(to: file, replacing: false)
        try store.rotate("a", to: "newer")
        let generation = try store.facts().generation
        #expect(throws: StoreError.self) { try restore() }
        #expect(try store.text("a") == "newer")
        let restored = try restore(replacing: true)
        try expectContent(restored)
        // It is the newest store now: nobody takes it for an old one.
        #expect(try restored.facts().generation > generation)
        #expect(try SecretStore.verify(scratch.location, with: passphrases())?.damages == [])
        #expect(names(in: scratch.path + "/data") == ["store"])
        // Who had the old one open is told so, and nothing that they write gets lost unnoticed.
        #expect(throws: StoreError.self) { try store.rotate("a", to: "into the void") }
    }

    @Test func itWaitsForNewValuesThatAreBeingMade() throws {
        let store = try populated()
        try store.backup(to: file, replacing: false)
        let hold = try store.holdRenewals()
        let restoring = Child.writer(scratch.location, "restore", file)
        usleep(1_000_000)
        try store.rotate("a", to: "set elsewhere already")
        hold.release()
        #expect(restoring.wait() == 0)
        try expectContent(try #require(try SecretStore.open(scratch.location)))
        // Who has waited for their turn meanwhile gets none in a store that is not in its place.
        #expect(throws: StoreError.replaced(directory: scratch.location.directory)) { _ = try store.holdRenewals() }
    }

    @Test func aStoreOfAnotherKeyIsReplacedWithoutBeingOpened() throws {
        try populated().backup(to: file, replacing: false)
        let other = Scratch()
        try SecretStore.openOrCreate(other.location).create(["x": "y"])
        unlink(other.location.keyFile)
        try expectContent(try restore(to: elsewhere(other), replacing: true))
    }

    @Test func aBackupOfFormat1IsRestored() throws {
        let old = StoreFormatTests().copy(ofFormat: 1)
        let store = try #require(try SecretStore.open(old.location))
        // As long as nobody has written to it since: the log tells of the backup only after it.
        try store.backup(to: old.path + "/backup", replacing: false)
        let restored = try restore(old.path + "/backup", to: old.location, replacing: true)
        #expect(try restored.text("db_password") == "correct horse")
        #expect(try SecretStore.verify(old.location, with: passphrases())?.damages == [])
    }

    @Test func eachChangedByteAndEachShorterFileIsRefusedAndNothingChanges() throws {
        let store = try populated()
        try store.remove("large")
        try store.backup(to: file, replacing: false)
        let sound = scratch.bytes(of: file)
        let other = Scratch(asHome: true)
        mkdir(Paths.directory(of: other.location.keyFile), 0o700)
        other.overwrite(other.location.keyFile, with: scratch.bytes(of: scratch.location.keyFile))
        let location = other.location
        let broken = scratch.path + "/broken.backup"
        for position in sound.indices {
            var bytes = sound
            bytes[position] ^= 0x01
            scratch.overwrite(broken, with: bytes)
            #expect(throws: StoreError.self, "byte \(position)") { try restore(broken, to: location) }
        }
        for count in sound.indices {
            scratch.overwrite(broken, with: Array(sound[..<count]))
            #expect(throws: StoreError.self, "\(count) bytes") { try restore(broken, to: location) }
        }
        scratch.overwrite(broken, with: sound + [0])
        #expect(throws: StoreError.damagedBackup(file: "it")) { try restore(broken, to: location) }
        #expect(names(in: other.path + "/home") == ["key"])
        try restore(to: location)
    }

    /// Who can write to the backup can't put one together of two.
    @Test func chunksOfAnotherBackupAreRefused() throws {
        let store = try populated()
        try store.backup(to: file, replacing: false)
        let first = frames(scratch.bytes(of: file))
        try store.backup(to: file, replacing: true)
        let second = frames(scratch.bytes(of: file))
        #expect(first.chunks.count > 2)
        var attacks: [[UInt8]] = []
        attacks.append(first.start + second.chunks.joined())
        attacks.append(first.start + first.chunks[0] + second.chunks[1...].joined())
        attacks.append(first.start + first.chunks[0] + first.chunks[2] + first.chunks[1] + first.chunks[3...].joined())
        attacks.append(first.start + first.chunks[0] + first.chunks.joined())
        attacks.append(first.start + first.chunks.dropLast().joined())
        for attack in attacks {
            scratch.overwrite(file, with: attack)
            #expect(throws: StoreError.self) { try restore(replacing: true) }
        }
    }

    private func frames(_ bytes: [UInt8]) -> (start: [UInt8], chunks: [[UInt8]]) {
        func count(_ position: Int) -> Int { (0..<4).reduce(0) { $0 + Int(bytes[position + $1]) << (8 * $1) } }
        var position = 17 + 4 + count(17) + 24
        let start = Array(bytes[..<position])
        var chunks: [[UInt8]] = []
        while position < bytes.count {
            let end = position + 4 + count(position)
            chunks.append(Array(bytes[position..<end]))
            position = end
        }
        return (start, chunks)
    }

    @Test func aDamagedObjectIsNotBackedUpAsIfNothingWere() throws {
        let store = try populated()
        let object = scratch.location.directory + "/objects/" + scratch.objects[1]
        scratch.overwrite(object, with: Array(scratch.bytes(of: object).dropLast()))
        #expect(throws: StoreError.damaged(file: object, what: .broken)) { try store.backup(to: file, replacing: false) }
        #expect(names(in: scratch.path).sorted() == ["configuration", "data"])
    }

    @Test func itIsOfOneMomentWhileOthersWriteAndRekey() throws {
        let store = try populated()
        try store.create(["busy": "value by nobody"])
        let writers = [
            Child.writer(scratch.location, "rotate", "busy", "100000"), Child.writer(scratch.location, "flicker", "passing", "100000"),
        ]
        defer {
            for writer in writers { writer.kill() }
            for writer in writers { writer.wait() }
        }
        for round in 0..<10 {
            try store.backup(to: file, replacing: true)
            if round % 3 == 1 { try store.rekey() }
            let other = Scratch()
            let restored = try restore(to: elsewhere(other))
            try expectContent(restored)
            #expect(try restored.text("busy").hasPrefix("value by "))
            #expect(try SecretStore.verify(other.location, with: passphrases())?.damages == [])
        }
    }

    @Test func anOldStoreBackIsNoticedButARestoredOneIsNot() throws {
        let store = try populated()
        try store.backup(to: file, replacing: false)
        for value in ["four", "five"] { try store.rotate("a", to: value) }
        try restore(replacing: true)
        #expect(try SecretStore.open(scratch.location)?.text("a") == "three")
        let log = try SecretStore.open(scratch.location)!.log()
        #expect(log.last?.event == AuditEvent(.restored, detail: "from it"))
    }
}
