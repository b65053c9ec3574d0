import Glibc
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// Both AWS drivers, beside the moto server, which checks signatures and permissions (Tests/SecretServers/aws.py).
@Suite(.enabled(if: ServerProcess.hasMoto, "needs moto in .build/moto, which scripts/test installs"))
struct AWSDriverTests {
    private static let server = Result { try ServerProcess("aws.py", interpreter: ServerProcess.motoPython) }
    private let server: ServerProcess
    private let folder = TestFolder()

    init() throws {
        server = try Self.server.get()
    }

    /// An environment with keys, and nothing of this machine's.
    private func environment(_ user: String? = "reader", _ more: [String: String] = [:]) -> [String: String] {
        var result = ["HOME": folder.path, "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": server["endpoint"], "AWS_EC2_METADATA_DISABLED": "true"]
        if let user {
            result["AWS_ACCESS_KEY_ID"] = server[user + "-key"]
            result["AWS_SECRET_ACCESS_KEY"] = server[user + "-secret"]
        }
        return result.merging(more) { $1 }
    }

    private func secret(_ id: String, _ options: [String: String] = [:], _ environment: [String: String]? = nil) throws -> String {
        try fetch("aws-secrets-manager", ["secret-id": id].merging(options) { $1 }, in: folder, environment: environment ?? self.environment()).get()
    }

    private func parameter(_ name: String, _ options: [String: String] = [:]) throws -> String {
        try fetch("aws-ssm", ["name": name].merging(options) { $1 }, in: folder, environment: environment()).get()
    }

    private func problem(_ body: () throws -> String) -> SourceError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? SourceError
        }
    }

    // MARK: Values

    @Test func aSecretsCurrentValueIsTakenAsItIs() throws {
        #expect(try secret("shop/password") == "correct horse\n")
    }

    @Test func anOlderVersionIsTaken() throws {
        #expect(try secret("shop/password", ["version-stage": "AWSPREVIOUS"]) == "first")
        #expect(try secret("shop/password", ["version-id": server["first-version"]]) == "first")
    }

    @Test func aFieldOfAJSONValueIsTaken() throws {
        #expect(try secret("shop/json", ["field": "password"]) == "p\"ä\n\\")
        #expect(try secret("shop/json", ["field": "port"]) == "5432")
        let missing = problem { try secret("shop/json", ["field": "pasword"]) }
        #expect(missing?.reason == "the secret 'shop/json' has no field 'pasword'")
        #expect(missing?.remedy == "its fields are: none, password, port, user")
        #expect(problem { try secret("shop/json", ["field": "none"]) }?.reason.contains("is null") == true)
        #expect(problem { try secret("shop/password", ["field": "password"]) }?.reason.contains("not a JSON object") == true)
    }

    @Test func aBinaryValueIsTakenByteForByte() throws {
        let request = SourceRequest(
            driver: "aws-secrets-manager", options: ["secret-id": "shop/binary"], name: "x", project: "shop", directory: folder.path,
            environment: environment())
        let bytes = try SecretsManagerDriver().fetch(request).withUnsafeBytes { Array($0) }
        #expect(bytes == Array(0...255))
    }

    @Test func aParameterIsDecrypted() throws {
        #expect(try parameter("/shop/password") == "battery staple")
        #expect(try parameter("/shop/plain") == "in the open")
    }

    @Test func anOlderVersionOfAParameterIsTaken() throws {
        #expect(try parameter("/shop/password", ["version": "1"]) == "old")
        #expect(try parameter("/shop/password", ["version": "before"]) == "old")
    }

    // MARK: Regions and endpoints

    @Test func theRegionOfAnARNCountsBeforeThatOfTheEnvironment() throws {
        #expect(try secret(server["elsewhere"]) == "from the west")
        #expect(try secret("elsewhere", ["region": "us-west-2"]) == "from the west")
        #expect(problem { try secret("elsewhere") }?.reason.hasPrefix("AWS (eu-central-1) has no secret 'elsewhere'") == true)
    }

    @Test func theEndpointOfTheOptionCountsBeforeThatOfTheServiceAndThatForAll() throws {
        let wrong = "http://127.0.0.1:1"
        #expect(try secret("shop/password", ["endpoint": server["endpoint"]], environment("reader", ["AWS_ENDPOINT_URL": wrong])) == "correct horse\n")
        let forService = environment("reader", ["AWS_ENDPOINT_URL": wrong, "AWS_ENDPOINT_URL_SECRETS_MANAGER": server["endpoint"]])
        #expect(try secret("shop/password", [:], forService) == "correct horse\n")
    }

    @Test func withoutARegionNothingIsAsked() {
        let error = problem { try secret("shop/password", [:], environment("reader", ["AWS_REGION": ""])) }
        #expect(error?.reason == "no region of AWS is given" && error?.remedy?.contains("AWS_REGION") == true)
        #expect(problem { try secret("shop/password", ["region": "evil.example/"]) }?.reason.contains("no region 'evil.example/'") == true)
    }

    @Test func theMachineKnowsItsRegion() throws {
        let machine = environment("reader", ["AWS_REGION": "", "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server["metadata"]])
        #expect(try secret("shop/password", [:], machine) == "correct horse\n")
    }

    // MARK: Where keys come from

    @Test func aProfilesKeysAreTaken() throws {
        folder.write("credentials", """
            # A comment
            [default]
            aws_access_key_id = wrong
            aws_secret_access_key = wrong

            [reader]
            AWS_Access_Key_Id=\(server["reader-key"])
            aws_secret_access_key =   \(server["reader-secret"])   # a comment
            """)
        folder.write("config", "[profile reader]\nregion = eu-central-1\ns3 =\n  region = us-west-2\n")
        let files = ["AWS_SHARED_CREDENTIALS_FILE": folder.path + "/credentials", "AWS_CONFIG_FILE": folder.path + "/config", "AWS_REGION": ""]
        #expect(try secret("shop/password", ["profile": "reader"], environment(nil, files)) == "correct horse\n")
        #expect(try secret("shop/password", [:], environment(nil, files.merging(["AWS_PROFILE": "reader"]) { $1 })) == "correct horse\n")
        // Who names a profile in the Compose file means it, whatever keys the environment has.
        #expect(try secret("shop/password", ["profile": "reader"], environment("nobody", files)) == "correct horse\n")
        let other = problem { try secret("shop/password", ["region": "eu-central-1"], environment(nil, files)) }
        #expect(other?.reason.contains("doesn't know the keys from the profile 'default'") == true)
        let missing = problem { try secret("shop/password", ["profile": "nope", "region": "eu-central-1"], environment(nil, files)) }
        #expect(missing?.reason == "there is no profile 'nope' in \(folder.path)/credentials or \(folder.path)/config")
    }

    @Test func theFilesAreInTheHomeFolderUnlessSaidOtherwise() throws {
        _ = folder.make(".aws", mode: 0o700)
        folder.write(".aws/credentials", "[default]\naws_access_key_id=\(server["reader-key"])\naws_secret_access_key=\(server["reader-secret"])\n")
        #expect(try secret("shop/password", [:], environment(nil)) == "correct horse\n")
    }

    @Test func aProfileTakesARoleWithAnotherOnesKeys() throws {
        folder.write("config", """
            [profile reading]
            role_arn = \(server["role"])
            source_profile = taker
            [profile taker]
            aws_access_key_id = \(server["taker-key"])
            aws_secret_access_key = \(server["taker-secret"])
            [profile circle]
            role_arn = x
            source_profile = circle2
            [profile circle2]
            role_arn = x
            source_profile = circle
            [profile "from the environment"]
            role_arn = \(server["role"])
            credential_source = Environment
            """)
        let files = ["AWS_CONFIG_FILE": folder.path + "/config"]
        #expect(try secret("shop/password", ["profile": "reading"], environment(nil, files)) == "correct horse\n")
        #expect(try secret("shop/password", ["profile": "from the environment"], environment("taker", files)) == "correct horse\n")
        // The other one may not read by itself.
        let denied = problem { try secret("shop/password", ["profile": "taker"], environment(nil, files)) }
        #expect(denied?.reason == "AWS (eu-central-1) doesn't let the keys from the profile 'taker' read secret 'shop/password'")
        #expect(problem { try secret("shop/password", ["profile": "circle"], environment(nil, files)) }?.reason.contains("circle") == true)
    }

    @Test(arguments: ["sso_session = x", "credential_process = /bin/true", "mfa_serial = x"])
    func whatAProfileMayNotHaveIsSaid(setting: String) {
        folder.write("config", "[default]\n\(setting)\n")
        let error = problem { try secret("shop/password", [:], environment(nil, ["AWS_CONFIG_FILE": folder.path + "/config"])) }
        #expect(error?.reason.contains("not supported") == true && error?.remedy?.contains("command") == true)
    }

    @Test func aTokenOfAnotherIdentityProviderTakesARole() throws {
        folder.write("token", server["web-token"] + "\n")
        let role = ["AWS_WEB_IDENTITY_TOKEN_FILE": folder.path + "/token", "AWS_ROLE_ARN": server["role"]]
        #expect(try secret("shop/password", [:], environment(nil, role)) == "correct horse\n")
        folder.write("canary", "canary")
        let error = problem { try secret("shop/password", [:], environment(nil, role.merging(["AWS_WEB_IDENTITY_TOKEN_FILE": folder.path + "/canary"]) { $1 })) }
        #expect(error?.reason == "AWS (eu-central-1) doesn't let the keys from the token's file read role '\(server["role"])'")
    }

    @Test func aContainerHasKeysOfItsOwn() throws {
        folder.write("token", server["container-token"] + "\n")
        let address = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": server["metadata"] + "/container"]
        let file = address.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": folder.path + "/token"]) { $1 }
        #expect(try secret("shop/password", [:], environment(nil, file)) == "correct horse\n")
        let token = address.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN": server["container-token"]]) { $1 }
        #expect(try secret("shop/password", [:], environment(nil, token)) == "correct horse\n")
        let refused = problem { try secret("shop/password", [:], environment(nil, address)) }
        #expect(refused?.reason.contains("refuses the request (status 403)") == true && refused?.description.contains("canary") == false)
        let outside = environment(nil, ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://secrets.example/"])
        #expect(problem { try secret("shop/password", [:], outside) }?.reason.contains("plain text") == true)
    }

    @Test func aMachineHasKeysOfItsOwnWhichAreAskedForOnce() throws {
        let machine = environment(nil, ["AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server["metadata"]])
        #expect(try secret("shop/password", [:], machine) == "correct horse\n")
        #expect(try fetch("aws-ssm", ["name": "/shop/password"], in: folder, environment: machine).get() == "battery staple")
        let asked = try HTTPClient(environment: [:]).send(HTTPRequest(.get, HTTPAddress(server["metadata"] + "/asked")))
        #expect(asked.text.contains("\"keys\": 1"))
    }

    @Test func withoutKeysItIsSaidWhereTheyWereLookedFor() {
        let error = problem { try secret("shop/password", [:], environment(nil)) }
        #expect(error?.reason.contains("no keys for AWS: not in the environment, in no profile 'default' in \(folder.path)/.aws/credentials") == true)
        let half = environment("reader", ["AWS_SECRET_ACCESS_KEY": ""])
        #expect(problem { try secret("shop/password", [:], half) }?.reason == "the environment has AWS_ACCESS_KEY_ID, but not AWS_SECRET_ACCESS_KEY")
    }

    // MARK: What goes wrong

    @Test func wrongKeysAreRefused() {
        let unknown = problem { try secret("shop/password", [:], environment("reader", ["AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"])) }
        #expect(unknown?.reason == "AWS (eu-central-1) doesn't know the keys from the environment" && unknown?.isTransient == false)
        let wrong = problem { try secret("shop/password", [:], environment("reader", ["AWS_SECRET_ACCESS_KEY": "canary"])) }
        #expect(wrong?.reason == "AWS (eu-central-1) refuses the signature made with the keys from the environment")
        let denied = problem { try secret("shop/password", [:], environment("nobody")) }
        #expect(denied?.reason == "AWS (eu-central-1) doesn't let the keys from the environment read secret 'shop/password'")
        #expect(denied?.remedy == "allow secretsmanager:GetSecretValue")
    }

    @Test func whatIsNotThereIsNamed() {
        #expect(problem { try secret("nope") }?.reason.hasPrefix("AWS (eu-central-1) has no secret 'nope'") == true)
        #expect(problem { try secret("shop/password", ["version-stage": "NOPE"]) }?.reason.contains("not that version") == true)
        #expect(problem { try parameter("/nope") }?.reason.hasPrefix("AWS (eu-central-1) has no parameter '/nope'") == true)
        #expect(problem { try secret("shop/deleted") }?.remedy?.contains("about to be deleted") == true)
    }

    @Test func throttlingIsWaitedOut() throws {
        #expect(try secret("x", ["endpoint": server["trouble"] + "/once-throttled"]) == "at last")
        let error = problem { try secret("x", ["endpoint": server["trouble"] + "/ThrottlingException", "timeout": "1s"]) }
        #expect(error?.isTransient == true)
    }

    @Test func aWrongClockIsSaid() {
        let error = problem { try secret("x", ["endpoint": server["trouble"] + "/skewed"]) }
        #expect(error?.remedy?.contains("set this machine's clock, which is") == true && error?.remedy?.contains("minutes ahead of the server's") == true)
    }

    @Test(arguments: [
        ("ExpiredTokenException", "have expired"), ("DecryptionFailure", "can't decrypt"), ("AccessDeniedException", "doesn't let"),
        ("canary.InternalServiceError", "can't answer"), ("SomethingElse", "answers with status 400"), ("nonsense", "answers what AWS never would"),
        ("no-value", "answers what AWS never would"), ("html", "status 403"),
    ])
    func noErrorHasWhatWasAnswered(trouble: String, words: String) {
        let error = problem { try secret("x", ["endpoint": server["trouble"] + "/" + trouble, "timeout": "15s"]) }
        #expect(error?.reason.contains(words) == true && error?.description.contains("canary") == false)
    }

    @Test func noErrorHasAKey() {
        for keys in [["AWS_SECRET_ACCESS_KEY": "canary"], ["AWS_SESSION_TOKEN": "canary"], ["AWS_SESSION_TOKEN": "canary\ncanary"], ["AWS_SECRET_ACCESS_KEY": "canary\n"]] {
            let error = problem { try secret("nope", [:], environment("reader", keys)) }
            #expect(error != nil && error?.description.contains("canary") == false)
        }
    }
}

extension ServerProcess {
    /// A Python with moto, as scripts/test installs it.
    static let motoPython = directory + "/../../.build/moto/bin/python"
    static let hasMoto = access(motoPython, X_OK) == 0
}
