import Glibc
import Linux
import SecretMemory
import Testing

@testable import SecretStore

@Suite struct VerifyTests {
    let scratch = Scratch()

    func populated() throws -> SecretStore {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "one", "b": "two"])
        try store.rotate("a", to: "three")
        var changes = StoreChanges()
        changes.putStackRecord("web", Array("record".utf8))
        try store.commit(changes)
        return store
    }

    func report() throws -> StoreReport {
        try #require(try SecretStore.verify(scratch.location, with: passphrases()))
    }

    /// The files that are named, without the folder.
    func damaged() throws -> [String] {
        try report().damages.map { String($0.file.dropFirst(scratch.location.directory.count + 1)) }
    }

    @Test func aSoundStoreHasNoDamage() throws {
        #expect(try SecretStore.verify(scratch.location, with: passphrases()) == nil)
        _ = try populated()
        let report = try report()
        #expect(report.damages.isEmpty)
        #expect(report.leftovers.isEmpty)
        #expect(report.objects == 4)
        #expect(report.logEntries == 4)
        _ = try SecretStore.open(scratch.location)?.addSlot(.keyFile(scratch.path + "/second"))
        #expect(try damaged() == [])
    }

    @Test func severalDamagesAreAllNamedWithWhatDependsOnThem() throws {
        let store = try populated()
        let (a, b) = (try store.snapshot().secret("a")!, try store.snapshot().secret("b")!)
        unlink(store.path(of: a.versions[0].object))
        scratch.overwrite(store.path(of: b.newest.object), with: scratch.bytes(of: store.path(of: a.newest.object)))
        let damages = try report().damages
        #expect(damages.map(\.file) == [store.path(of: a.versions[0].object), store.path(of: b.newest.object)])
        #expect(damages.map(\.problem) == ["missing (secret a, version 1)", "changed, cut short, or another object's content (secret b, version 1)"])
    }

    @Test func whatOthersCanReachAndWhatDoesNotBelongThereIsNamed() throws {
        let store = try populated()
        let object = "objects/" + scratch.objects[0]
        chmod(scratch.location.directory + "/" + object, 0o640)
        chmod(scratch.location.directory + "/index", 0o604)
        scratch.overwrite("notes.txt", with: [1])
        scratch.overwrite("objects/backup~", with: [1])
        symlink("/etc/passwd", scratch.location.directory + "/link")
        #expect(try Set(damaged()) == [object, "index", "notes.txt", "objects/backup~", "link"])
        #expect(try report().damages.first { $0.file.hasSuffix("/index") }?.problem.contains("0604") == true)
        if geteuid() == 0 {
            chown(scratch.location.directory + "/lock", 12345, 0)
            #expect(try damaged().contains("lock"))
        }
        chmod(scratch.location.keyFile, 0o644)
        #expect(try report().damages.map(\.file) == [scratch.location.keyFile])
        _ = store
    }

    @Test func whatACrashLeavesIsNoDamage() throws {
        _ = try populated()
        scratch.overwrite("objects/" + Identifier.random().hexadecimal, with: [1, 2, 3])
        scratch.overwrite("index.new", with: [1])
        scratch.overwrite("log-" + Identifier.random().hexadecimal, with: [1])
        let report = try report()
        #expect(report.damages.isEmpty)
        #expect(report.leftovers.count == 3)
    }

    @Test func anOlderStoreIsNamedAndCanBeAccepted() throws {
        let store = try populated()
        let before = scratch.files.map { ($0, scratch.bytes(of: $0)) }
        try store.rotate("a", to: "four")
        for (file, bytes) in before { scratch.overwrite(file, with: bytes) }
        let damages = try report().damages
        #expect(damages.map(\.file) == [scratch.location.directory])
        #expect(damages.first?.problem.contains("older state") == true)
        #expect(try SecretStore.open(scratch.location)!.accept())
        // The object of the newer store isn't referred to any more.
        #expect(try report().damages.isEmpty)
        #expect(try SecretStore.open(scratch.location)?.text("a") == "three")
    }

    @Test func aChangedHeaderCanBeAcceptedWithTheSlotThatOpensIt() throws {
        let store = try populated()
        let id = try store.addSlot(.passphrase(try secret("correct horse battery"), .interactive))
        let old = scratch.bytes(of: "header")
        try store.removeSlot(id, provingBy: passphrases())
        scratch.overwrite("header", with: old)
        #expect(try damaged() == ["header"])
        #expect(try SecretStore.open(scratch.location)!.accept())
        #expect(try damaged() == [])
        let slots = try StoreHeader(parsing: scratch.bytes(of: "header"), file: "").slots
        #expect(slots.map(\.identifier) == store.header.slots.map(\.identifier))
        // And the header that was refused is refused still.
        scratch.overwrite("header", with: old)
        #expect(try damaged() == ["header"])
    }

    @Test func itChecksOneMomentWhileOthersWrite() throws {
        let store = try populated()
        try store.create(["busy": "value by nobody"])
        let writer = Child.writer(scratch.location, "flicker", "passing", "100000")
        let other = Child.writer(scratch.location, "rotate", "busy", "100000")
        defer {
            writer.kill()
            other.kill()
            writer.wait()
            other.wait()
        }
        for _ in 0..<30 { #expect(try report().damages == []) }
    }
}
