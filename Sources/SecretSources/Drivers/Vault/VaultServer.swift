import SecretMemory
import SourceProtocol

/// A server that speaks Vault's HTTP API.
struct VaultServer {
    static let options = [
        DriverOption("address", "the server's address", otherwise: "`VAULT_ADDR`, `BAO_ADDR`, or `https://127.0.0.1:8200`"),
        DriverOption("namespace", "the namespace of the mount and the login", otherwise: "`VAULT_NAMESPACE` or `BAO_NAMESPACE`"),
    ]

    let address: HTTPAddress
    private let namespace: String?
    private let client: HTTPClient

    init(for request: SourceRequest) throws(SourceError) {
        address = try HTTPAddress(request.option("address") ?? request.variable("VAULT_ADDR", "BAO_ADDR") ?? "https://127.0.0.1:8200")
        namespace = request.option("namespace") ?? request.variable("VAULT_NAMESPACE", "BAO_NAMESPACE")
        client = try HTTPClient(for: request, certificates: ["VAULT_CACERT", "BAO_CACERT"])
    }

    /// Asks for what lies at a path of the API.
    ///
    /// - Parameters:
    ///   - path: without `/v1/`; it is percent-encoded here.
    ///   - query: percent-encoded already.
    func get(_ path: String, query: String = "", _ token: AccessToken) throws(SourceError) -> HTTPResponse {
        var ask = try HTTPRequest(.get, try endpoint(path, query))
        try ask.addHeader("X-Vault-Token", secret: token.bytes)
        return try send(&ask)
    }

    func post(_ path: String, _ body: consuming SecretBytes) throws(SourceError) -> HTTPResponse {
        var ask = try HTTPRequest(posting: body, type: "application/json", to: try endpoint(path))
        return try send(&ask)
    }

    private func endpoint(_ path: String, _ query: String = "") throws(SourceError) -> HTTPAddress {
        try address.appending("/v1/" + PercentEncoding.encode(path, keeping: "/") + query)
    }

    private func send(_ ask: inout HTTPRequest) throws(SourceError) -> HTTPResponse {
        // Against pages that have a browser ask; Vault's agents can insist on it.
        try ask.addHeader("X-Vault-Request", "true")
        if let namespace { try ask.addHeader("X-Vault-Namespace", namespace) }
        // 412: a standby that has not heard of the newest writes yet. 472 and 473: a secondary that is not ready.
        return try client.send(ask) { [412, 472, 473].contains($0.status) }
    }

    /// What there is to say of an answer that is no success.
    ///
    /// - Parameters:
    ///   - subject: what was asked for.
    ///   - token: who asked.
    func problem(_ response: borrowing HTTPResponse, _ subject: String, _ token: AccessToken) -> SourceError {
        switch response.status {
        case 400, 403:
            SourceError(
                "\(address.origin): doesn't let \(token.origin) read \(subject) (status \(response.status))",
                remedy: "check that the token is valid, the namespace, and what its policies allow")
        case 404:
            SourceError("\(address.origin): has nothing at \(subject)", remedy: "check 'mount', 'path' and the namespace")
        case 503:
            SourceError("\(address.origin): is sealed, or down for maintenance (status 503)", remedy: "unseal it", isTransient: true)
        case 412, 472, 473:
            SourceError("\(address.origin): can't answer at the moment (status \(response.status))", remedy: "try again later", isTransient: true)
        default:
            response.failure(of: address)
        }
    }
}
