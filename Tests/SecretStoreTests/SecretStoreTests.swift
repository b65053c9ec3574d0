import Glibc
import Linux
import SecretMemory
import SecretStore
import Testing

@Suite struct SecretStoreTests {
    let scratch = Scratch()

    func store() throws -> SecretStore { try SecretStore.openOrCreate(scratch.location) }

    @Test func openingNeverCreates() throws {
        #expect(try SecretStore.open(scratch.location) == nil)
        #expect(names(in: scratch.path).isEmpty)
    }

    @Test func aSecretIsReadBackByAnotherProcessesEyes() throws {
        try store().create(["db_password": "hunter2", "api": "k"])
        let again = try #require(try SecretStore.open(scratch.location))
        #expect(try again.text("db_password") == "hunter2")
        #expect(try again.text("api") == "k")
        let metadata = try #require(try again.snapshot().secret("db_password"))
        #expect(metadata.newest.size == 7)
        #expect(metadata.newest.number == 1)
        #expect(metadata.source == "test")
        #expect(abs(metadata.createdAt - Int64(time(nil))) < 60)
    }

    @Test func everyVersionStaysReadableAndTheNewestIsTheDefault() throws {
        let store = try store()
        try store.create(["a": "one"])
        let id = try store.snapshot().secret("a")?.id
        try store.rotate("a", to: "two")
        #expect(try store.text("a") == "two")
        #expect(try store.text("a", version: 1) == "one")
        #expect(throws: StoreError.noSuchVersion(secret: "a", version: 3)) { _ = try store.text("a", version: 3) }
        #expect(try store.snapshot().secret("a")?.versions.map(\.number) == [1, 2])
        #expect(try store.snapshot().secret("a")?.id == id)
    }

    @Test func aRemovedSecretIsGoneWithItsFiles() throws {
        let store = try store()
        try store.create(["a": "one", "b": "two"])
        try store.rotate("a", to: "three")
        try store.remove("a")
        #expect(throws: StoreError.noSuchSecret("a")) { _ = try store.text("a") }
        #expect(scratch.objects.count == 1)
        #expect(try store.text("b") == "two")
    }

    @Test func whatIsNotedOfARemovedSecretKeepsTheOthersFromNothing() throws {
        let store = try store()
        try store.create(["a": "one"])
        var changes = StoreChanges()
        changes.noteChecked(of: "gone")
        changes.noteFailure(of: "gone", reason: "its source is away")
        changes.addVersion(of: "a", source: "test", value: try secret("two"))
        try store.commit(changes)
        #expect(try store.text("a") == "two")
        #expect(try store.log().allSatisfy { $0.event.secret != "gone" })
    }

    @Test func aCommitThatCanNotBeDoneChangesNothing() throws {
        let store = try store()
        try store.create(["a": "one"])
        let before = scratch.files.map { scratch.bytes(of: $0) }
        func refused(_ expected: StoreError, _ change: (inout StoreChanges) throws -> Void) throws {
            var changes = StoreChanges()
            changes.createSecret("innocent", source: "test", value: try secret("x"))
            try change(&changes)
            do {
                try store.commit(changes)
                Issue.record("was not refused: \(expected)")
            } catch {
                #expect(error == expected)
            }
        }
        try refused(.secretExists("a")) { $0.createSecret("a", source: "", value: try secret("x")) }
        try refused(.secretExists("innocent")) { $0.createSecret("innocent", source: "", value: try secret("x")) }
        try refused(.noSuchSecret("b")) { $0.addVersion(of: "b", source: "", value: try secret("x")) }
        try refused(.noSuchSecret("b")) { $0.removeSecret("b") }
        try refused(.versionConflict(secret: "a", expected: 2, found: 1)) {
            $0.addVersion(of: "a", expectedVersion: 2, source: "", value: try secret("x"))
        }
        try refused(.invalid("secret c: its value is empty")) {
            $0.createSecret("c", source: "", value: try SecretBytes(count: 0))
        }
        try refused(.invalid("secret c: its value has 512001 bytes, more than the 512000 allowed")) {
            $0.createSecret("c", source: "", value: try SecretBytes(count: 512_001))
        }
        try refused(.invalid("secret _c: a secret's name starts and ends with a letter or a digit")) {
            $0.createSecret("_c", source: "", value: try secret("x"))
        }
        #expect(scratch.files.map { scratch.bytes(of: $0) } == before)
    }

    @Test func stepsOfOneCommitSeeEachOther() throws {
        let store = try store()
        var changes = StoreChanges()
        changes.createSecret("a", labels: ["team": "db"], source: "first", value: try secret("one"))
        changes.addVersion(of: "a", expectedVersion: 1, source: "second", value: try secret("two"))
        changes.createSecret("b", source: "", value: try secret("brief"))
        changes.removeSecret("b")
        changes.putStackRecord("web", [1])
        changes.putStackRecord("web", [2])
        let snapshot = try store.commit(changes)
        #expect(snapshot.secrets().map(\.name) == ["a"])
        #expect(snapshot.secret("a")?.labels == ["team": "db"])
        #expect(snapshot.secret("a")?.source == "second")
        #expect(try store.text("a", version: 1) == "one")
        #expect(try store.stackRecord("web") == [2])
        #expect(scratch.objects.count == 3)
    }

    @Test func aStacksRecordIsKeptReplacedAndRemoved() throws {
        let store = try store()
        #expect(try store.stackRecord("web") == nil)
        for content: [UInt8] in [[1, 2, 3], [], Array(repeating: 9, count: 100_000)] {
            var changes = StoreChanges()
            changes.putStackRecord("web", content)
            try store.commit(changes)
            #expect(try store.stackRecord("web") == content)
            #expect(try store.snapshot().stackNames == ["web"])
            #expect(scratch.objects.count == 1)
        }
        var changes = StoreChanges()
        changes.removeStackRecord("web")
        changes.removeStackRecord("never")
        try store.commit(changes)
        #expect(try store.stackRecord("web") == nil)
        #expect(scratch.objects.isEmpty)
    }

    @Test func aFingerprintTellsValuesApartWithinAStoreAndNothingAcrossStores() throws {
        let store = try store()
        try store.create(["a": "same", "b": "same", "c": "other"])
        let snapshot = try store.snapshot()
        let fingerprint = store.fingerprint(of: try secret("same"))
        #expect(fingerprint.utf8.count == 16)
        #expect(snapshot.secret("a")?.newest.fingerprint == fingerprint)
        #expect(snapshot.secret("b")?.newest.fingerprint == fingerprint)
        #expect(snapshot.secret("c")?.newest.fingerprint != fingerprint)
        let other = Scratch()
        #expect(try SecretStore.openOrCreate(other.location).fingerprint(of: secret("same")) != fingerprint)
    }

    @Test func foldersAndFilesAreTheOwnersAlone() throws {
        umask(0o022)
        try store().create(["a": "one"])
        for folder in ["data", "data/store", "data/store/objects", "configuration"] {
            var status = stat()
            stat(scratch.path + "/" + folder, &status)
            #expect(status.st_mode & 0o777 == 0o700, "\(folder)")
        }
        for file in scratch.files.map({ scratch.location.directory + "/" + $0 }) + [scratch.location.keyFile] {
            var status = stat()
            stat(file, &status)
            #expect(status.st_mode & 0o777 == 0o600, "\(file)")
        }
        #expect(scratch.configuration == ["key"])
    }

    @Test func aFolderThatOthersMayWriteToIsRefused() throws {
        try store().create(["a": "one"])
        chmod(scratch.location.directory, 0o770)
        let error = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location) }
        #expect(error?.description == "\(scratch.location.directory): others may write to this folder; "
            + "check what is in it, then run: chmod go-w '\(scratch.location.directory)'")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a folder away"))
    func aFolderOfSomeoneElseIsRefused() throws {
        try store().create(["a": "one"])
        chown(scratch.location.directory, 12345, 0)
        #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location) }
    }

    @Test func noFileOfTheStoreHoldsAnythingInPlain() throws {
        let store = try store()
        var changes = StoreChanges()
        changes.createSecret(
            "name-PLAIN", labels: ["label-PLAIN": "text-PLAIN"], source: "file source-PLAIN",
            value: try secret("value-PLAIN"))
        changes.putStackRecord("stack-plain", Array("record-PLAIN".utf8))
        try store.commit(changes)
        #expect(scratch.files.count == 6)
        let value = store.fingerprint(of: try secret("value-PLAIN"))
        for file in scratch.files {
            let text = String(decoding: scratch.bytes(of: file), as: UTF8.self)
            #expect(!text.uppercased().contains("PLAIN"), "\(file)")
            #expect(!text.contains(value), "\(file)")
        }
    }

    @Test(arguments: ["a", "A9", "a-b_c.d", "web_db_password", String(repeating: "x", count: 64), "1"])
    func aNameThatDockerTakesIsTaken(name: String) {
        #expect(secretNameProblem(name) == nil)
    }

    @Test(arguments: ["", "_a", "a_", ".a", "a-", "a b", "ä", "a/b", "a\n", "a\0b", String(repeating: "x", count: 65)])
    func aNameThatDockerRefusesIsRefused(name: String) {
        #expect(secretNameProblem(name) != nil)
    }
}
