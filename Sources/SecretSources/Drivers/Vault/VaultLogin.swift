import SecretMemory
import SourceProtocol

/// Where a token for Vault comes from.
enum VaultLogin {
    static let options = [
        DriverOption("token-file", "a file that holds a token", otherwise: "`VAULT_TOKEN`, `BAO_TOKEN`, or the file `~/.vault-token`"),
        DriverOption("role-id", "the role to log in as (AppRole)", otherwise: "`VAULT_ROLE_ID`"),
        DriverOption("secret-id-file", "a file that holds the role's secret id", otherwise: "`VAULT_SECRET_ID`"),
        DriverOption("auth-mount", "where AppRole is mounted", otherwise: "`approle`"),
    ]

    /// Which of a request's options decide whether somebody gets in.
    static let decisive = (options + VaultServer.options + [.certificates, .timeout]).map(\.name)

    private static let logins = CredentialCache<AccessToken>()

    /// The token of a request: of the file that an option names, of a role, of the environment, or of the file where `vault login` leaves it.
    ///
    /// - Throws: `SourceError` where there is none.
    static func token(for request: SourceRequest, _ server: VaultServer) throws(SourceError) -> AccessToken {
        if let file = request.option("token-file") {
            return try token(in: CredentialFile.read(file, "the token's file", of: request), "the token in \(request.path(file))")
        }
        if let role = request.option("role-id") ?? request.variable("VAULT_ROLE_ID") {
            // One login serves all secrets of a command.
            return try logins.credentials(for: request, options: decisive) { () throws(SourceError) in try logIn(as: role, request, server) }
        }
        for name in ["VAULT_TOKEN", "BAO_TOKEN"] {
            if let text = request.variable(name) { return try token(in: .guarding(text), "the token in \(name)") }
        }
        if let bytes = try CredentialFile.readIfThere("~/.vault-token", "the token's file", of: request) {
            return try token(in: bytes, "the token in ~/.vault-token")
        }
        throw SourceError(
            "there is no token for \(server.address.origin)", remedy: "set VAULT_TOKEN, or name a 'token-file' or a 'role-id' in 'driver_opts'")
    }

    private static func token(in bytes: consuming SecretBytes, _ origin: String) throws(SourceError) -> AccessToken {
        let token = try bytes.trimmed()
        guard token.count > 0 else { throw SourceError("\(origin) is empty") }
        return AccessToken(token, origin: origin)
    }

    private static func logIn(as role: String, _ request: SourceRequest, _ server: VaultServer) throws(SourceError) -> AccessToken {
        let mount = request.option("auth-mount") ?? "approle"
        var body = try SecretBuffer()
        try body.append("{\"role_id\":")
        try body.append(json: .guarding(role))
        if let secret = try secretID(of: request) {
            try body.append(",\"secret_id\":")
            try body.append(json: secret)
        }
        try body.append("}")
        let response = try server.post("auth/\(mount)/login", body.bytes())
        let origin = "the role '\(role)'"
        guard response.isSuccess else {
            switch response.status {
            case 400, 401, 403, 404:
                throw SourceError(
                    "\(server.address.origin): refuses the login of \(origin) (status \(response.status))",
                    remedy: "check 'role-id', the secret id, 'auth-mount' and the namespace")
            default: throw server.problem(response, "a login", AccessToken(try .zeroed(0), origin: origin))
            }
        }
        guard let token = SecretJSON.answer(["auth", "client_token"], in: response.body), token.count > 0 else {
            throw SourceError("\(server.address.origin): the login of \(origin) gives no token", remedy: "check 'auth-mount'")
        }
        return AccessToken(token, origin: origin)
    }

    /// Nil where the role needs none.
    private static func secretID(of request: SourceRequest) throws(SourceError) -> SecretBytes? {
        if let file = request.option("secret-id-file") {
            return try CredentialFile.read(file, "the secret id's file", of: request).trimmed()
        }
        guard let text = request.variable("VAULT_SECRET_ID") else { return nil }
        return try .guarding(text)
    }
}
