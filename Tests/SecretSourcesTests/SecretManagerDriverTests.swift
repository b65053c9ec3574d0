import Glibc
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// The driver beside a strict fake of Google Cloud, which checks the signatures of service accounts (Tests/SecretServers/google.py).
@Suite struct SecretManagerDriverTests {
    private static let server = Result { try ServerProcess("google.py") }
    private let server: ServerProcess
    private let folder = TestFolder()

    init() throws {
        server = try Self.server.get()
    }

    private func options(_ secret: String, _ more: [String: String] = [:]) -> [String: String] {
        [
            "secret": secret, "endpoint": server["manager"], "ca-file": server["folder"] + "/ca.pem",
            "credentials-file": server["folder"] + "/account.json",
        ].merging(more) { $1 }
    }

    private func read(_ secret: String, _ more: [String: String] = [:], _ environment: [String: String] = [:]) -> Result<String, SourceError> {
        fetch("gcp-secret-manager", options(secret, more), in: folder, environment: ["HOME": folder.path].merging(environment) { $1 })
    }

    private func problem(_ secret: String, _ more: [String: String] = [:], _ environment: [String: String] = [:]) -> SourceError? {
        read(secret, more, environment).problem
    }

    private func request(_ secret: String, _ more: [String: String] = [:]) -> SourceRequest {
        SourceRequest(
            driver: "gcp-secret-manager", options: options(secret, more), name: "password", project: "shop", directory: folder.path,
            environment: ["HOME": folder.path])
    }

    @Test func theNewestVersionIsTakenAsItIs() throws {
        #expect(read("password") == .success("correct horse\n"))
    }

    @Test func anOlderVersionAndAFieldAreTaken() throws {
        #expect(read("password", ["version": "1"]) == .success("first"))
        #expect(read("json", ["field": "password"]) == .success("p"))
        #expect(read("password", ["location": "europe-west3"]) == .success("correct horse\n"))
    }

    @Test func aBinaryValueIsTakenByteForByte() throws {
        let request = request("binary")
        let bytes = try SecretManagerDriver().fetch(request).withUnsafeBytes { Array($0) }
        #expect(bytes == Array(0...255))
    }

    // MARK: Credentials

    @Test func theKeyFileMayBeInTheEnvironment() throws {
        let environment = ["GOOGLE_APPLICATION_CREDENTIALS": server["folder"] + "/account.json"]
        #expect(read("password", ["credentials-file": ""], environment) == .success("correct horse\n"))
    }

    @Test func aPersonsLoginIsTaken() throws {
        #expect(read("password", ["credentials-file": server["folder"] + "/person.json", "project": server["project"]]) == .success("correct horse\n"))
        _ = folder.make("gcloud")
        symlink(server["folder"] + "/person.json", folder.path + "/gcloud/application_default_credentials.json")
        let environment = ["CLOUDSDK_CONFIG": folder.path + "/gcloud", "GOOGLE_CLOUD_PROJECT": server["project"]]
        #expect(read("password", ["credentials-file": ""], environment) == .success("correct horse\n"))
    }

    @Test func aMachineHasAnAccountAndAProjectOfItsOwn() throws {
        let host = String(server["metadata"].dropFirst("http://".count))
        #expect(read("password", ["credentials-file": ""], ["GCE_METADATA_HOST": host]) == .success("correct horse\n"))
    }

    @Test func secretsOfOneCommandShareAToken() throws {
        let first = try GoogleCredentials.login(for: request("a")).token
        #expect(try GoogleCredentials.login(for: request("b")).token === first)
        #expect(try GoogleCredentials.login(for: request("a", ["credentials-file": server["folder"] + "/person.json"])).token !== first)
    }

    @Test func whatIsMissingIsSaid() {
        let nothing = problem("password", ["credentials-file": ""], ["GCE_METADATA_HOST": "127.0.0.1:1"])
        #expect(nothing?.reason.contains("no credentials for Google Cloud") == true)
        let project = problem("password", ["credentials-file": server["folder"] + "/person.json"])
        #expect(project?.reason == "no project of Google Cloud is given")
    }

    @Test(arguments: [
        ("short", "is not one of RSA with 2048 bits or more"), ("curve", "is not one of RSA with 2048 bits or more"), ("encrypted", "can't be read"),
    ])
    func aKeyThatCanNotSignIsRefused(key: String, words: String) {
        let error = problem("password", ["credentials-file": server["folder"] + "/\(key).json"])
        #expect(error?.reason == server["folder"] + "/\(key).json: the private key \(words)")
    }

    @Test(arguments: ["", "{", "{}", #"{"type": "canary"}"#, #"{"type": "service_account", "private_key": "canary"}"#, #"{"type": "service_account", "client_email": "a@b", "private_key": "canary"}"#])
    func aFileThatIsNoneIsNamedAndNotQuoted(content: String) {
        folder.write("key.json", content)
        let error = problem("password", ["credentials-file": "key.json"])
        #expect(error?.reason.hasPrefix(folder.path + "/key.json: ") == true && error?.description.contains("canary") == false)
    }

    @Test func otherKindsOfCredentialsAreNotSupported() {
        folder.write("key.json", #"{"type": "external_account"}"#)
        #expect(problem("password", ["credentials-file": "key.json"])?.reason.contains("not supported") == true)
    }

    // MARK: What goes wrong

    @Test func aRefusedLoginIsExplained() {
        let stranger = problem("password", ["credentials-file": server["folder"] + "/stranger.json"])
        #expect(stranger?.reason == "Google gives the service account 'stranger@my-project.iam.gserviceaccount.com' no token")
        let late = problem("password", ["credentials-file": server["folder"] + "/late.json"])
        #expect(late?.remedy?.contains("this machine's clock, which is") == true)
    }

    @Test(arguments: [
        ("nope", "has no secret 'nope' of the project"), ("forbidden", "doesn't let the service account"), ("disabled", "doesn't give out"),
        ("busy", "can't answer"), ("nonsense", "never would"), ("damaged", "doesn't match its checksum"),
    ])
    func noErrorHasWhatWasAnswered(secret: String, words: String) {
        let error = problem(secret, ["timeout": "15s"])
        #expect(error?.reason.contains(words) == true && error?.description.contains("canary") == false)
        #expect(error?.isTransient == (secret == "busy" || secret == "damaged"))
    }

    @Test(arguments: ["a/b", "..", "projects/x/secrets/y", "a?b", "a b"])
    func aNameThatWouldBecomeAnotherPathIsRefused(name: String) {
        #expect(problem(name)?.reason.contains("can have no project, location, secret or version '\(name)'") == true)
        #expect(problem(name)?.isMistake == true)
        #expect(problem("password", ["project": name])?.reason.contains("can have no project") == true)
    }

    /// The test cases of RFC 3720, appendix B.4.
    @Test(arguments: ["https://example.com", "https://googleapis.com.example.com", "https://evilgoogleapis.com"]) func nobodyElseGetsAToken(endpoint: String) {
        let problem = problem("password", ["endpoint": endpoint])
        #expect(problem?.reason == "\(endpoint) is no address of Google Cloud, so it gets no token" && problem?.isMistake == true)
    }

    @Test func theChecksumIsThatOfTheRFC() throws {
        #expect(try CRC32C.checksum(SecretBytes(copying: [UInt8](repeating: 0, count: 32))) == 0x8a91_36aa)
        #expect(try CRC32C.checksum(SecretBytes(copying: [UInt8](repeating: 0xff, count: 32))) == 0x62a8_ab43)
        #expect(try CRC32C.checksum(SecretBytes(copying: Array(0..<32))) == 0x46dd_794e)
        #expect(try CRC32C.checksum(.guarding("123456789")) == 0xe306_9283)
    }
}
