import Glibc
import JSON
import SecretMemory
import SourceProtocol

/// A service account's key file, with which tokens are asked for (RFC 7523: a signed claim instead of a password).
struct ServiceAccount: ~Copyable {
    /// The account's address.
    let email: String
    private let keyID: String?
    private let tokenAddress: HTTPAddress
    private let signer: RSASigner

    private struct Header: Encodable {
        let alg = "RS256"
        let typ = "JWT"
        let kid: String?
    }

    private struct Claims: Encodable {
        let iss: String
        let scope = "https://www.googleapis.com/auth/cloud-platform"
        let aud: String
        let iat: Int
        let exp: Int
    }

    /// - Parameter path: the file's, for errors.
    init(_ file: borrowing SecretBytes, path: String) throws(SourceError) {
        guard let email = GoogleCredentials.text("client_email", in: file), let key = SecretJSON.answer(["private_key"], in: file) else {
            throw SourceError("\(path): lacks client_email or private_key", remedy: "download a new key of the service account")
        }
        let keyID = GoogleCredentials.text("private_key_id", in: file)
        let address = try HTTPAddress(GoogleCredentials.text("token_uri", in: file) ?? GoogleCredentials.tokenAddress)
        self.init(email, keyID, address, try Self.signer(with: key, path))
    }

    private init(_ email: String, _ keyID: String?, _ tokenAddress: HTTPAddress, _ signer: consuming RSASigner) {
        self.email = email
        self.keyID = keyID
        self.tokenAddress = tokenAddress
        self.signer = signer
    }

    private static func signer(with key: borrowing SecretBytes, _ path: String) throws(SourceError) -> RSASigner {
        do throws(SourceError) {
            return try RSASigner(pem: key)
        } catch {
            throw SourceError("\(path): \(error.reason)", remedy: "download a new key of the service account")
        }
    }

    func token(with client: HTTPClient) throws(SourceError) -> AccessToken {
        var form = try SecretBuffer()
        try form.append(PercentEncoding.form(["grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"]) + "&assertion=")
        try form.append(assertion(at: time(nil)))
        let email = email
        return try AccessToken.exchange(form.bytes(), at: tokenAddress, with: client, origin: "the service account '\(email)'") { response in
            guard response.status == 400 || response.status == 401 else { return nil }
            return SourceError(
                "Google gives the service account '\(email)' no token",
                remedy: response.clockRemedy ?? "see that the account is enabled and its key was not deleted, or download a new key")
        }
    }

    /// What the account says of itself, signed.
    private borrowing func assertion(at now: time_t) throws(SourceError) -> SecretBytes {
        let header: [UInt8]
        let claims: [UInt8]
        do {
            header = try JSON.encode(Header(kid: keyID))
            // An hour is the most that Google takes; a few minutes are enough for one command.
            claims = try JSON.encode(Claims(iss: email, aud: tokenAddress.text, iat: now, exp: now + 600))
        } catch {
            throw SourceError("the service account's name can't be written as JSON")
        }
        var token = try SecretBuffer()
        try token.append(SecretBase64.encode(.guarding(header), .url))
        try token.append(".")
        try token.append(SecretBase64.encode(.guarding(claims), .url))
        let signature = try signer.sign(token.bytes())
        try token.append(".")
        try token.append(SecretBase64.encode(signature, .url))
        return try token.bytes()
    }
}
