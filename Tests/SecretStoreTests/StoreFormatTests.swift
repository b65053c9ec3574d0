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

    /// A copy of a fixture, with the modes that git doesn't keep.
    func copy(ofFormat format: Int) -> Scratch {
        let scratch = Scratch()
        let parent = Paths.directory(of: scratch.location.directory)
        let script = """
            umask 077; mkdir -p \(parent) \(Paths.directory(of: scratch.location.keyFile))
            cp -r \(Self.fixtures)/\(format)/store \(scratch.location.directory)
            cp -r \(Self.fixtures)/\(format)/key* \(Paths.directory(of: scratch.location.keyFile))
            chmod -R go= \(scratch.path)
            """
        #expect(run("/bin/sh", "-ec", script) == 0)
        return scratch
    }

    /// All that is in a store, as this version reads it.
    func content(of location: StoreLocation) throws -> Content {
        let store = try #require(try SecretStore.open(location))
        let index = try store.snapshot().index
        guard let key = try KeyFile.read(location.keyFile) else { throw StoreError.invalid("no key") }
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
    func documentedContent(of scratch: Scratch) throws -> Content {
        let output = scratch.path + "/content.json"
        let reader = Child.start(
            ["/usr/bin/env", "python3", "-B", Self.fixtures + "/read.py", scratch.location.directory, scratch.location.keyFile],
            output: output)
        let status = reader.wait()
        let printed = scratch.bytes(of: output)
        try #require(status == 0, "\(String(decoding: printed, as: UTF8.self))")
        return try JSON.decode(Content.self, from: printed)
    }

    func expectedContent(ofFormat format: Int) throws -> Content {
        try JSON.decode(
            Content.self, from: try #require(try FileDescriptor.open("\(Self.fixtures)/\(format)/expected.json", O_RDONLY).readAll()))
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
}

private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func hexadecimal(_ value: borrowing SecretBytes) -> String {
    value.withUnsafeBytes { hexadecimal($0) }
}
