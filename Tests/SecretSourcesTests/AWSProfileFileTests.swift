import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// How the AWS command line's files are read.
@Suite struct AWSProfileFileTests {
    private let folder = TestFolder()

    private func file(_ kind: AWSProfileFile.Kind, _ text: String) throws -> AWSProfileFile {
        folder.write("file", text)
        return try AWSProfileFile(kind, path: "file", of: request)
    }

    private var request: SourceRequest {
        SourceRequest(driver: "aws-ssm", options: [:], name: "x", project: "x", directory: folder.path)
    }

    @Test func sectionsOfTheConfigFileAreProfilesWhereTheySaySo() throws {
        let file = try file(.config, "[default]\nregion=a\n[profile  shop ]\nregion=b\n[profile \"two words\"]\nregion=c\n[shop2]\nregion=d\n[sso-session x]\nregion=e\n")
        #expect(file.text("region", of: "default") == "a")
        #expect(file.text("region", of: "shop") == "b")
        #expect(file.text("region", of: "two words") == "c")
        #expect(file.text("region", of: "shop2") == nil && file.text("region", of: "x") == nil)
        #expect(file.has("shop") && !file.has("shop2"))
    }

    @Test func sectionsOfTheCredentialsFileAreProfiles() throws {
        let file = try file(.credentials, "[shop]\nregion=a\n[profile shop]\nregion=b\n")
        #expect(file.text("region", of: "shop") == "a")
        #expect(file.text("region", of: "default") == nil)
    }

    @Test func valuesAreWithoutSpaceAndComments() throws {
        let file = try file(.credentials, "\u{feff}\n# [shop]\n[shop] ; comment\r\nREGION =  a#b ;c  \r\n  region = group\nempty =\nequals = a=b\nlast = x")
        #expect(file.text("region", of: "shop") == "a#b")
        #expect(file.text("empty", of: "shop") == nil)
        #expect(file.text("equals", of: "shop") == "a=b")
        let last = try file.secret("last", of: "shop")?.text
        #expect(last == "x")
    }

    @Test func aFileThatIsNotThereIsEmpty() throws {
        let file = try AWSProfileFile(.credentials, path: "nope", of: request)
        #expect(!file.has("default") && file.text("region", of: "default") == nil)
    }

    /// Whatever one byte becomes, reading ends without a crash.
    @Test func anyByteMayBeWrong() throws {
        let text = Array("[a]\nb = c ; d\n [e".utf8)
        for index in text.indices {
            for byte in ["[", "]", "=", " ", "\n", "#", "\"", "\u{0}"] {
                var changed = text
                changed[index] = byte.utf8.first!
                let file = try file(.config, String(decoding: changed, as: UTF8.self))
                _ = (file.text("b", of: "a"), file.has("e"))
            }
        }
    }
}
