import SecretMemory
import SourceProtocol

/// Google Cloud Secret Manager (`AccessSecretVersion`).
struct SecretManagerDriver: SecretDriver {
    static let name = "gcp-secret-manager"
    static let options = [
        DriverOption("secret", "the secret's name", isRequired: true),
        DriverOption("version", "the number, or the alias, of the version to take", otherwise: "`latest`"),
        DriverOption("project", "the project's name or number", otherwise: "`GOOGLE_CLOUD_PROJECT`, or that of the credentials"),
        DriverOption("location", "the region of a regional secret"),
        .field,
        DriverOption("endpoint", "another address of the service", otherwise: "Google's own"),
    ] + GoogleCredentials.options + [.certificates, .timeout]

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let endpoint = try request.option("endpoint").map { text throws(SourceError) in try Self.endpoint(text) }
        let login = try GoogleCredentials.login(for: request)
        guard let project = request.option("project") ?? request.variable("GOOGLE_CLOUD_PROJECT") ?? login.project else {
            throw SourceError("no project of Google Cloud is given", remedy: "add 'project' to 'driver_opts', or set GOOGLE_CLOUD_PROJECT")
        }
        let secret = request.required("secret")
        let location = request.option("location")
        for part in [project, secret] + [location, request.option("version")].compactMap({ $0 }) where !isName(part) {
            throw SourceError(mistake: "Google Cloud can have no project, location, secret or version '\(part)'", remedy: "write names alone, without the path 'projects/…'")
        }
        let host = location.map { "https://secretmanager.\($0).rep.\(Self.domain)" } ?? "https://secretmanager.\(Self.domain)"
        let place = location.map { "/locations/" + $0 } ?? ""
        let server = if let endpoint { endpoint } else { try HTTPAddress(option: host) }
        let address = try server.appending("/v1/projects/\(project)\(place)/secrets/\(secret)/versions/\(request.option("version") ?? "latest"):access")
        var ask = try HTTPRequest(.get, address)
        try login.token.authorize(&ask)
        if let paying = login.payingProject { try ask.addHeader("X-Goog-User-Project", paying) }
        let response = try HTTPClient(for: request).send(ask)
        guard response.isSuccess else { throw problem(response, "the secret '\(secret)' of the project '\(project)'", address, login.token.origin) }
        return try SecretField.pick(request.option("field"), of: payload(response.body, address), "the secret '\(secret)'")
    }

    private static let domain = "googleapis.com"

    /// Another address of the service. A token is good for all that the account may do, so nobody else gets one.
    private static func endpoint(_ text: String) throws(SourceError) -> HTTPAddress {
        let address = try HTTPAddress(option: text)
        guard address.belongs(to: [domain]) else {
            throw SourceError(mistake: "\(address.origin) is no address of Google Cloud, so it gets no token", remedy: "leave 'endpoint' out, or write an address below \(domain)")
        }
        return address
    }

    /// What becomes a part of the address. Projects of old have a domain and a colon in their names.
    private func isName(_ text: String) -> Bool {
        text != "." && text != ".." && text.utf8.allSatisfy { PercentEncoding.isUnreserved($0) || $0 == UInt8(ascii: ":") }
    }

    private func payload(_ answer: borrowing SecretBytes, _ address: HTTPAddress) throws(SourceError) -> SecretBytes {
        guard let encoded = SecretJSON.answer(["payload", "data"], in: answer), let value = try SecretBase64.decode(encoded) else {
            throw SourceError("\(address.origin): answers what Google never would", remedy: "check the endpoint")
        }
        var checksum: Int?
        do {
            checksum = try SecretJSON.integer(at: ["payload", "dataCrc32c"], in: answer)
        } catch {
            checksum = nil
        }
        guard checksum == nil || checksum == Int(CRC32C.checksum(value)) else {
            throw SourceError("\(address.origin): the value doesn't match its checksum", remedy: "try again", isTransient: true)
        }
        return value
    }

    private func problem(_ response: borrowing HTTPResponse, _ subject: String, _ address: HTTPAddress, _ who: String) -> SourceError {
        switch response.status {
        case 400:
            SourceError("Google Cloud doesn't give out \(subject)", remedy: "see whether that version is disabled or destroyed")
        case 401:
            SourceError("Google Cloud refuses the token of \(who)", remedy: response.clockRemedy ?? "check the credentials")
        case 403:
            SourceError("Google Cloud doesn't let \(who) read \(subject)", remedy: "give it the role 'Secret Manager Secret Accessor', and see that the API is enabled")
        case 404:
            SourceError("Google Cloud has no \(subject.dropFirst(4)), or not that version of it", remedy: "check 'project', 'secret' and 'version'")
        default:
            response.failure(of: address)
        }
    }
}
