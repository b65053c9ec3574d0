import SecretMemory
import SourceProtocol

/// HashiCorp Vault and OpenBao: the key/value engine, versions 1 and 2.
struct VaultDriver: SecretDriver {
    static let name = "vault"
    static let options = [
        DriverOption("path", "the secret's path, without its mount", isRequired: true),
        DriverOption("field", "the field to take", otherwise: "the only one"),
        DriverOption("mount", "where the key/value engine is mounted", otherwise: "`secret`"),
        DriverOption("kv-version", "the engine's version", otherwise: "what the server says", choices: ["1", "2"]),
        DriverOption("version", "the number of the secret's version to take, of an engine of version 2", otherwise: "the newest"),
    ] + VaultServer.options + VaultLogin.options + [.certificates, .timeout]

    private static let versions = CredentialCache<Int>()

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let server = try VaultServer(for: request)
        let token = try VaultLogin.token(for: request, server)
        let engine = KeyValueEngine(server: server, token: token, mount: try Self.clean("mount", request.option("mount") ?? "secret"))
        let path = try Self.clean("path", request.required("path"))
        switch request.option("kv-version") {
        case "1": return try engine.readUnversioned(path, request)
        case "2": return try engine.read(path, request)
        default:
            let version = try Self.versions.credentials(for: request, options: ["mount"] + VaultLogin.decisive) { () throws(SourceError) in
                try engine.version()
            }
            return try version == 1 ? engine.readUnversioned(path, request) : engine.read(path, request)
        }
    }

    /// A path without slashes at its ends, and nothing in it that could lead elsewhere.
    private static func clean(_ option: String, _ text: String) throws(SourceError) -> String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: true)
        guard !parts.isEmpty, !parts.contains(where: { $0 == "." || $0 == ".." }) else {
            throw SourceError(mistake: "the driver option '\(option)' can't be '\(text)'", remedy: "write for example shop/db")
        }
        return parts.joined(separator: "/")
    }
}
