import Glibc
import JSON
import Linux
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// The client beside a real server, with certificates of a throw-away authority (Tests/SecretServers/mishaps.py).
@Suite struct HTTPClientTests {
    private static let server = Result { try ServerProcess("mishaps.py") }
    private let server: ServerProcess

    init() throws {
        server = try Self.server.get()
    }

    private func client(_ environment: [String: String] = [:], certificates: String = "ca.pem", attempts: Int = 4, attempt: Duration = .seconds(20)) -> HTTPClient {
        var patience = HTTPPatience()
        patience.connection = .seconds(20)
        patience.attempt = attempt
        patience.total = .seconds(60)
        patience.attempts = attempts
        patience.firstPause = .milliseconds(10)
        return HTTPClient(environment: environment, certificates: trusted(server["folder"] + "/" + certificates), patience: patience)
    }

    private func address(_ path: String, at port: String = "https", scheme: String = "https") throws -> HTTPAddress {
        try HTTPAddress("\(scheme)://localhost:\(server[port])/\(path)")
    }

    private func get(_ path: String, at port: String = "https", _ client: HTTPClient? = nil) throws -> HTTPResponse {
        try (client ?? self.client()).send(HTTPRequest(.get, address(path, at: port)))
    }

    private func problem(_ path: String, at port: String = "https", _ client: HTTPClient? = nil) -> SourceError? {
        do {
            _ = try get(path, at: port, client)
            return nil
        } catch {
            return error as? SourceError
        }
    }

    /// How many requests there were for a path.
    private func count(_ path: String) throws -> String {
        try get("count/" + path).text
    }

    private struct Echo: Decodable {
        let method: String, path: String, body: String, connection: Int, headers: [[String]]

        init(_ response: borrowing HTTPResponse) throws {
            self = try JSON.decode(Echo.self, from: Array(response.text.utf8))
        }

        func header(_ name: String) -> String? {
            headers.first { $0[0].lowercased() == name }?[1]
        }
    }

    @Test func whatIsAskedArrivesAndWhatIsAnsweredComesBack() throws {
        var request = try HTTPRequest(posting: .guarding("{}"), type: "application/json", to: address("echo/a%2fb/../c?x=1"))
        try request.addHeader("X-Plain", "some words")
        try request.addHeader("Authorization", prefix: "Bearer ", secret: .guarding("token"))
        let response = try client().send(request)
        let echo = try Echo(response)
        #expect(response.status == 200 && echo.method == "POST" && echo.body == "{}")
        // As it is written: to resolve it would ask for something else.
        #expect(echo.path == "/echo/a%2fb/../c?x=1")
        #expect(echo.header("x-plain") == "some words" && echo.header("authorization") == "Bearer token")
        #expect(echo.header("content-type") == "application/json")
    }

    @Test func aRequestWithoutBodySaysSo() throws {
        let echo = try Echo(client().send(HTTPRequest(.put, address("echo"))))
        #expect(echo.method == "PUT" && echo.header("content-length") == "0" && echo.header("content-type") == nil)
    }

    @Test func requestsToOneServerShareAConnection() throws {
        // Tests run side by side, so a handle of another one may be taken; most are the same all the same.
        let connections = try (0..<10).map { _ in try Echo(get("echo")).connection }
        #expect(Set(connections).count < 10)
    }

    @Test func aHeaderThatWouldBeTwoIsRefused() throws {
        var request = try HTTPRequest(.get, address("echo"))
        for value in ["canary\r\nX-Other: two", "canary\n", "", "canary\u{0}"] {
            let error = #expect(throws: SourceError.self) { try request.addHeader("X-Token", secret: .guarding(value)) }
            #expect(error?.reason.contains("X-Token") == true && error?.description.contains("canary") == false)
        }
    }

    // MARK: Whom it trusts

    @Test func aCertificateOfAnotherAuthorityIsRefused() {
        let error = problem("echo", client(certificates: "other-ca.pem"))
        #expect(error?.reason.contains("not signed by a certificate authority in \(server["folder"])/other-ca.pem") == true)
        #expect(error?.isTransient == false)
    }

    @Test func theSystemsAuthoritiesDoNotVouchForIt() throws {
        let client = HTTPClient(environment: [:])
        #expect(throws: SourceError.self) { _ = try client.send(HTTPRequest(.get, address("echo"))) }
    }

    @Test func anExpiredCertificateIsRefused() {
        let error = problem("echo", at: "expired")
        #expect(error?.reason.contains("has expired") == true && error?.remedy?.contains("clock") == true && error?.isTransient == false)
    }

    @Test func aCertificateForAnotherNameIsRefused() {
        let error = problem("echo", at: "other-name")
        #expect(error?.reason == "https://localhost:\(server["other-name"]): its certificate is for another name" && error?.isTransient == false)
    }

    @Test func anOldTLSIsRefused() {
        #expect(problem("echo", at: "old-tls")?.reason.contains("no TLS connection") == true)
    }

    @Test func aFileThatHoldsNoCertificatesIsNamed() {
        let folder = TestFolder()
        let client = HTTPClient(environment: [:], certificates: trusted(folder.write("nothing.pem", "canary")))
        let error = problem("echo", client)
        #expect(error?.reason == "\(folder.path)/nothing.pem: can't be read as certificates in PEM format")
    }

    // MARK: Where it goes

    @Test func aRedirectIsNotFollowedAndItsQueryNotShown() {
        let error = problem("redirect")
        #expect(error?.reason.contains("redirect to https://elsewhere.example, which is not followed") == true)
        #expect(error?.description.contains("canary") == false)
    }

    @Test(arguments: [
        "http://secrets.example/", "http://10.0.0.1/", "http://localhost.example/", "http://127.0.0.1.example/", "http://128.0.0.1/",
        "http://169.254.169.253/", "http://[::2]/", "http://[::ffff:10.0.0.1]/",
    ])
    func nothingIsAskedInPlainTextBeyondThisMachine(address: String) {
        let error = #expect(throws: SourceError.self) { try HTTPAddress(address) }
        #expect(error?.reason.contains("plain text") == true)
    }

    @Test(arguments: [
        "http://localhost:1/", "http://127.0.0.1/", "http://127.1/", "http://[::1]:80/", "http://169.254.169.254/latest", "http://169.254.170.2/v2",
        "http://metadata.google.internal/computeMetadata", "https://secrets.example", "HTTPS://Secrets.Example:8200/x?y",
    ])
    func theseMayBeAsked(address: String) throws {
        _ = try HTTPAddress(address)
    }

    @Test(arguments: ["", "secrets.example", "ftp://secrets.example/", "file:///etc/passwd", "https://", "https://a b/", "https://é/", "https://a/\r\nX: y", "https://a:port/"])
    func theseAreNoAddresses(text: String) {
        #expect(throws: SourceError.self) { try HTTPAddress(text) }
    }

    @Test func passwordsInAddressesAreRefusedAndNotRepeated() {
        let error = #expect(throws: SourceError.self) { try HTTPAddress("https://user:canary@secrets.example/") }
        #expect(error?.reason.contains("password") == true && error?.description.contains("canary") == false)
        #expect(#expect(throws: SourceError.self) { try HTTPAddress("ftp://user:canary@a/?canary") }?.description.contains("canary") == false)
    }

    @Test func theOriginIsWhatErrorsShow() throws {
        #expect(try HTTPAddress("HTTPS://Secrets.Example:8200/x?y").origin == "https://secrets.example:8200")
        #expect(try HTTPAddress("http://[::1]:80/").host == "::1")
    }

    @Test(arguments: ["https_proxy", "HTTPS_PROXY", "all_proxy"])
    func aProxyLeadsToOtherMachines(variable: String) throws {
        let before = try count("proxied-by-nobody")
        #expect(before == "0")
        let proxied = client([variable: "http://127.0.0.1:\(server["http"])"])
        let response = try proxied.send(HTTPRequest(.get, HTTPAddress("https://secrets.example/echo")))
        #expect(response.status == 200)
    }

    @Test func noProxyIsHonoured() {
        let direct = client(["https_proxy": "http://127.0.0.1:\(server["http"])", "no_proxy": "secrets.example"], attempts: 1)
        #expect(throws: SourceError.self) { _ = try direct.send(HTTPRequest(.get, HTTPAddress("https://secrets.example/echo"))) }
    }

    @Test func noProxyLeadsToThisMachine() throws {
        let broken = ["https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"]
        #expect(try get("echo", client(broken)).status == 200)
        let plain = try HTTPRequest(.get, address("echo", at: "http", scheme: "http"))
        #expect(try client(broken).send(plain).status == 200)
    }

    // MARK: What fails, and what is tried again

    @Test(arguments: [429, 500, 502, 503, 504, 408])
    func whatMayPassIsTriedAgain(status: Int) throws {
        let response = try get("third/\(status)/again")
        #expect(response.status == 200 && response.text == "well")
    }

    @Test(arguments: [400, 401, 403, 404])
    func whatStaysAsItIsIsNotTriedAgain(status: Int) throws {
        #expect(try get("status/\(status)/once").status == status)
        #expect(try count("status/\(status)/once") == "1")
    }

    @Test func triesRunOut() throws {
        #expect(try get("status/503/often").status == 503)
        #expect(try count("status/503/often") == "4")
    }

    @Test func aDriverMayWantAnotherTry() throws {
        let response = try client().send(HTTPRequest(.get, address("third/400/throttled"))) { $0.status == 400 }
        #expect(response.status == 200)
    }

    @Test(arguments: ["wait/1/seconds", "wait-date/2/date"])
    func theServerSaysWhenToComeBack(path: String) throws {
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try get(path).status == 200)
        // A date is whole seconds, so the wait for one may be up to a second shorter.
        #expect(clock.now - start >= .seconds(0.9))
    }

    @Test func aWaitThatIsTooLongIsNotBegun() throws {
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try get("wait/3600/long").status == 429)
        #expect(clock.now - start < .seconds(30))
    }

    @Test func aServerThatDoesNotAnswerIsNotWaitedForLong() {
        let error = problem("slow", client(attempts: 1, attempt: .seconds(1)))
        #expect(error?.reason.contains("no answer within 1 s") == true && error?.isTransient == true)
        #expect(problem("trickle", client(attempts: 1, attempt: .seconds(1)))?.reason.contains("no answer within 1 s") == true)
    }

    @Test func noTryOutlivesTheTimeForAll() {
        var patience = HTTPPatience()
        patience.attempt = .seconds(1)
        patience.total = .milliseconds(1500)
        patience.attempts = 100
        let clock = ContinuousClock()
        let start = clock.now
        let client = HTTPClient(environment: [:], certificates: trusted(server["folder"] + "/ca.pem"), patience: patience)
        #expect(problem("slow", client)?.isTransient == true)
        #expect(clock.now - start < .seconds(30))
    }

    @Test func aPortWhereNobodyListensIsNamed() {
        let error = problem("echo", at: "closed", client(attempts: 1))
        #expect(error?.reason == "https://localhost:\(server["closed"]): can't connect: connection refused")
        #expect(error?.isTransient == true)
    }

    @Test func aNameThatNobodyKnowsIsNamed() {
        let error = #expect(throws: SourceError.self) {
            _ = try client(attempts: 1).send(HTTPRequest(.get, HTTPAddress("https://nobody.invalid/")))
        }
        #expect(error?.reason.hasPrefix("https://nobody.invalid: ") == true && error?.isTransient == true)
    }

    @Test(arguments: ["reset/again", "nothing/again", "short"])
    func aBrokenConnectionIsTriedAgainAndThenSaid(path: String) {
        let error = problem(path)
        #expect(error?.reason.contains("connection broke") == true && error?.isTransient == true)
        // Where a connection was used before, libcurl tries a new one by itself.
        #expect((try? count(path)).flatMap { Int($0) } ?? 0 >= 4)
    }

    @Test func whatUsesSomethingUpIsNotSentTwice() throws {
        var request = try HTTPRequest(posting: .guarding("{}"), type: "application/json", to: address("reset/once"))
        request.isRepeatable = false
        #expect(throws: SourceError.self) { _ = try client().send(request) }
        #expect(try count("reset/once") == "1")
    }

    @Test func garbageIsNotHTTP() {
        let error = problem("garbage")
        #expect(error?.reason.contains("doesn't speak HTTP") == true && error?.description.contains("canary") == false)
    }

    @Test func anAnswerUpToAMebibyteIsTaken() throws {
        #expect(try get("size/1048576").body.count == 1 << 20)
    }

    @Test(arguments: ["size/1048577", "chunks/4194304"])
    func aLargerAnswerIsRefused(path: String) {
        #expect(problem(path)?.reason.contains("larger than 1 MiB") == true)
    }

    @Test func aClockThatIsWrongShows() throws {
        #expect(abs(try #require(try get("skewed").clockLead) + 7200) < 60)
        #expect(abs(try #require(try get("echo").clockLead)) < 60)
    }
}

extension HTTPResponse {
    /// The body, where it holds nothing secret.
    var text: String { body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}
