import SecretMemory
import SourceProtocol

/// Finds what Azure's own libraries find: an application's secret, its federated token, or the machine's managed identity.
struct AzureCredentials {
    static let options = [
        DriverOption("tenant-id", "the tenant of the application", otherwise: "`AZURE_TENANT_ID`"),
        DriverOption("client-id", "the application, or the machine's identity where it has several", otherwise: "`AZURE_CLIENT_ID`"),
        DriverOption("client-secret-file", "the file of the application's secret", otherwise: "the secret in `AZURE_CLIENT_SECRET`"),
        DriverOption("federated-token-file", "the file of a token that stands for the application", otherwise: "`AZURE_FEDERATED_TOKEN_FILE`"),
    ]

    private let request: SourceRequest
    private let cloud: AzureCloud

    private static let cache = CredentialCache<AccessToken>()

    /// A token for a vault; asked for once where several requests have the same options.
    static func token(for request: SourceRequest, in cloud: AzureCloud) throws(SourceError) -> AccessToken {
        let names = options.map(\.name) + ["vault", DriverOption.certificates.name]
        return try cache.credentials(for: request, options: names) { () throws(SourceError) in
            try AzureCredentials(request: request, cloud: cloud).token()
        }
    }

    private func setting(_ option: String, _ variable: String) -> String? {
        request.option(option) ?? request.variable(variable)
    }

    private func token() throws(SourceError) -> AccessToken {
        let client = setting("client-id", "AZURE_CLIENT_ID")
        let tenant = setting("tenant-id", "AZURE_TENANT_ID")
        let secretFile = request.option("client-secret-file")
        let secret = request.variable("AZURE_CLIENT_SECRET")
        let federated = setting("federated-token-file", "AZURE_FEDERATED_TOKEN_FILE")
        // What the Compose file says counts before what happens to be in the environment.
        let isFederated = request.option("federated-token-file") != nil || secretFile == nil && secret == nil && federated != nil
        guard isFederated || secretFile != nil || secret != nil else { return try managedIdentity(client) }
        guard let client, let tenant else {
            throw SourceError(
                "there is \(isFederated ? "a token" : "a secret") for an application in Azure, but no \(client == nil ? "client" : "tenant") that it is for",
                remedy: "add '\(client == nil ? "client-id" : "tenant-id")' to 'driver_opts', or set AZURE_\(client == nil ? "CLIENT" : "TENANT")_ID")
        }
        if isFederated, let federated {
            let token = try CredentialFile.read(federated, "the federated token's file", of: request).trimmed()
            return try application(client, tenant, field: "client_assertion", token)
        }
        if let secretFile {
            return try application(client, tenant, field: "client_secret", CredentialFile.read(secretFile, "the client secret's file", of: request).trimmed())
        }
        return try application(client, tenant, field: "client_secret", .guarding(secret ?? ""))
    }

    /// Exchanges an application's secret, or a token that stands for it.
    private func application(
        _ client: String, _ tenant: String, field: String, _ secret: borrowing SecretBytes
    ) throws(SourceError) -> AccessToken {
        let authority = request.variable("AZURE_AUTHORITY_HOST") ?? cloud.authority
        let address = try HTTPAddress(authority.contains("://") ? authority : "https://" + authority)
            .appending("/\(PercentEncoding.encode(tenant))/oauth2/v2.0/token")
        var form = try SecretBuffer()
        try form.append(PercentEncoding.form(["grant_type": "client_credentials", "client_id": client, "scope": cloud.resource + "/.default"]))
        if field == "client_assertion" {
            try form.append("&" + PercentEncoding.form(["client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]))
        }
        try form.append("&\(field)=")
        try form.appendPercentEncoded(secret)
        return try AccessToken.exchange(
            form.bytes(), at: address, with: HTTPClient(for: request), origin: "the application '\(client)'"
        ) { response in
            guard 400..<500 ~= response.status, response.status != 429 else { return nil }
            return SourceError(
                "Azure gives the application '\(client)' of the tenant '\(tenant)' no token\(Self.reason(of: response).map { ": " + $0 } ?? "")",
                remedy: response.clockRemedy ?? "check tenant, client, and its \(field == "client_assertion" ? "federated credentials" : "secret")")
        }
    }

    /// What is known of a refusal, from the number at the start of its description; the description itself is not shown.
    private static func reason(of response: borrowing HTTPResponse) -> String? {
        guard let text = SecretJSON.answer(["error_description"], in: response.body) else { return nil }
        let number = text.withUnsafeBytes { bytes -> Int? in
            guard bytes.starts(with: "AADSTS".utf8) else { return nil }
            return Int(String(decoding: bytes.dropFirst(6).prefix { 0x30...0x39 ~= $0 }.prefix(9), as: UTF8.self))
        }
        return switch number {
        case 90002: "there is no such tenant"
        case 700016: "the tenant has no such application"
        case 7_000_215: "its secret is wrong"
        case 7_000_222: "its secret has expired"
        case 700_024: "its token is not valid at this time"
        case 70021, 700_211, 700_212, 700_213: "it trusts no such token"
        default: nil
        }
    }

    /// Asks the machine's own metadata service.
    private func managedIdentity(_ client: String?) throws(SourceError) -> AccessToken {
        let host = request.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST") ?? "http://169.254.169.254"
        var query = PercentEncoding.form(["api-version": "2018-02-01", "resource": cloud.resource])
        if let client { query += "&" + PercentEncoding.form(["client_id": client]) }
        let address = try HTTPAddress(host).appending("/metadata/identity/oauth2/token?\(query)")
        var ask = try HTTPRequest(.get, address)
        try ask.addHeader("Metadata", "true")
        let response: HTTPResponse
        do throws(SourceError) {
            // It may be away for a moment, while it is updated.
            response = try HTTPClient(for: request, patience: .metadata).send(ask) { $0.status == 404 || $0.status == 410 }
        } catch {
            throw SourceError(
                "there are no credentials for Azure: neither a secret nor a token of an application, and no machine with a managed identity",
                remedy: "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or add 'client-secret-file' to 'driver_opts'")
        }
        if let token = AccessToken(in: response, origin: client.map { "the managed identity '\($0)'" } ?? "the machine's managed identity") { return token }
        if response.status == 400 {
            throw SourceError(
                "this machine has no \(client.map { "managed identity '\($0)'" } ?? "managed identity, or several")",
                remedy: "give it one, and where there are several, add 'client-id' to 'driver_opts'")
        }
        throw AccessToken.unusable(response, of: address)
    }
}
