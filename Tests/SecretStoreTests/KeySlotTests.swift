import Glibc
import Linux
import SecretMemory
import Testing
import Waiting

@testable import SecretStore

/// An unlocker that has these passphrases, one a try, and no keyring.
func passphrases(_ texts: String...) -> StoreUnlocker {
    StoreUnlocker(usesKeyring: false) { attempt throws(StoreError) in
        attempt <= texts.count ? try! secret(texts[attempt - 1]) : nil
    }
}

@Suite struct KeySlotTests {
    let scratch = Scratch()
    let words = "correct horse battery"

    /// A store with a secret `a`.
    func populated() throws -> SecretStore {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "one"])
        return store
    }

    func script(_ text: String, _ name: String = "command") -> String {
        let path = scratch.path + "/" + name
        scratch.overwrite(path, with: Array("#!/bin/sh\n\(text)\n".utf8))
        chmod(path, 0o700)
        return path
    }

    func header() throws -> StoreHeader {
        try StoreHeader(parsing: scratch.bytes(of: "header"), file: "header")
    }

    // MARK: Formats

    @Test func aStoreOfFormat1OpensAndBecomesOneOfFormat2AtItsNextCommit() throws {
        let scratch = StoreFormatTests().copy(ofFormat: 1)
        let before = scratch.bytes(of: "header")
        let store = try #require(try SecretStore.open(scratch.location))
        #expect(try store.text("db_password", version: 2) == "battery staple\n")
        #expect(scratch.bytes(of: "header") == before)
        let configuration = try secret("configuration")
        let hash = try store.configurationHash(of: configuration)

        try store.create(["c": "value three"])
        #expect(try StoreHeader(parsing: scratch.bytes(of: "header"), file: "header").format == .two)
        for reader in [store, try #require(try SecretStore.open(scratch.location))] {
            #expect(try reader.text("db_password") == "correct horse")
            #expect(try reader.text("c") == "value three")
            #expect(try reader.configurationHash(of: configuration) == hash)
        }
    }

    @Test func anUpgradeThatStopsBetweenHeaderAndIndexGoesOn() throws {
        let scratch = StoreFormatTests().copy(ofFormat: 1)
        let index = scratch.bytes(of: "index")
        try SecretStore.open(scratch.location)?.create(["c": "value three"])
        scratch.overwrite("index", with: index)
        _ = run("/bin/rm", "-r", scratch.location.keyNotes)
        let store = try #require(try SecretStore.open(scratch.location))
        #expect(try store.text("db_password") == "correct horse")
        try store.create(["d": "value four"])
        #expect(try SecretStore.open(scratch.location)?.text("d") == "value four")
    }

    @Test func aHeaderOfFormat1InThePlaceOfTheNewOneIsRefused() throws {
        let scratch = StoreFormatTests().copy(ofFormat: 1)
        let old = scratch.bytes(of: "header")
        try SecretStore.open(scratch.location)?.create(["c": "value three"])
        scratch.overwrite("header", with: old)
        #expect(throws: StoreError.changedHeader(file: scratch.location.directory + "/header")) {
            _ = try SecretStore.open(scratch.location)?.snapshot()
        }
        let store = try #require(try SecretStore.open(scratch.location))
        #expect(try store.accept())
        #expect(try SecretStore.open(scratch.location)?.text("c") == "value three")
    }

    @Test func aSlotOfALaterVersionIsPassedOverAndGetsTheNewKey() throws {
        let store = try populated()
        let id = try store.addSlot(.passphrase(try secret(words), .interactive))
        let keyRing = try store.keyRing()
        let slots = store.header.slots.map { slot in
            slot.identifier.hexadecimal == id
                ? KeySlot(
                    identifier: slot.identifier, kind: .unknown(name: "quantum", parameters: "x=1 y=2"), publicKey: slot.publicKey,
                    sealedKeys: slot.sealedKeys, boxedDataKeys: slot.boxedDataKeys) : slot
        }
        let later = try store.header.followed(by: slots, holding: DataKeys(newest: store.dataKey.copied()), sender: keyRing)
        scratch.overwrite("header", with: Array(later.text.utf8))
        let reader = try #require(try SecretStore.open(scratch.location))
        #expect(try reader.text("a") == "one")
        try reader.rekey()
        let slot = try #require(try header().slots.first { $0.kindName == "quantum" })
        #expect(slot.boxedDataKeys != later.slots.last?.boxedDataKeys)
        #expect(slot.kind == .unknown(name: "quantum", parameters: "x=1 y=2"))
    }

    // MARK: Kinds

    @Test func aPassphraseOpensTheStoreWithoutTheKeyFile() throws {
        try populated().addSlot(.passphrase(try secret(words), .interactive))
        unlink(scratch.location.keyFile)
        let store = try #require(try SecretStore.open(scratch.location, with: passphrases("wrong passphrase", words)))
        #expect(store.opening == .passphrase)
        #expect(try store.text("a") == "one")
        let locked = #expect(throws: StoreError.self) {
            _ = try SecretStore.open(scratch.location, with: passphrases("wrong passphrase", "another one"))
        }
        #expect(locked == .locked(directory: scratch.location.directory, failures: [
            "the key file \(scratch.location.keyFile) is not there", "no slot has that passphrase",
        ]))
        let unasked = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: passphrases()) }
        #expect(unasked?.description.hasSuffix("is locked (the key file \(scratch.location.keyFile) is not there); run: stackup store unlock") == true)
    }

    @Test func aKeyFileThatCannotBeUsedKeepsNoOtherSlotFromOpeningTheStore() throws {
        let store = try populated()
        try store.addSlot(.passphrase(try secret(words), .interactive))
        try store.addSlot(.command([script("echo 0123456789abcdef")]))
        let keyFile = scratch.location.keyFile
        func problem() throws -> String? { try SecretStore.open(scratch.location, with: passphrases())?.keyFileProblem?.description }
        #expect(try problem() == nil)
        chmod(keyFile, 0o644)
        #expect(try problem()?.contains("chmod") == true)
        #expect(try SecretStore.verify(scratch.location, with: passphrases())?.damages.map(\.file) == [keyFile])
        chmod(keyFile, 0o600)
        scratch.overwrite(keyFile, with: [1, 2, 3])
        let opened = try #require(try SecretStore.open(scratch.location, with: passphrases()))
        #expect(opened.opening != .keyFile(keyFile))
        #expect(try opened.text("a") == "one")
        #expect(opened.keyFileProblem == .malformedKey(keyFile: keyFile, problem: "it has 3 bytes, a key has 32"))
        // Without the command's: the passphrase's.
        _ = run("/bin/rm", "-r", scratch.location.keyNotes)
        #expect(try SecretStore.open(scratch.location, with: passphrases(words))?.opening == .passphrase)
        let locked = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: passphrases()) }
        #expect(locked?.description.contains("\(keyFile): not a key") == true)
    }

    @Test func whoWasAskedOnceIsNotAskedAgain() throws {
        try populated().addSlot(.passphrase(try secret(words), .interactive))
        unlink(scratch.location.keyFile)
        var asked = 0
        let unlocker = StoreUnlocker(usesKeyring: false) { [words] _ throws(StoreError) in
            asked += 1
            return try! secret(words)
        }
        for _ in 0..<3 { #expect(try SecretStore.open(scratch.location, with: unlocker)?.text("a") == "one") }
        #expect(asked == 1)
        unlocker.forget()
        _ = try SecretStore.open(scratch.location, with: unlocker)
        #expect(asked == 2)
    }

    @Test func aCommandOpensTheStoreAndIsNotTakenFromTheStoresFolder() throws {
        let command = script("echo $1-0123456789abcdef")
        let id = try populated().addSlot(.command([command, "key"]))
        unlink(scratch.location.keyFile)
        let store = try #require(try SecretStore.open(scratch.location, with: passphrases()))
        #expect(store.opening == .command([command, "key"]))
        #expect(try store.text("a") == "one")
        #expect(!String(decoding: scratch.bytes(of: "header"), as: UTF8.self).contains("command \(command)"))

        let note = scratch.location.keyNotes + "/slot-" + id
        chmod(note, 0o620)
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: passphrases()) }
        chmod(note, 0o600)
        scratch.overwrite(note, with: Array("[\"relative\"]\n".utf8))
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: passphrases()) }
        unlink(note)
        let error = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: passphrases()) }
        #expect(error?.description.contains(note) == true)
    }

    @Test(arguments: [
        ("exit 3", "ended with status 3"), ("echo short", "printed less than 16 bytes"), ("kill -9 $$", "was ended by SIGKILL"),
        ("head -c 5000 /dev/zero", "printed more than 4096 bytes"), ("cat /proc/sys/kernel/random/uuid", "two different keys"),
        ("echo 0123456789abcdef; exec >&-; exec sleep 60", "closed its output and didn't end"),
    ])
    func aCommandThatGivesNoKeyMakesNoSlot(text: String, problem: String) throws {
        let store = try populated()
        let command = script(text)
        let error = #expect(throws: StoreError.self) { try store.addSlot(.command([command])) }
        #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
        #expect(try header().slots.count == 1)
    }

    @Test func aCommandGetsNothingOfStandardInput() throws {
        let command = script("cat; echo 0123456789abcdef")
        try populated().addSlot(.command([command]))
        unlink(scratch.location.keyFile)
        #expect(try SecretStore.open(scratch.location, with: passphrases())?.text("a") == "one")
    }

    @Test func whatACommandLeavesRunningIsNotWaitedFor() throws {
        let command = script("sleep 300 & printf 0123456789abcdef")
        let start = ContinuousClock.now
        #expect(try KeyCommand.output(of: [command]).count == 16)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func aCommandThatTakesTooLongEndsWithAllThatItHasStarted() throws {
        let place = scratch.path + "/started"
        let command = script("sleep 300 & echo $! >\(place); sleep 300; echo 0123456789abcdef")
        let start = ContinuousClock.now
        let error = #expect(throws: KeyCommandError.self) { _ = try KeyCommand.output(of: [command], within: .seconds(3)) }
        #expect(error?.description.contains("didn't end within") == true)
        #expect(ContinuousClock.now - start < .seconds(60))
        let started = String(decoding: scratch.bytes(of: place).dropLast(), as: UTF8.self)
        // Nobody may reap it here, but it has no memory and no command line any more.
        func runs() -> Bool {
            (try? FileDescriptor.open("/proc/\(started)/cmdline", O_RDONLY).readAll()).flatMap { $0 }?.isEmpty == false
        }
        #expect(!started.isEmpty)
        #expect(eventually { !runs() })
    }

    @Test func aCommandThatFailedOnceIsNotRunAgain() throws {
        let place = scratch.path + "/runs"
        let command = script("echo run >>\(place); echo 0123456789abcdef")
        try populated().addSlot(.command([command]))
        unlink(scratch.location.keyFile)
        unlink(place)
        _ = script("echo run >>\(place); exit 3")
        let unlocker = passphrases()
        for _ in 0..<3 {
            let error = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: unlocker) }
            #expect(error?.description.contains("ended with status 3") == true)
        }
        #expect(scratch.bytes(of: place) == Array("run\n".utf8))
        // A person who has mended it starts another command.
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: passphrases()) }
        #expect(scratch.bytes(of: place) == Array("run\nrun\n".utf8))
    }

    @Test func aKeyFileElsewhereOpensTheStoreToo() throws {
        let path = scratch.path + "/stick/key"
        try populated().addSlot(.keyFile(path))
        unlink(scratch.location.keyFile)
        #expect(try SecretStore.open(scratch.location, with: passphrases())?.text("a") == "one")
        _ = run("/bin/rm", "-r", scratch.location.keyNotes)
        #expect(throws: StoreError.keyMissing(keyFile: scratch.location.keyFile, directory: scratch.location.directory)) {
            _ = try SecretStore.open(scratch.location, with: passphrases())
        }
        let named = StoreUnlocker(keyFile: path, usesKeyring: false)
        #expect(try SecretStore.open(scratch.location, with: named)?.text("a") == "one")
        #expect(throws: StoreError.keyMissing(keyFile: path + "2", directory: scratch.location.directory)) {
            _ = try SecretStore.open(scratch.location, with: StoreUnlocker(keyFile: path + "2"))
        }
    }

    @Test(arguments: ["short", "aaaaaaaaaaaa", "abcabcabcabc"])
    func aPassphraseThatIsTooSimpleIsRefused(text: String) throws {
        let store = try populated()
        #expect(throws: StoreError.self) { try store.addSlot(.passphrase(try secret(text), .interactive)) }
        #expect(try header().slots.count == 1)
    }

    // MARK: Keyring

    @Test func anUnlockedStoreOpensUntilItIsLocked() throws {
        let store = try populated()
        try store.addSlot(.passphrase(try secret(words), .interactive))
        unlink(scratch.location.keyFile)
        let opened = try #require(try SecretStore.open(scratch.location, with: passphrases(words)))
        do {
            try opened.unlock(seconds: 60)
        } catch {
            // A sandbox may keep the keyring from us.
            guard case .system(_, let reason) = error, [ENOSYS, EPERM].contains(reason.code) else { throw error }
            return
        }
        let reader = try #require(try SecretStore.open(scratch.location))
        #expect(reader.opening == .keyring)
        #expect(try reader.text("a") == "one")
        // After a rekey it still does: the slot is kept there, not the data key.
        try reader.rekey()
        #expect(try SecretStore.open(scratch.location)?.text("a") == "one")
        #expect(try SecretStore.lock(scratch.location))
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location) }
        #expect(try !SecretStore.lock(scratch.location))
        // The kernel forgets it by itself.
        try opened.unlock(seconds: 5)
        #expect(try SecretStore.open(scratch.location)?.opening == .keyring)
        eventually(every: 100_000) { (try? SecretStore.open(scratch.location)) == nil }
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location) }
    }

    // MARK: Removing

    @Test func aSlotIsRemovedButNeverTheLastOneNorOneWithoutAnotherThatOpens() throws {
        let store = try populated()
        let only = try #require(try header().slots.first).identifier.hexadecimal
        #expect(throws: StoreError.self) { try store.removeSlot(only, provingBy: passphrases()) }
        let id = try store.addSlot(.passphrase(try secret(words), .interactive))
        // The key file opened it: somebody has to show that the passphrase does, too.
        #expect(throws: StoreError.self) { try store.removeSlot(only, provingBy: passphrases()) }
        #expect(throws: StoreError.self) { try store.removeSlot(only, provingBy: passphrases("wrong passphrase")) }
        #expect(throws: StoreError.self) { try store.removeSlot("", provingBy: passphrases(words)) }
        #expect(throws: StoreError.self) { try store.removeSlot("ffffffffffff", provingBy: passphrases(words)) }
        #expect(try header().slots.count == 2)
        #expect(try store.removeSlot(String(only.prefix(6)), provingBy: passphrases(words)).id == only)
        #expect(try header().slots.map(\.identifier.hexadecimal) == [id])
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location, with: passphrases()) }
        #expect(try SecretStore.open(scratch.location, with: passphrases(words))?.text("a") == "one")
        #expect(scratch.bytes(of: scratch.location.keyFile).count == 32)
    }

    @Test func aSlotTooManyIsNotInTheLog() throws {
        let store = try populated()
        for number in 1..<StoreHeader.slotLimit { try store.addSlot(.keyFile(scratch.path + "/key\(number)")) }
        let before = try store.log().count
        #expect(throws: StoreError.self) { try store.addSlot(.keyFile(scratch.path + "/one-too-many")) }
        #expect(try store.log().count == before)
    }

    /// Two who remove slots at once, each by the other's proof: the one asks for a passphrase when the other one's removal comes about.
    @Test(arguments: [false, true]) func theSlotThatWasShownToOpenTheStoreIsNotRemovedMeanwhile(hasThird: Bool) throws {
        let store = try populated()
        let keyFile = try #require(try header().slots.first).identifier.hexadecimal
        let id = try store.addSlot(.passphrase(try secret(words), .interactive))
        // One that nobody has shown to open anything.
        if hasThird { try store.addSlot(.passphrase(try secret("nobody knows this any more"), .interactive)) }
        let other = try #require(try SecretStore.open(scratch.location))
        var removals = 0
        let unlocker = StoreUnlocker(usesKeyring: false) { [words] attempt throws(StoreError) in
            guard attempt == 1 else { return nil }
            try other.removeSlot(id, provingBy: passphrases())
            removals += 1
            return try! secret(words)
        }
        #expect(throws: StoreError.invalid("the store's key slots have changed meanwhile; run the command again")) {
            try store.removeSlot(keyFile, provingBy: unlocker)
        }
        #expect(removals == 1)
        #expect(try header().slots.contains { $0.identifier.hexadecimal == keyFile })
        #expect(try SecretStore.open(scratch.location)?.text("a") == "one")
    }

    @Test func theLogTellsOfSlotsAndOfARekey() throws {
        let store = try populated()
        let id = try store.addSlot(.passphrase(try secret(words), .interactive))
        try store.removeSlot(id, provingBy: passphrases())
        try store.rekey()
        let told = try store.log().suffix(3).map { "\($0.event.kind.rawValue): \($0.event.detail)" }
        #expect(told == ["slot added: passphrase \(id)", "slot removed: passphrase \(id)", "rekeyed: "])
    }
}
