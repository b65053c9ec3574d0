import SecretMemory
import SourceProtocol

/// A token that lets its bearer ask for secrets (OAuth 2.0, RFC 6749 and RFC 6750).
final class AccessToken: Sendable {
    let bytes: SecretBytes
    /// Whose it is, for errors: `the service account 'x'`.
    let origin: String

    init(_ bytes: consuming SecretBytes, origin: String) {
        self.bytes = bytes
        self.origin = origin
    }

    /// Takes the token out of an answer.
    ///
    /// Nil where it holds none.
    init?(in answer: borrowing HTTPResponse, origin: String) {
        guard answer.isSuccess, let bytes = SecretJSON.answer(["access_token"], in: answer.body), bytes.count > 0 else { return nil }
        self.bytes = bytes
        self.origin = origin
    }

    /// Gets a token from a token endpoint.
    ///
    /// - Parameters:
    ///   - form: the credentials, as the endpoint takes them.
    ///   - problem: knows more about a refusal than its status says.
    static func exchange(
        _ form: consuming SecretBytes, at address: HTTPAddress, with client: HTTPClient, origin: String,
        problem: (borrowing HTTPResponse) -> SourceError?
    ) throws(SourceError) -> AccessToken {
        let response = try client.send(HTTPRequest(posting: form, type: "application/x-www-form-urlencoded", to: address))
        if let token = AccessToken(in: response, origin: origin) { return token }
        throw problem(response) ?? unusable(response, of: address)
    }

    /// What there is to say of an answer that should have held a token.
    static func unusable(_ response: borrowing HTTPResponse, of address: HTTPAddress) -> SourceError {
        guard response.isSuccess else { return response.failure(of: address) }
        return SourceError("\(address.origin): gives no token", remedy: "check the address that tokens come from")
    }

    /// Lets a request use the token.
    func authorize(_ request: inout HTTPRequest) throws(SourceError) {
        try request.addHeader("Authorization", prefix: "Bearer ", secret: bytes)
    }
}
