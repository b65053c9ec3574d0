import CSodium
import Glibc
import Linux
import SecretMemory
import Testing

@testable import SecretStore

@Suite struct RekeyTests {
    let scratch = Scratch()
    let words = "correct horse battery"

    func populated() throws -> SecretStore {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "one", "b": "two"])
        try store.rotate("a", to: "three")
        var changes = StoreChanges()
        changes.putStackRecord("web", Array("record".utf8))
        try store.commit(changes)
        return store
    }

    func expectContent(_ store: SecretStore) throws {
        #expect(try store.text("a") == "three")
        #expect(try store.text("a", version: 1) == "one")
        #expect(try store.text("b") == "two")
        #expect(try store.stackRecord("web") == Array("record".utf8))
    }

    /// Whoever had a way in once has the sender key, which survives a rekey: both ends of a `crypto_box` can open it.
    @Test func theSenderKeyOpensNoBoxOfALaterDataKey() throws {
        let store = try populated()
        _ = try store.snapshot()
        let ring = try #require(store.loaded?.keyRing)
        let sender = try SecretBytes(copying: ring.withSenderKey { Array($0) })
        try store.rekey()
        let slot = try #require(store.header.slots.first)
        let boxed = slot.boxedDataKeys
        var inner = [UInt8](repeating: 0, count: boxed.count - 40)
        let isOpen = sender.withUnsafeBytes { sender in
            boxed.withUnsafeBufferPointer {
                crypto_box_open_easy(
                    &inner, $0.baseAddress! + 24, UInt64($0.count - 24), $0.baseAddress!, slot.publicKey,
                    sender.baseAddress!.assumingMemoryBound(to: UInt8.self)) == 0
            }
        }
        // He sees that it is the store's, and a text that is sealed for the slot's key alone.
        #expect(isOpen)
        #expect(inner.count == 32 + KeySlot.sealOverhead)
        let dataKey = store.dataKey.withUnsafeBytes { Array($0) }
        for start in 0...inner.count - 32 { #expect(Array(inner[start..<start + 32]) != dataKey) }
        var guess = [UInt8](repeating: 0, count: 32)
        let ownPublicKey = ring.senderPublicKey
        let isGuessed = sender.withUnsafeBytes { sender in
            crypto_box_seal_open(&guess, inner, UInt64(inner.count), ownPublicKey, sender.baseAddress!.assumingMemoryBound(to: UInt8.self)) == 0
        }
        #expect(!isGuessed)
    }

    @Test func everythingIsSealedAnewAndNothingIsLost() throws {
        let store = try populated()
        let (objects, logs, index) = (Set(scratch.objects), scratch.logs, scratch.bytes(of: "index"))
        let configuration = try secret("configuration")
        let hash = try store.configurationHash(of: configuration)
        let before = try store.snapshot().secret("a")!
        let told = try store.log().map(\.event)
        let oldKey = try store.dataKey.copied()

        #expect(try store.rekey() == 4)

        for reader in [store, try #require(try SecretStore.open(scratch.location))] {
            try expectContent(reader)
            #expect(try reader.configurationHash(of: configuration) == hash)
            let after = try reader.snapshot().secret("a")!
            #expect(after.versions.map(\.number) == before.versions.map(\.number))
            #expect(after.versions.map(\.source) == before.versions.map(\.source))
            #expect(after.versions.map(\.identity) == before.versions.map(\.identity))
            #expect(after.newest.fingerprint != before.newest.fingerprint)
            #expect(after.newest.fingerprint == reader.fingerprint(of: try secret("three")))
            #expect(try reader.log().dropLast().map(\.event) == told)
        }
        #expect(Set(scratch.objects).intersection(objects).isEmpty)
        #expect(scratch.objects.count == 4)
        #expect(scratch.logs.count == 1)
        #expect(scratch.logs != logs)
        // The old key opens neither the index nor the header's boxes any more.
        #expect(try IndexContent(opening: scratch.bytes(of: "index"), under: oldKey, store: store.header.store) == nil)
        #expect(try IndexContent(opening: index, under: oldKey, store: store.header.store) != nil)
        #expect(try !StoreHeader(parsing: scratch.bytes(of: "header"), file: "").isTransitional)
        // And the store goes on as before.
        try store.rotate("b", to: "four")
        #expect(try SecretStore.open(scratch.location)?.text("b") == "four")
    }

    @Test func whoIsReadingGoesOnReading() throws {
        let store = try populated()
        let reader = try #require(try SecretStore.open(scratch.location))
        try expectContent(reader)
        for _ in 0..<3 {
            try store.rekey()
            try expectContent(reader)
            #expect(try reader.log().count == store.log().count)
        }
        // And writing.
        try reader.rotate("b", to: "five")
        try reader.audit([AuditEvent(.read, secret: "b", version: 2)])
        #expect(try store.snapshot().secret("b")?.newest.number == 2)
        #expect(try store.text("b") == "five")
    }

    @Test func everySlotGetsTheNewKeyWithoutBeingAsked() throws {
        let store = try populated()
        try store.addSlot(.passphrase(try secret(words), .interactive))
        try store.addSlot(.keyFile(scratch.path + "/stick/key"))
        try store.rekey()
        unlink(scratch.location.keyFile)
        let stick = try #require(try SecretStore.open(scratch.location, with: passphrases()))
        try expectContent(stick)
        unlink(scratch.path + "/stick/key")
        try expectContent(try #require(try SecretStore.open(scratch.location, with: passphrases(words))))
    }

    // MARK: Attacks by who can write to the store's folder

    @Test func aSlotThatSomebodyPutsIntoTheHeaderGetsNoKey() throws {
        let store = try populated()
        // The attacker's slot: everything is well-formed, and they know its private key.
        let attacker = Scratch()
        let foreign = try SecretStore.openOrCreate(attacker.location)
        let ring = try KeyRing()
        let key = try SecretBytes.randomKey()
        let slot = try KeySlot.make(
            .keyFile(key: Identifier(ofKey: key)), identifier: .random(), unlockingKey: key,
            dataKeys: DataKeys(newest: foreign.dataKey.copied()), sender: ring, store: store.header.store)
        let forged = StoreHeader(
            store: store.header.store,
            content: .two(slots: store.header.slots + [slot], number: 1000, checks: [[UInt8](repeating: 7, count: 32)]))
        let sound = scratch.bytes(of: "header")
        scratch.overwrite("header", with: Array(forged.text.utf8))
        let refusal = StoreError.changedHeader(file: scratch.location.directory + "/header")
        #expect(throws: refusal) { _ = try SecretStore.open(scratch.location)?.snapshot() }
        #expect(throws: refusal) { try store.rekey() }
        #expect(throws: refusal) { try store.addSlot(.passphrase(try secret(words), .interactive)) }
        #expect(scratch.bytes(of: "header") == Array(forged.text.utf8))
        scratch.overwrite("header", with: sound)
        try store.rekey()
        try expectContent(store)
    }

    @Test func aRemovedSlotThatSomebodyPutsBackGetsNoKey() throws {
        let store = try populated()
        let id = try store.addSlot(.passphrase(try secret(words), .interactive))
        let old = scratch.bytes(of: "header")
        try store.removeSlot(id, provingBy: passphrases())
        let sound = scratch.bytes(of: "header")
        scratch.overwrite("header", with: old)
        let refusal = StoreError.changedHeader(file: scratch.location.directory + "/header")
        #expect(throws: refusal) { _ = try SecretStore.open(scratch.location)?.snapshot() }
        #expect(throws: refusal) { try store.rekey() }
        scratch.overwrite("header", with: sound)
        try store.rekey()
        // Who has the old header, the index of before and the removed passphrase has what was in there then, and no more.
        let (header, index) = (scratch.bytes(of: "header"), scratch.bytes(of: "index"))
        scratch.overwrite("header", with: old)
        unlink(scratch.location.keyFile)
        #expect(throws: StoreError.damaged(file: scratch.location.directory + "/index", what: .broken)) {
            _ = try SecretStore.open(scratch.location, with: passphrases(words))?.snapshot()
        }
        scratch.overwrite("header", with: header)
        #expect(scratch.bytes(of: "index") == index)
    }

    @Test func anOldDataKeyIsNotFoistedOnTheSlots() throws {
        let store = try populated()
        let (header, index) = (scratch.bytes(of: "header"), scratch.bytes(of: "index"))
        try store.rekey()
        // All of the old store but what is kept apart.
        scratch.overwrite("header", with: header)
        scratch.overwrite("index", with: index)
        let error = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location)?.snapshot() }
        guard case .rolledBack = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    /// Who once had a key has the data key of then, and the sender key, which is still the same.
    @Test func whoHasKnownAnOlderDataKeyFoistsNeitherASlotNorAStore() throws {
        let store = try populated()
        let id = try store.addSlot(.passphrase(try secret(words), .interactive))
        let oldKey = try store.dataKey.copied()
        let (ring, oldIndex) = (try store.keyRing(), try store.currentIndex())
        try store.removeSlot(id, provingBy: passphrases())
        try store.rekey()
        let (header, index) = (scratch.bytes(of: "header"), scratch.bytes(of: "index"))

        // A slot of their own in the present header, with a number that nobody has reached yet.
        let key = try SecretBytes.randomKey()
        let dataKeys = DataKeys(newest: try oldKey.copied())
        let slot = try KeySlot.make(
            .keyFile(key: Identifier(ofKey: key)), identifier: .random(), unlockingKey: key, dataKeys: dataKeys, sender: ring,
            store: store.header.store)
        let withSlot = try StoreHeader(store: store.header.store, slots: store.header.slots + [slot], number: 1000, dataKeys: dataKeys)
        scratch.overwrite("header", with: Array(withSlot.text.utf8))
        let refusal = StoreError.changedHeader(file: scratch.location.directory + "/header")
        #expect(throws: refusal) { _ = try SecretStore.open(scratch.location)?.snapshot() }
        #expect(throws: refusal) { try SecretStore.open(scratch.location)?.rekey() }

        // A whole store under the old data key, newer than all that anybody has seen, which the present slots open.
        let slots = try store.header.slots.map { try $0.holding(dataKeys, sender: ring) }
        let forged = try StoreHeader(store: store.header.store, slots: slots, number: 1000, dataKeys: dataKeys)
        let next = oldIndex.applying(secrets: [:], stacks: [:], logHead: oldIndex.logHead, generation: 1000)
        scratch.overwrite("header", with: Array(forged.text.utf8))
        scratch.overwrite(
            "index", with: IndexContent.sealed(next, keyRing: try ring.noting(headerNumber: 1000), under: oldKey, store: store.header.store))
        let error = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location)?.snapshot() }
        guard case .rolledBack = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(throws: StoreError.self) { try SecretStore.open(scratch.location)?.create(["new": "value"]) }

        scratch.overwrite("header", with: header)
        scratch.overwrite("index", with: index)
        try expectContent(try #require(try SecretStore.open(scratch.location)))
    }

    @Test func aRekeyThatIsCutShortIsFollowedByACommitThatTidiesUp() throws {
        let store = try populated()
        let (index, old) = (scratch.bytes(of: "index"), scratch.files)
        let both = DataKeys(newest: try SecretBytes.randomKey(), previous: try store.dataKey.copied())
        let transitional = try store.header.followed(by: store.header.slots, holding: both, sender: store.keyRing())
        scratch.overwrite("header", with: Array(transitional.text.utf8))
        let reader = try #require(try SecretStore.open(scratch.location))
        try expectContent(reader)
        #expect(scratch.bytes(of: "index") == index)
        try reader.rotate("b", to: "six")
        #expect(try !StoreHeader(parsing: scratch.bytes(of: "header"), file: "").isTransitional)
        #expect(try SecretStore.open(scratch.location)?.text("b") == "six")
        #expect(scratch.files.count == old.count + 1)
        #expect(try SecretStore.verify(scratch.location, with: passphrases())?.damages == [])
    }

    @Test func aDamagedObjectOrLogStopsItBeforeAnythingChanges() throws {
        let store = try populated()
        let files = scratch.files
        for file in [scratch.objects.map { "objects/" + $0 }[2], scratch.logs[0]] {
            let (sound, header, index) = (scratch.bytes(of: file), scratch.bytes(of: "header"), scratch.bytes(of: "index"))
            var bytes = sound
            bytes[bytes.count / 2] ^= 1
            scratch.overwrite(file, with: bytes)
            let error = #expect(throws: StoreError.self) { try store.rekey() }
            #expect(error == .damaged(file: scratch.location.directory + "/" + file, what: .broken))
            #expect(scratch.files == files)
            #expect(scratch.bytes(of: "header") == header)
            #expect(scratch.bytes(of: "index") == index)
            scratch.overwrite(file, with: sound)
        }
        try store.rekey()
        try expectContent(store)
    }

    @Test func parametersBeyondReasonAreNoSlot() {
        let salt = "salt=00112233445566778899aabbccddeeff"
        #expect(PassphraseParameters(text: "\(salt) operations=3 memory=268435456") != nil)
        for text in [
            "\(salt) operations=3 memory=107374182400", "\(salt) operations=1000000 memory=268435456", "\(salt) operations=0 memory=268435456",
            "\(salt) operations=3 memory=1024", "\(salt) operations=-3 memory=268435456", "\(salt) operations=3 memory=0268435456",
            "salt=00 operations=3 memory=268435456", "\(salt) operations=3", "\(salt) memory=268435456 operations=3",
        ] { #expect(PassphraseParameters(text: text) == nil, "\(text)") }
    }
}
