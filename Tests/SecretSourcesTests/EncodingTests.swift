import Glibc
import Linux
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

@Suite struct EncodingTests {
    @Test func percentEncodingKeepsWhatRFC3986LeavesUnreserved() {
        #expect(PercentEncoding.encode("aZ09-._~") == "aZ09-._~")
        #expect(PercentEncoding.encode("a/b c+é%") == "a%2Fb%20c%2B%C3%A9%25")
        #expect(PercentEncoding.encode("a/b c", keeping: "/") == "a/b%20c")
        #expect(PercentEncoding.form(["a b": "1&2", "c": "="]) == "a%20b=1%262&c=%3D")
    }

    /// The vectors of RFC 4648, section 10.
    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")])
    func base64IsThatOfTheRFC(plain: String, encoded: String) throws {
        #expect(try SecretBase64.encode(.guarding(plain)).text == encoded)
        #expect(try SecretBase64.decode(.guarding(encoded))?.text == plain)
    }

    @Test func base64OfTokensHasNoPaddingAndNoSlashes() throws {
        #expect(try SecretBase64.encode(SecretBytes(copying: [0xfb, 0xff, 0xbf, 0x01]), .url).text == "-_-_AQ")
    }

    @Test(arguments: ["Zg", "Zg=", "Z", "Zm9v!", "Zm 9v", "Zm9v\n", "====", "Zh=="])
    func whatIsNotBase64IsRefused(text: String) throws {
        let isRefused = try SecretBase64.decode(.guarding(text)) == nil
        #expect(isRefused)
    }

    @Test func aFileIsReadFromTheComposeFilesFolder() throws {
        let folder = TestFolder()
        let request = SourceRequest(
            driver: "x", options: [:], name: "password", project: "shop", directory: folder.path, environment: ["HOME": folder.path])
        folder.write("token", " canary \n")
        #expect(try CredentialFile.read("token", "the token's file", of: request).trimmed().text == "canary")
        #expect(try CredentialFile.read("~/token", "the token's file", of: request).text == " canary \n")
        let missing = #expect(throws: SourceError.self) { _ = try CredentialFile.read("other", "the token's file", of: request) }
        #expect(missing?.reason == "the token's file, \(folder.path)/other: no such file")
        mkfifo(folder.path + "/fifo", 0o600)
        #expect(throws: SourceError.self) { _ = try CredentialFile.read("fifo", "the token's file", of: request) }
        #expect(throws: SourceError.self) { _ = try CredentialFile.read(".", "the token's file", of: request) }
    }

    @Test func whateverAnErrorQuotesItsAnswerCanBeRead() throws {
        for text in [String(repeating: "\u{1}", count: 100_000), String(repeating: "é", count: 100_000), "short"] {
            let pipe = try FileDescriptor.pipe()
            try SourceAnswer.failure(SourceError(text, remedy: text, isTransient: true)).write(to: pipe.write, for: 0)
            let reader = AnswerInput(pipe.takeReadEnd(), writer: -1, deadline: .now + .seconds(60))
            let isRead = try SourceAnswer.read(from: reader, requests: 1) { _, answer in
                guard case .failure(let error) = consume answer else { throw SourceError("no failure") }
                #expect(error.isTransient && error.reason.hasPrefix(text.prefix(100)) && error.remedy == error.reason)
            }
            #expect(isRead)
        }
    }

    @Test func ofManyFieldsSomeAreNamed() throws {
        let members = (100..<200).map { "\"f\($0)\":1" }.joined(separator: ",")
        #expect(throws: SourceError("it has no field 'x'", remedy: "its fields are: \((100..<120).map { "f\($0)" }.joined(separator: ", ")) and 80 more")) {
            _ = try SecretField.pick("x", of: .guarding("{\(members)}"), "it")
        }
    }

    @Test(arguments: ["admin:hunter2@host", "htps://admin:hunter2@x", "https://admin:hunter2@host:x", "admin:hun?ter2@host", "https:/admin:hunter2@host?x", "https://admin:hunter2@host"])
    func whatStandsBeforeTheHostIsNotShown(address: String) {
        do {
            _ = try HTTPAddress(address)
            Issue.record("it is none")
        } catch {
            #expect(!error.description.contains("hun") && !error.description.contains("admin"))
        }
    }

    @Test func growingMemoryKeepsWhatIsInThere() throws {
        var buffer = try SecretBuffer(capacity: 1)
        for _ in 0..<1000 { try buffer.append("abc") }
        #expect(try buffer.bytes().text == String(repeating: "abc", count: 1000))
        #expect(try SecretBytes.guarding(" \n").trimmed().count == 0)
    }
}
