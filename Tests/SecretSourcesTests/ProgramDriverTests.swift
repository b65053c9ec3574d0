import Glibc
import Linux
import SourceProtocol
import Testing

@testable import SecretSources

/// Where scripts/test puts sops.
private let tools = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/.build/sops/bin"

private let environment: [String: String] = {
    var environment = callersEnvironment()
    environment["PATH"] = tools + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    environment["LC_ALL"] = "C.UTF-8"
    return environment
}()

private func isThere(_ program: String) -> Bool {
    (environment["PATH"] ?? "").split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
}

/// Runs a shell's commands, which have to go well.
private func prepare(_ script: String, in folder: TestFolder, _ more: [String: String] = [:]) throws {
    let output = try ProgramOutput(
        "/bin/sh", ["-euc", script], environment: environment.merging(more) { $1 }, directory: folder.path)
    #expect(output.isSuccess, "\(output.text)")
}

@Suite(.enabled(if: isThere("age"), "needs age")) struct AgeDriverTests {
    private let folder = TestFolder()

    init() throws {
        try prepare(
            """
            age-keygen -o key.txt; age-keygen -o other.txt
            printf 'hunter2\\n' | age -r $(age-keygen -y key.txt) >password.age
            printf 'armoured' | age -a -r $(age-keygen -y key.txt) >armoured.age
            ssh-keygen -q -t ed25519 -N '' -f ssh
            printf 'by ssh' | age -R ssh.pub >ssh.age
            """, in: folder)
    }

    private func age(_ file: String, _ identity: String, _ more: [String: String] = [:]) -> Result<String, SourceError> {
        fetch("age", ["file": file, "identity": identity].merging(more) { $1 }, in: folder, environment: environment)
    }

    @Test func aFileIsDecryptedWithWhicheverIdentityFits() {
        #expect(age("password.age", "key.txt") == .success("hunter2\n"))
        #expect(age("password.age", "other.txt:key.txt", ["trim": "true"]) == .success("hunter2"))
        #expect(age("armoured.age", "\(folder.path)/key.txt") == .success("armoured"))
        #expect(age("ssh.age", "ssh") == .success("by ssh"))
    }

    @Test func theHomeFolderIsKnown() {
        let home = environment.merging(["HOME": folder.path]) { $1 }
        #expect(fetch("age", ["file": "password.age", "identity": "~/key.txt"], in: folder, environment: home) == .success("hunter2\n"))
    }

    @Test func whatIsWrongIsSaid() {
        #expect(age("password.age", "other.txt").problem?.reason == "age ended with status 1: age: error: no identity matched any of the recipients")
        #expect(age("nothing.age", "key.txt").problem?.reason == "\(folder.path)/nothing.age: no such file or directory")
        #expect(age("password.age", "key.txt:nothing.txt").problem?.reason == "\(folder.path)/nothing.txt: no such file or directory")
        #expect(age("key.txt", "key.txt").problem?.reason.contains("AGE-SECRET-KEY") == false)
    }

    @Test func aFileWhoseNameLooksLikeAnOptionIsAFile() throws {
        try prepare("cp password.age ./--output=x", in: folder)
        #expect(age("--output=x", "key.txt") == .success("hunter2\n"))
    }
}

@Suite(.enabled(if: isThere("sops") && isThere("age"), "needs sops (scripts/test installs it) and age")) struct SopsDriverTests {
    private let folder = TestFolder()

    init() throws {
        folder.write("plain.yaml", "db:\n  password: hunter2\n  tls.key: dotted\nservers:\n  - token: t0ken\n")
        folder.write("plain.json", #"{"db":{"password":"hunter3"}}"#)
        folder.write("plain.env", "PASSWORD=hunter4\n")
        folder.write("plain.bin", "\u{1}binary\n")
        try prepare(
            """
            age-keygen -o key.txt; age-keygen -o other.txt
            for file in plain.*; do sops encrypt --age $(age-keygen -y key.txt) $file >secret.${file#plain.}; done
            cp secret.yaml changed.yaml
            sed -i 's/ENC\\[AES256_GCM,data:..../ENC[AES256_GCM,data:AAAA/' changed.yaml
            """, in: folder)
    }

    private func sops(_ file: String, _ options: [String: String] = [:]) -> Result<String, SourceError> {
        fetch("sops", ["file": file, "identity": "key.txt"].merging(options) { $1 }, in: folder, environment: environment)
    }

    @Test func aValueIsFoundByItsKey() {
        #expect(sops("secret.yaml", ["key": "db.password"]) == .success("hunter2"))
        #expect(sops("secret.yaml", ["key": "servers[0].token"]) == .success("t0ken"))
        #expect(sops("secret.yaml", ["key": #"["db"]["tls.key"]"#]) == .success("dotted"))
        #expect(sops("secret.json", ["key": "db.password"]) == .success("hunter3"))
        #expect(sops("secret.env", ["key": "PASSWORD"]) == .success("hunter4"))
    }

    @Test func aWholeFileIsAValueToo() {
        #expect(sops("secret.env") == .success("PASSWORD=hunter4\n"))
        #expect(sops("secret.bin") == .success("\u{1}binary\n"))
    }

    @Test func theFormatCanBeNamed() throws {
        try prepare("cp secret.yaml database", in: folder)
        #expect(sops("database", ["format": "yaml", "key": "db.password"]) == .success("hunter2"))
        #expect(sops("database", ["format": "toml"]).problem?.isMistake == true)
    }

    @Test func theKeyMayComeFromTheEnvironment() {
        let variables = environment.merging(["SOPS_AGE_KEY_FILE": folder.path + "/key.txt"]) { $1 }
        #expect(fetch("sops", ["file": "secret.yaml", "key": "db.password"], in: folder, environment: variables) == .success("hunter2"))
    }

    @Test func whatIsWrongIsSaid() {
        #expect(sops("secret.yaml", ["identity": "other.txt"]).problem?.reason == "sops ended with status 128: Failed to get the data key required to decrypt the SOPS file")
        #expect(sops("secret.yaml", ["identity": "other.txt"]).problem?.remedy?.contains("'identity' or in SOPS_AGE_KEY_FILE") == true)
        #expect(sops("secret.yaml", ["key": "db.nothing"]).problem?.reason.contains("'nothing'") == true)
        #expect(sops("plain.yaml").problem?.reason == "sops ended with status 1: sops metadata not found")
        #expect(sops("nothing.yaml").problem?.reason == "\(folder.path)/nothing.yaml: no such file or directory")
        #expect(sops("changed.yaml").problem != nil)
    }

    @Test(arguments: ["", ".", "a..b", "a[x]", "a[1", "a]b", "a\"b", "[0]x]"]) func aKeyThatIsNoneIsRefused(key: String) {
        guard !key.isEmpty, !key.hasPrefix("[") else { return }
        #expect(sops("secret.yaml", ["key": key]).problem?.isMistake == true)
    }
}

/// A password store with a throw-away key, in a home of its own.
private final class PasswordStore: Sendable {
    let folder = TestFolder()
    let environment: [String: String]

    init() throws {
        _ = folder.make("gnupg", mode: 0o700)
        environment = ["GNUPGHOME": folder.path + "/gnupg", "PASSWORD_STORE_DIR": folder.path + "/store", "HOME": folder.path]
        try prepare(
            """
            gpg --batch --quiet --passphrase '' --quick-generate-key 'stackup test' future-default default never
            pass init 'stackup test'
            printf 'hunter2\\nuser: shop\\n\\nlast' | pass insert --multiline shop/db
            """, in: folder, environment)
    }

    deinit {
        _ = try? ProgramOutput("/usr/bin/gpgconf", ["--homedir", folder.path + "/gnupg", "--kill", "all"])
    }
}

@Suite(.enabled(if: isThere("pass") && isThere("gpg"), "needs pass and gnupg"), .serialized) struct PassDriverTests {
    private let store: PasswordStore

    init() throws {
        store = try PasswordStore()
    }

    private func pass(_ path: String, _ options: [String: String] = [:]) -> Result<String, SourceError> {
        fetch(
            "pass", ["path": path].merging(options) { $1 }, in: store.folder,
            environment: environment.merging(store.environment) { $1 })
    }

    @Test func thePasswordIsTheFirstLine() {
        #expect(pass("shop/db") == .success("hunter2"))
    }

    @Test func anotherLineCanBeAskedFor() {
        #expect(pass("shop/db", ["line": "2"]) == .success("user: shop"))
        #expect(pass("shop/db", ["line": "4"]) == .success("last"))
        #expect(pass("shop/db", ["line": "3"]).problem?.reason.contains("empty") == true)
        #expect(pass("shop/db", ["line": "5"]).problem?.reason == "the entry 'shop/db' has no line 5")
        #expect(pass("shop/db", ["line": "all"]) == .success("hunter2\nuser: shop\n\nlast"))
        #expect(pass("shop/db", ["line": "0"]).problem?.isMistake == true)
    }

    @Test func aFolderIsNoEntry() {
        #expect(pass("shop").problem?.reason == "the password store \(store.folder.path)/store has no entry 'shop'")
        #expect(pass("shop/none").problem?.remedy == "correct 'path', or make the entry with: pass insert shop/none")
        #expect(pass("shop/db", ["store": "elsewhere"]).problem?.remedy?.contains("pass init") == true)
    }

    @Test func aKeyThatIsGoneIsNamed() throws {
        try prepare("mkdir -p other && chmod 700 other", in: store.folder)
        let variables = environment.merging(store.environment) { $1 }.merging(["GNUPGHOME": store.folder.path + "/other"]) { $1 }
        let problem = fetch("pass", ["path": "shop/db"], in: store.folder, environment: variables).problem
        #expect(problem?.reason.contains("gpg: decryption failed: No secret key") == true)
        _ = try ProgramOutput("/usr/bin/gpgconf", ["--homedir", store.folder.path + "/other", "--kill", "all"])
    }
}

@Suite(.enabled(if: geteuid() == 0 && isThere("systemd-creds"), "needs root and systemd-creds"), .serialized) struct SystemdCredsDriverTests {
    private let folder = TestFolder()
    private static let hostKey = "/var/lib/systemd/credential.secret"

    /// The host's key is made where there is none, and taken away again.
    private final class HostKey: Sendable {
        private let isOwn = access(SystemdCredsDriverTests.hostKey, F_OK) != 0
        deinit {
            if isOwn { unlink(SystemdCredsDriverTests.hostKey) }
        }
    }
    private let key = HostKey()

    private func credential(_ options: [String: String]) -> Result<String, SourceError> {
        fetch("systemd-creds", options, in: folder, environment: environment)
    }

    @Test func aCredentialIsDecryptedOnTheHostThatEncryptedIt() throws {
        try prepare("printf 'hunter2\\n' | systemd-creds --with-key=host --name=password encrypt - password 2>/dev/null; cp password other.cred", in: folder)
        #expect(credential(["file": "password"]) == .success("hunter2\n"))
        #expect(credential(["file": "other.cred", "name": "password"]) == .success("hunter2\n"))
        #expect(credential(["file": "other.cred"]).problem?.reason.contains("does not match") == true)
        #expect(credential(["file": "none"]).problem?.reason == "\(folder.path)/none: no such file or directory")
    }
}
