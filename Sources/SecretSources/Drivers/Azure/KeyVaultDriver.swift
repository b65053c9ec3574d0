import SecretMemory
import SourceProtocol

/// Azure Key Vault (its REST API, version 7.4).
struct KeyVaultDriver: SecretDriver {
    static let name = "azure-key-vault"
    static let options = [
        DriverOption("vault", "the vault's name, or its address", isRequired: true),
        DriverOption("name", "the secret's name", isRequired: true),
        DriverOption("version", "the version to take", otherwise: "the newest"),
        .field,
    ] + AzureCredentials.options + [.certificates, .timeout]

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let vault = try AzureCloud.address(of: request.required("vault"))
        let name = request.required("name")
        for part in [name] + (request.option("version").map { [$0] } ?? []) where !AzureCloud.isName(part) {
            throw SourceError(mistake: "Azure Key Vault can have no secret or version '\(part)'", remedy: "names have letters, digits and hyphens")
        }
        let token = try AzureCredentials.token(for: request, in: AzureCloud(of: vault))
        let address = try vault.appending("/secrets/\(name)\(request.option("version").map { "/" + $0 } ?? "")?api-version=7.4")
        var ask = try HTTPRequest(.get, address)
        try token.authorize(&ask)
        let response = try HTTPClient(for: request).send(ask)
        guard response.isSuccess else { throw problem(response, name, vault, token.origin) }
        guard let value = SecretJSON.answer(["value"], in: response.body) else {
            throw SourceError("\(vault.origin): answers what a key vault never would", remedy: "check the vault's address")
        }
        return try SecretField.pick(request.option("field"), of: value, "the secret '\(name)'")
    }

    private func problem(_ response: borrowing HTTPResponse, _ name: String, _ vault: HTTPAddress, _ who: String) -> SourceError {
        switch response.status {
        case 401:
            return SourceError(
                "\(vault.origin): refuses the token of \(who)", remedy: response.clockRemedy ?? "check that the vault is in the same tenant and the same cloud")
        case 403:
            guard let code = SecretJSON.answer(["error", "innererror", "code"], in: response.body) else { break }
            switch code.withUnsafeBytes({ String(decoding: $0, as: UTF8.self) }) {
            case "SecretDisabled":
                return SourceError("\(vault.origin): the secret '\(name)' is disabled, has expired, or is not valid yet", remedy: "enable it, or set another version")
            case "ForbiddenByFirewall", "ForbiddenByConnection":
                return SourceError("\(vault.origin): its firewall keeps this machine out", remedy: "allow this machine's network in the vault's networking settings")
            default: break
            }
        case 404:
            return SourceError("\(vault.origin): has no secret '\(name)', or not that version of it", remedy: "check 'name' and 'version'")
        default:
            return response.failure(of: vault)
        }
        return SourceError("\(vault.origin): doesn't let \(who) read the secret '\(name)'", remedy: "give it the role 'Key Vault Secrets User', or an access policy with 'get'")
    }
}
