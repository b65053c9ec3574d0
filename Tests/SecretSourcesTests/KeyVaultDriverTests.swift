import Glibc
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// The driver beside a strict fake of Azure (Tests/SecretServers/azure.py).
@Suite struct KeyVaultDriverTests {
    private static let server = Result { try ServerProcess("azure.py") }
    private let server: ServerProcess
    private let folder = TestFolder()

    init() throws {
        server = try Self.server.get()
    }

    /// An environment with an application's secret.
    private func environment(_ more: [String: String] = [:]) -> [String: String] {
        [
            "HOME": folder.path, "AZURE_AUTHORITY_HOST": server["login"], "AZURE_POD_IDENTITY_AUTHORITY_HOST": server["metadata"],
            "AZURE_TENANT_ID": server["tenant"], "AZURE_CLIENT_ID": server["client"], "AZURE_CLIENT_SECRET": server["secret"],
        ].merging(more) { $1 }
    }

    /// One without anything of Azure's but the metadata service.
    private var machine: [String: String] { ["HOME": folder.path, "AZURE_POD_IDENTITY_AUTHORITY_HOST": server["metadata"]] }

    private func read(_ name: String, _ options: [String: String] = [:], _ environment: [String: String]? = nil) -> Result<String, SourceError> {
        let all = ["vault": server["vault"], "name": name, "ca-file": server["folder"] + "/ca.pem"].merging(options) { $1 }
        return fetch("azure-key-vault", all, in: folder, environment: environment ?? self.environment())
    }

    private func problem(_ name: String, _ options: [String: String] = [:], _ environment: [String: String]? = nil) -> SourceError? {
        read(name, options, environment).problem
    }

    @Test func theNewestVersionIsTakenAsItIs() throws {
        #expect(read("password") == .success("correct horse\n"))
    }

    @Test func anOlderVersionAndAFieldAreTaken() throws {
        #expect(read("password", ["version": "0123456789abcdef0123456789abcdef"]) == .success("older"))
        #expect(read("json", ["field": "password"]) == .success("p\"ä"))
    }

    @Test func aVaultsNameIsAnAddressOfThePublicCloud() throws {
        #expect(try AzureCloud.address(of: "shop-vault").text == "https://shop-vault.vault.azure.net/")
        #expect(throws: SourceError.self) { try AzureCloud.address(of: "evil.example/") }
        #expect(AzureCloud(of: try HTTPAddress("https://x.vault.azure.cn")).authority == "https://login.chinacloudapi.cn")
        #expect(AzureCloud(of: try HTTPAddress("https://x.vault.usgovcloudapi.net")).resource == "https://vault.usgovcloudapi.net")
        // Somebody else's domain that only ends like Azure's.
        #expect(AzureCloud(of: try HTTPAddress("https://evilvault.azure.cn")).authority == "https://login.microsoftonline.com")
    }

    // MARK: Credentials

    @Test func theSecretMayBeInAFile() throws {
        folder.write("secret", server["secret"] + "\n")
        let wrong = environment(["AZURE_CLIENT_SECRET": "wrong", "AZURE_CLIENT_ID": "", "AZURE_TENANT_ID": ""])
        let options = ["client-secret-file": "secret", "client-id": server["client"], "tenant-id": server["tenant"]]
        #expect(read("password", options, wrong) == .success("correct horse\n"))
    }

    @Test func aFederatedTokenStandsForTheApplication() throws {
        folder.write("token", server["federated"] + "\n")
        #expect(read("password", [:], environment(["AZURE_CLIENT_SECRET": "", "AZURE_FEDERATED_TOKEN_FILE": folder.path + "/token"])) == .success("correct horse\n"))
        #expect(read("password", ["federated-token-file": "token"], environment(["AZURE_CLIENT_SECRET": "wrong"])) == .success("correct horse\n"))
        folder.write("other", "canary")
        let error = problem("password", ["federated-token-file": "other"])
        #expect(error?.reason.hasSuffix("no token: it trusts no such token") == true)
    }

    @Test func aMachineHasAnIdentityOfItsOwn() throws {
        #expect(read("password", [:], machine) == .success("correct horse\n"))
        #expect(read("password", ["client-id": server["identity"]], machine) == .success("correct horse\n"))
        let error = problem("password", ["client-id": "canary-less"], machine)
        #expect(error?.reason == "this machine has no managed identity 'canary-less'")
    }

    @Test func secretsOfOneVaultShareAToken() throws {
        let cloud = AzureCloud(of: try HTTPAddress(server["vault"]))
        func token(_ name: String, _ environment: [String: String]) throws -> AccessToken {
            let options = ["vault": server["vault"], "name": name, "ca-file": server["folder"] + "/ca.pem"]
            let request = SourceRequest(
                driver: "azure-key-vault", options: options, name: name, project: "shop", directory: folder.path, environment: environment)
            return try AzureCredentials.token(for: request, in: cloud)
        }
        #expect(try token("a", environment()) === token("b", environment()))
        #expect(try token("a", environment()) !== token("a", machine))
    }

    @Test func whatIsMissingIsSaid() {
        #expect(problem("password", [:], environment(["AZURE_CLIENT_ID": ""]))?.remedy == "add 'client-id' to 'driver_opts', or set AZURE_CLIENT_ID")
        #expect(problem("password", [:], environment(["AZURE_TENANT_ID": ""]))?.remedy == "add 'tenant-id' to 'driver_opts', or set AZURE_TENANT_ID")
        let nothing = problem("password", [:], ["HOME": folder.path, "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"])
        #expect(nothing?.reason.contains("no credentials for Azure") == true)
    }

    // MARK: What goes wrong

    @Test func aRefusedLoginIsExplained() {
        let wrong = problem("password", [:], environment(["AZURE_CLIENT_SECRET": "canary"]))
        #expect(wrong?.reason == "Azure gives the application '\(server["client"])' of the tenant '\(server["tenant"])' no token: its secret is wrong")
        #expect(problem("password", [:], environment(["AZURE_TENANT_ID": "nobody"]))?.reason.hasSuffix("there is no such tenant") == true)
        #expect(problem("password", [:], environment(["AZURE_CLIENT_ID": "nobody"]))?.reason.hasSuffix("the tenant has no such application") == true)
        let late = problem("password", [:], environment(["AZURE_TENANT_ID": "skewed"]))
        #expect(late?.remedy?.contains("this machine's clock, which is") == true && late?.remedy?.contains("behind") == true)
        let throttled = problem("password", ["timeout": "1s"], environment(["AZURE_TENANT_ID": "throttled"]))
        #expect(throttled?.isTransient == true)
    }

    @Test(arguments: [
        ("nope", "has no secret 'nope'"), ("forbidden", "doesn't let the application"), ("disabled", "is disabled"), ("firewall", "firewall"),
        ("unauthorized", "refuses the token"), ("busy", "can't answer"), ("no-value", "never would"),
    ])
    func noErrorHasWhatWasAnswered(name: String, words: String) {
        let error = problem(name, ["timeout": "15s"])
        #expect(error?.reason.contains(words) == true && error?.description.contains("canary") == false)
        #expect(error?.isTransient == (name == "busy"))
    }

    @Test(arguments: ["a/b", "..", "a?b", "a b", "é"])
    func aNameThatWouldBecomeAnotherPathIsRefused(name: String) {
        #expect(problem(name)?.reason == "Azure Key Vault can have no secret or version '\(name)'")
        #expect(problem(name)?.isMistake == true)
        #expect(problem("password", ["version": name])?.reason.contains("no secret or version") == true)
    }

    @Test(arguments: ["https://shop.vault.azure.net.example.com", "https://example.com", "https://vault.azure.net", "https://evilvault.azure.net"])
    func nobodyElseGetsAToken(vault: String) {
        let problem = problem("password", ["vault": vault])
        #expect(problem?.reason == "\(vault) is no key vault of Azure, so it gets no token" && problem?.isMistake == true)
        #expect(problem?.remedy == "write the vault's name, or its address below vault.azure.net, vault.azure.cn, vault.usgovcloudapi.net")
    }

    @Test func theVaultsCertificateIsVerified() {
        // A token is there already, so that it is the vault which is not trusted.
        let error = problem("password", ["ca-file": ""], machine)
        #expect(error?.reason.contains("not signed by a certificate authority that this machine trusts") == true)
    }
}
