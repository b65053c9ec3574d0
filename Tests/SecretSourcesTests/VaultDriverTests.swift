import Linux
import SourceProtocol
import Testing

@testable import SecretSources

/// The driver beside a strict fake of Vault (Tests/SecretServers/vault.py).
@Suite struct VaultDriverTests {
    private static let server = Result { try ServerProcess("vault.py") }
    private let server: ServerProcess
    private let folder = TestFolder()

    init() throws {
        server = try Self.server.get()
    }

    private func read(
        _ path: String, _ options: [String: String] = [:], _ variables: [String: String] = [:], token: String? = nil
    ) -> Result<String, SourceError> {
        var environment = ["HOME": folder.path, "VAULT_ADDR": server["address"], "VAULT_CACERT": server["folder"] + "/ca.pem"]
        environment["VAULT_TOKEN"] = token ?? server["token"]
        return fetch("vault", ["path": path].merging(options) { $1 }, in: folder, environment: environment.merging(variables) { $1 })
    }

    // MARK: Values

    @Test func aFieldOfTheNewestVersionIsTaken() {
        #expect(read("shop/db", ["field": "password"]) == .success("p\"ä\nss"))
        #expect(read("/shop/db/", ["field": "port"]) == .success("5432"))
    }

    @Test func theOnlyFieldNeedNotBeNamed() {
        #expect(read("shop/one") == .success("the only one"))
        let problem = read("shop/db").problem
        #expect(problem?.description == "'secret/shop/db' has several fields; say which one with 'field': none, password, port, user")
        #expect(read("shop/empty").problem?.reason == "'secret/shop/empty' has no fields")
        #expect(read("shop/db", ["field": "pasword"]).problem?.description == "'secret/shop/db' has no field 'pasword'; its fields are: none, password, port, user")
        #expect(read("shop/db", ["field": "none"]).problem?.reason == "the field 'none' of 'secret/shop/db' is null")
    }

    @Test func anOlderVersionIsTaken() {
        #expect(read("shop/db", ["version": "1"]) == .success("older"))
        for (version, path) in [("2", "shop/db"), ("3", "shop/db"), (nil, "shop/gone")] {
            let problem = read(path, version.map { ["version": $0] } ?? [:]).problem
            #expect(problem?.reason.hasSuffix("\(version.map { "version \($0)" } ?? "the newest version") of 'secret/\(path)' is deleted or destroyed") == true)
        }
        #expect(read("shop/db", ["version": "9"]).problem?.reason.hasSuffix("has nothing at 'secret/shop/db', version 9") == true)
        #expect(read("shop/db", ["version": "0"]).problem?.isMistake == true)
    }

    @Test func theEnginesVersionIsFoundOutOrSaid() {
        #expect(read("shop/db", ["mount": "old", "field": "password"]) == .success("of version 1"))
        #expect(read("db", ["mount": "generic"]) == .success("generic"))
        #expect(read("db", ["mount": "kv/shop"]) == .success("of a mount with a slash"))
        #expect(read("shop/db", ["mount": "old", "kv-version": "1", "field": "user"]) == .success("shop"))
        #expect(read("shop/one", ["kv-version": "2"]) == .success("the only one"))
        // Wrongly said, there is nothing at the other version's address.
        #expect(read("shop/one", ["kv-version": "1"]).problem?.reason.contains("has nothing at") == true)
        #expect(read("shop/db", ["mount": "old", "version": "1"]).problem?.isMistake == true)
        #expect(read("x", ["mount": "pki"]).problem?.reason.hasSuffix("the mount 'pki' is not a key/value engine") == true)
        let unknown = read("x", ["mount": "none"]).problem
        #expect(unknown?.reason.contains("read the mount 'none'") == true && unknown?.remedy?.contains("'kv-version'") == true)
    }

    @Test func namesAreEncodedAndLeadNowhereElse() {
        #expect(read("a b/ä?#%") == .success("odd"))
        #expect(read("shop/../one").problem?.isMistake == true)
        #expect(read("x", ["mount": "./secret"]).problem?.isMistake == true)
    }

    @Test func frequentMistakesAreNamed() {
        #expect(read("data/shop/db").problem?.remedy == "leave 'data/', which is a part of the API's address only, out of 'path'")
        #expect(read("secret/shop/db").problem?.remedy == "leave the mount out of 'path'")
    }

    @Test func aNamespaceIsUsed() {
        #expect(read("db", ["namespace": server["namespace"]]) == .success("of the team"))
        #expect(read("db", [:], ["VAULT_NAMESPACE": server["namespace"]]) == .success("of the team"))
        #expect(read("db", ["namespace": "other"]).problem?.reason.contains("status 403") == true)
    }

    // MARK: Tokens

    @Test func aTokenComesFromAFileOrTheEnvironment() {
        folder.write("token", server["token"] + "\n", mode: 0o600)
        #expect(read("shop/one", ["token-file": "token"], token: "wrong") == .success("the only one"))
        #expect(read("shop/one", [:], ["BAO_TOKEN": server["token"]], token: "") == .success("the only one"))
        folder.write(".vault-token", server["token"], mode: 0o600)
        #expect(read("shop/one", token: "") == .success("the only one"))
    }

    @Test func aWrongTokenOrNoneIsNamedAndNeverShown() {
        let problem = read("shop/one", token: "hvs.canary").problem
        #expect(problem?.reason == "\(server["address"]): doesn't let the token in VAULT_TOKEN read the mount 'secret' (status 403)")
        #expect(read("shop/one", ["kv-version": "2"], token: "hvs.canary").problem?.reason.hasSuffix("read 'secret/shop/one' (status 403)") == true)
        #expect(read("shop/one", token: "").problem?.reason == "there is no token for \(server["address"])")
        #expect(read("shop/one", token: "two\nlines").problem?.reason.contains("X-Vault-Token") == true)
        #expect(read("shop/one", ["token-file": "none"]).problem?.reason.contains("no such file") == true)
    }

    @Test func aRoleLogsInOnceForAllSecrets() throws {
        folder.write("secret-id", server["secret"] + "\n", mode: 0o600)
        let role = ["role-id": server["role"], "secret-id-file": "secret-id"]
        let before = try count("logins")
        #expect(read("shop/one", role, token: "wrong") == .success("the only one"))
        #expect(read("shop/db", role.merging(["field": "user"]) { $1 }, token: "wrong") == .success("shop"))
        #expect(try count("logins") == before + 1)
        #expect(read("shop/one", [:], ["VAULT_ROLE_ID": server["role"], "VAULT_SECRET_ID": server["secret"]]) == .success("the only one"))
        #expect(read("shop/one", ["role-id": server["role"], "auth-mount": "machines"]) == .success("the only one"))
    }

    @Test func aRefusedLoginIsNamed() {
        let problem = read("shop/one", ["role-id": server["role"]], ["VAULT_SECRET_ID": "canary"]).problem
        #expect(problem?.reason == "\(server["address"]): refuses the login of the role '\(server["role"])' (status 400)")
        #expect(read("shop/one", ["role-id": "nobody"]).problem?.reason.contains("the role 'nobody'") == true)
        #expect(read("shop/one", ["role-id": server["role"], "auth-mount": "none"]).problem?.reason.contains("status 403") == true)
    }

    // MARK: Servers

    @Test func theServersCertificateIsVerified() {
        #expect(read("shop/one", ["address": server["stranger"]]).problem?.reason.contains("its certificate is not signed by") == true)
        #expect(read("shop/one", [:], ["VAULT_CACERT": "", "VAULT_SKIP_VERIFY": "true"]).problem?.reason.contains("its certificate is not signed by") == true)
        #expect(read("shop/one", ["ca-file": server["folder"] + "/ca.pem"], ["VAULT_CACERT": ""]) == .success("the only one"))
    }

    @Test func plainHTTPIsForThisMachineOnly() {
        #expect(read("shop/one", ["address": server["plain"]]) == .success("the only one"))
        #expect(read("shop/one", ["address": "http://vault.example:8200"]).problem?.reason.contains("plain text") == true)
    }

    @Test(arguments: [429, 500, 503, 412, 472, 473]) func whatMayPassIsTriedAgain(status: Int) {
        #expect(read("status/third-\(status)", ["kv-version": "2"]) == .success("at last"))
    }

    @Test(arguments: [(400, false), (403, false), (404, false), (418, false), (429, true), (500, true), (503, true), (472, true)])
    func everyOtherAnswerIsAnErrorThatHoldsNothingOfIt(status: Int, isTransient: Bool) {
        let problem = read("status/\(status)", ["kv-version": "2"]).problem
        #expect(problem?.isTransient == isTransient)
        #expect(problem?.description.contains("canary") == false)
    }

    @Test(arguments: ["garbage", "other"]) func answersThatMakeNoSenseAreRefused(word: String) {
        let problem = read("status/" + word, ["kv-version": "2"]).problem
        #expect(problem?.description == "\(server["address"]): answers what Vault never would; check the address; a proxy may stand in front of it")
    }

    @Test func aSlowServerIsNotWaitedForLongerThanAllowed() {
        let start = ContinuousClock.now
        let problem = read("status/slow", ["kv-version": "2", "timeout": "700ms"]).problem
        #expect(problem?.isTransient == true && problem?.reason.contains("no answer within") == true)
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func aFileOfAuthoritiesThatIsNoneIsNotWaitedFor() throws {
        _ = try ProgramOutput("/usr/bin/mkfifo", [folder.path + "/fifo"])
        _ = folder.make("folder")
        folder.write("large", String(repeating: "x", count: 2 << 20))
        folder.write("text", "canary")
        let start = ContinuousClock.now
        for (name, words) in [("fifo", "not a regular file"), ("folder", "not a regular file"), ("large", "larger than 1 MiB"), ("none", "no such file"), ("text", "PEM")] {
            let problem = read("shop/one", ["ca-file": name]).problem
            #expect(problem?.reason.contains("\(folder.path)/\(name)") == true && problem?.reason.contains(words) == true, "\(String(describing: problem))")
        }
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func aServerThatIsNotThereIsNamed() {
        let problem = read("x", ["address": "https://127.0.0.1:1", "timeout": "3s"]).problem
        #expect(problem?.reason == "https://127.0.0.1:1: can't connect: connection refused" && problem?.isTransient == true)
    }

    private func count(_ what: String) throws -> Int {
        let client = HTTPClient(environment: [:], certificates: trusted(server["folder"] + "/ca.pem"))
        let response = try client.send(HTTPRequest(.get, HTTPAddress(server["address"] + "/counts")))
        return try SecretJSON.integer(at: [what], in: response.body) ?? 0
    }
}
