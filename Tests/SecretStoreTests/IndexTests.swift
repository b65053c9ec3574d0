import Testing

@testable import SecretStore

@Suite struct IndexTests {
    func entry(_ name: String, versions: Int = 1) -> SecretMetadata {
        SecretMetadata(
            identifier: .random(), name: name, labels: ["k": "v\(name)"], createdAt: 5, updatedAt: 6, isSealed: name.hasSuffix("1"),
            checkedAt: 9, failure: name.hasSuffix("2") ? .init(at: 10, count: 11, reason: "no \(name)") : nil,
            versions: (1...versions).map {
                SecretVersion(
                    number: $0, createdAt: 7, uid: $0 == 1 ? nil : 12, source: "file \(name)", size: 8,
                    digest: Fingerprint(value: .random(in: 0 ... .max)), object: .random())
            })
    }

    func record(_ stack: String, _ object: Identifier) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text: stack)
        bytes.append(littleEndian: object.value)
        return bytes
    }

    @Test func anIndexHoldsWhatADictionaryWould() {
        var generator = SystemRandomNumberGenerator()
        var index = Index()
        var model: [String: SecretMetadata] = [:]
        var records: [String: Identifier] = [:]
        for generation in 1...200 {
            var edits: Index.Edits = [:]
            var recordEdits: Index.Edits = [:]
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let name = "n" + String(Int.random(in: 0..<60, using: &generator))
                model[name] = Bool.random() ? nil : entry(name, versions: .random(in: 1...3))
                edits[name] = .some(model[name]?.encoded)
                records[name] = Bool.random() ? nil : .random()
                recordEdits[name] = .some(records[name].map { record(name, $0) })
            }
            var head = LogHead()
            (head.file, head.sequence, head.start, head.end) = (.random(), 3, 70, 90)
            index = index.applying(secrets: edits, stacks: recordEdits, logHead: head)
            guard let decoded = Index(decoding: index.bytes) else {
                Issue.record("generation \(generation) can't be decoded")
                return
            }
            #expect(decoded.generation == generation)
            #expect(decoded.logHead == head)
            let snapshot = StoreSnapshot(index: decoded)
            #expect(snapshot.secrets() == model.values.sorted { $0.name < $1.name })
            #expect(snapshot.stackNames == records.keys.sorted())
            for number in 0..<60 {
                #expect(decoded.secret("n\(number)") == model["n\(number)"])
                #expect(decoded.stackRecord("n\(number)") == records["n\(number)"])
            }
            #expect(decoded.objects == Set(records.values).union(model.values.flatMap { $0.versions.map(\.object) }))
        }
    }

    @Test func damagedBytesAreRefusedOrReadButNeverCrash() {
        let names = (0..<20).map { "name\($0)" }
        let index = Index().applying(
            secrets: Dictionary(uniqueKeysWithValues: names.map { ($0, entry($0, versions: 2).encoded) }),
            stacks: ["web": record("web", .random())], logHead: LogHead())
        for count in 0..<index.bytes.count {
            #expect(Index(decoding: Array(index.bytes[..<count])) == nil)
        }
        for position in 0..<index.bytes.count {
            for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
                var bytes = index.bytes
                bytes[position] = value
                guard let decoded = Index(decoding: bytes) else { continue }
                let snapshot = StoreSnapshot(index: decoded)
                _ = (snapshot.secrets(), snapshot.stackNames, decoded.objects, decoded.secret("name7"))
            }
        }
    }

    @Test func namesAreFoundByPrefix() {
        let names = ["a", "web_a", "web_b", "webx", "z"]
        let snapshot = StoreSnapshot(
            index: Index().applying(
                secrets: Dictionary(uniqueKeysWithValues: names.map { ($0, entry($0).encoded) }), stacks: [:], logHead: LogHead()))
        #expect(snapshot.secrets(withPrefix: "web_").map(\.name) == ["web_a", "web_b"])
        #expect(snapshot.secrets(withPrefix: "zz").isEmpty)
        #expect(snapshot.secretCount == 5)
    }

    @Test func idsAreDockersAndAreFoundByAnyUniquePrefix() throws {
        let secrets = (0..<200).map { entry("n\($0)") }
        let snapshot = StoreSnapshot(
            index: Index().applying(
                secrets: Dictionary(uniqueKeysWithValues: secrets.map { ($0.name, $0.encoded) }), stacks: [:], logHead: LogHead()))
        for secret in secrets {
            #expect(secret.id.utf8.count == 25)
            #expect(secret.id.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 })
            #expect(snapshot.secret(id: secret.id) == secret)
            #expect(snapshot.secret(id: String(secret.id.prefix(12))) == secret)
            let first = String(secret.id.prefix(1))
            #expect(Set(snapshot.secrets(idPrefix: first).map(\.id)) == Set(secrets.map(\.id).filter { $0.hasPrefix(first) }))
        }
        #expect(snapshot.secrets(idPrefix: "").isEmpty)
        #expect(snapshot.secret(id: "UPPER") == nil)
        #expect(snapshot.secret(id: String(repeating: "z", count: 25)) == nil)
    }

    @Test func identifiersSurviveTheirTextForms() {
        for value in [0, 1, 35, 36, UInt128.max, UInt128.max - 1, .random(in: 0 ... .max)] {
            let identifier = Identifier(value)
            #expect(Identifier(hexadecimal: identifier.hexadecimal) == identifier)
            #expect(identifier.base36.utf8.count == 25)
            #expect(UInt128(identifier.base36, radix: 36) == value)
            #expect(Identifier.range(base36Prefix: identifier.base36) == identifier...identifier)
        }
        #expect(Identifier(hexadecimal: "+0000000000000000000000000000001") == nil)
    }
}
