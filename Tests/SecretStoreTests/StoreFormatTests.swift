import Glibc
import JSON
import Linux
import SecretMemory
import Testing

@testable import SecretStore

/// The formats are what the documentation says, and what earlier versions wrote: `Fixtures/store-format`.
@Suite struct StoreFormatTests {
    /// All that is in a store, in the form that `read.py` prints.
    struct Content: Decodable, Equatable {
        struct Version: Decodable, Equatable {
            let number: Int
            let created: Int64
            let size: Int
            let fingerprint, object, value: String
        }

        struct Secret: Decodable, Equatable {
            let name, id: String
            let created, updated: Int64
            let source: String
            let labels: [String: String]
            let versions: [Version]
        }

        struct Stack: Decodable, Equatable {
            let name, object, record: String
        }

        let format: Int
        let store, keyId, dataKey, fingerprintKey: String
        let generation: UInt64
        let secrets: [Secret]
        let stacks: [Stack]
    }

    static let fixtures = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Fixtures/store-format"

    /// A copy of a format's fixture.
    func copy(ofFormat format: Int) -> Scratch { copy(of: String(format)) }

    /// A copy of a fixture, with the modes that git doesn't keep.
    func copy(of fixture: String) -> Scratch {
        let scratch = Scratch()
        let parent = Paths.directory(of: scratch.location.directory)
        let script = """
            umask 077; mkdir -p \(parent) \(Paths.directory(of: scratch.location.keyFile))
            cp -r \(Self.fixtures)/\(fixture)/store \(scratch.location.directory)
            cp -r \(Self.fixtures)/\(fixture)/key* \(Paths.directory(of: scratch.location.keyFile))
            chmod -R go= \(scratch.path)
            """
        #expect(run("/bin/sh", "-ec", script) == 0)
        return scratch
    }

    /// All that is in a store, as this version reads it.
    ///
    /// - Parameter keyFile: the one whose id is looked at; the store's by default.
    func content(of location: StoreLocation, with unlocker: StoreUnlocker = passphrases(), keyFile: String? = nil) throws -> Content {
        let store = try #require(try SecretStore.open(location, with: unlocker))
        let index = try store.snapshot().index
        guard let key = try KeyFile.read(keyFile ?? location.keyFile) else { throw StoreError.invalid("no key") }
        return Content(
            format: store.header.format.rawValue, store: store.header.store.hexadecimal, keyId: Identifier(ofKey: key).hexadecimal,
            dataKey: hexadecimal(store.dataKey), fingerprintKey: hexadecimal(try store.dataKey.derivingFingerprintKey()),
            generation: index.generation,
            secrets: try StoreSnapshot(index: index).secrets().map { secret in
                Content.Secret(
                    name: secret.name, id: secret.identifier.hexadecimal, created: secret.createdAt, updated: secret.updatedAt,
                    source: secret.source, labels: secret.labels,
                    versions: try secret.versions.map { version in
                        Content.Version(
                            number: version.number, created: version.createdAt, size: version.size,
                            fingerprint: version.fingerprint, object: version.object.hexadecimal,
                            value: hexadecimal(try store.read(secret.name, version: version.number)))
                    })
            },
            stacks: try index.stackNames.map { name in
                Content.Stack(
                    name: name, object: try #require(index.stackRecord(name)).hexadecimal,
                    record: String(decoding: try #require(try store.stackRecord(name)), as: UTF8.self))
            })
    }

    /// All that is in a store, as the reader that knows only the documentation has it.
    ///
    /// - Parameter backup: what is read in the place of the store.
    func documentedContent(of scratch: Scratch, backup: String? = nil, _ way: WayIn = .keyFile) throws -> Content {
        let output = scratch.path + "/content.json"
        let options = switch way {
        case .keyFile: [] as [String]
        case .passphrase: ["--passphrase", Self.fixtures + "/2-slots/passphrase"]
        case .command: ["--command"]
        }
        let reader = Child.start(
            ["/usr/bin/env", "python3", "-B", Self.fixtures + "/read.py", backup ?? scratch.location.directory, scratch.location.keyFile] + options,
            output: output)
        let status = reader.wait()
        let printed = scratch.bytes(of: output)
        try #require(status == 0, "\(String(decoding: printed, as: UTF8.self))")
        return try JSON.decode(Content.self, from: printed)
    }

    func expectedContent(ofFormat format: Int) throws -> Content { try expectedContent(of: String(format)) }

    func expectedContent(of fixture: String) throws -> Content {
        try JSON.decode(
            Content.self, from: try #require(try FileDescriptor.open("\(Self.fixtures)/\(fixture)/expected.json", O_RDONLY).readAll()))
    }

    @Test(arguments: [1, 2])
    func aStoreThatAnEarlierVersionWroteHoldsWhatItHeld(format: Int) throws {
        let scratch = copy(ofFormat: format)
        let expected = try expectedContent(ofFormat: format)
        #expect(try content(of: scratch.location) == expected)
        // That the expectation is the sample's: it is not taken from a reader that may be wrong.
        #expect(expected.secrets.map(\.name) == ["all_bytes", "db_password", "one-byte"])
        #expect(expected.secrets[0].versions.map(\.value) == [hexadecimal(0...255)])
        #expect(expected.secrets[1].versions.map(\.value) == ["correct horse", "battery staple\n", "correct horse"].map { hexadecimal($0.utf8) })
        #expect(expected.secrets[1].labels == ["environment": "production", "équipe": "données"])
        #expect(expected.secrets[2].versions.map(\.value) == ["00"])
        #expect(expected.stacks.map(\.record) == [#"{"format":1,"workingDirectory":"/srv/web"}"#])
    }

    @Test(arguments: [1, 2])
    func aStoreThatAnEarlierVersionWroteGoesOn(format: Int) throws {
        let scratch = copy(ofFormat: format)
        let store = try #require(try SecretStore.open(scratch.location))
        try store.rotate("one-byte", to: "two")
        try store.create(["new": "value"])
        let now = try content(of: scratch.location)
        #expect(now.secrets.map(\.name) == ["all_bytes", "db_password", "new", "one-byte"])
        #expect(now.secrets[1] == (try expectedContent(ofFormat: format)).secrets[1])
    }

    @Test(arguments: [1, 2])
    func theDocumentationIsEnoughToReadAnEarlierVersionsStore(format: Int) throws {
        #expect(try documentedContent(of: copy(ofFormat: format)) == expectedContent(ofFormat: format))
    }

    @Test
    func theDocumentationIsEnoughToReadWhatIsWrittenToday() throws {
        let scratch = Scratch()
        #expect(Child.writer(scratch.location, "sample").wait() == 0)
        #expect(try documentedContent(of: scratch) == content(of: scratch.location))
    }

    // MARK: Slots and backups

    /// What a store is opened with.
    enum WayIn: CaseIterable {
        case keyFile, passphrase, command
    }

    /// Takes away what would open the store otherwise.
    ///
    /// - Returns: what opens it now, and where the key file is.
    func leaveOnly(_ way: WayIn, _ scratch: Scratch) throws -> (unlocker: StoreUnlocker, keyFile: String) {
        guard way != .keyFile else { return (passphrases(), scratch.location.keyFile) }
        let keyFile = scratch.path + "/taken away"
        #expect(rename(scratch.location.keyFile, keyFile) == 0)
        guard way == .passphrase else { return (passphrases(), keyFile) }
        for name in names(in: scratch.location.keyNotes) where name.hasPrefix("slot-") { unlink(scratch.location.keyNotes + "/" + name) }
        let line = String(decoding: scratch.bytes(of: Self.fixtures + "/2-slots/passphrase"), as: UTF8.self)
        #expect(line.hasSuffix("\n"))
        return (passphrases(String(line.dropLast())), keyFile)
    }

    @Test(arguments: WayIn.allCases)
    func aStoreThatAnEarlierVersionWroteOpensByEachOfItsSlots(way: WayIn) throws {
        let scratch = copy(of: "2-slots")
        let (unlocker, keyFile) = try leaveOnly(way, scratch)
        #expect(try content(of: scratch.location, with: unlocker, keyFile: keyFile) == expectedContent(of: "2-slots"))
        try SecretStore.open(scratch.location, with: unlocker)?.create(["new": "value"])
        #expect(try SecretStore.open(scratch.location, with: unlocker)?.text("new") == "value")
    }

    @Test(arguments: WayIn.allCases)
    func aBackupThatAnEarlierVersionWroteIsRestored(way: WayIn) throws {
        let scratch = copy(of: "2-slots")
        #expect(run("/bin/rm", "-r", scratch.location.directory, scratch.head) == 0)
        let (unlocker, keyFile) = try leaveOnly(way, scratch)
        let file = try FileDescriptor.open(Self.fixtures + "/2-slots/backup", O_RDONLY)
        try Restoration(replaces: false, unlocker: unlocker).restore(file, name: "it", to: scratch.location)
        let restored = try content(of: scratch.location, with: unlocker, keyFile: keyFile), expected = try expectedContent(of: "2-slots")
        #expect(restored.secrets == expected.secrets)
        #expect(restored.stacks == expected.stacks)
        #expect(restored.generation == expected.generation + 1)
        #expect(try SecretStore.verify(scratch.location, with: unlocker)?.damages == [])
    }

    @Test(arguments: WayIn.allCases)
    func theDocumentationIsEnoughToOpenEachSlotAndABackup(way: WayIn) throws {
        let scratch = copy(of: "2-slots"), expected = try expectedContent(of: "2-slots")
        if way != .keyFile { unlink(scratch.location.keyFile) }
        #expect(try documentedContent(of: scratch, way) == expected)
        #expect(try documentedContent(of: scratch, backup: Self.fixtures + "/2-slots/backup", way) == expected)
    }

    @Test func theDocumentationIsEnoughToReadABackupThatIsWrittenToday() throws {
        let scratch = Scratch()
        #expect(Child.writer(scratch.location, "sample").wait() == 0)
        let store = try #require(try SecretStore.open(scratch.location))
        // More than a chunk.
        try store.create(["large": String(repeating: "0123456789abcdef", count: 12_000)])
        let passphrase = scratch.bytes(of: Self.fixtures + "/2-slots/passphrase").dropLast()
        try store.addSlot(.passphrase(try secret(String(decoding: passphrase, as: UTF8.self)), .interactive))
        try store.addSlot(.command(["/bin/echo", "what a program prints"]))
        let backup = scratch.path + "/backup"
        try store.backup(to: backup, replacing: false)
        let content = try content(of: scratch.location)
        unlink(scratch.location.keyFile)
        for way in [WayIn.passphrase, .command] {
            #expect(try documentedContent(of: scratch, way) == content)
            #expect(try documentedContent(of: scratch, backup: backup, way) == content)
        }
    }
}

private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func hexadecimal(_ value: borrowing SecretBytes) -> String {
    value.withUnsafeBytes { hexadecimal($0) }
}
