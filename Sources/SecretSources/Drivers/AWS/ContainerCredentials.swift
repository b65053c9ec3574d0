import SecretMemory
import SourceProtocol

/// The keys that a container of ECS or EKS gets from an address in its environment.
enum ContainerCredentials {
    /// - Returns: nil where the environment has no such address.
    /// - Throws: `SourceError` where it has one, but there are no keys there.
    static func fetch(for request: SourceRequest) throws(SourceError) -> AWSCredentials? {
        let address: HTTPAddress
        if let rest = request.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            address = try HTTPAddress("http://169.254.170.2" + (rest.hasPrefix("/") ? rest : "/" + rest))
        } else if let whole = request.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            address = try HTTPAddress(whole)
        } else {
            return nil
        }
        var ask = try HTTPRequest(.get, address)
        if let file = request.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            let token = try CredentialFile.read(file, "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", of: request)
            try ask.addHeader("Authorization", secret: token.trimmed())
        } else if let token = request.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
            try ask.addHeader("Authorization", secret: .guarding(token))
        }
        let response = try HTTPClient(for: request, patience: .metadata).send(ask)
        guard response.isSuccess else { throw response.failure(of: address) }
        guard let credentials = AWSCredentials(temporary: response.body, origin: "the container's metadata") else {
            throw SourceError("\(address.origin): gives no keys for this container", remedy: "look at the task's or the pod's role")
        }
        return credentials
    }
}

extension AWSCredentials {
    /// Keys as metadata services hand them out.
    ///
    /// Nil where the text holds none.
    convenience init?(temporary json: borrowing SecretBytes, origin: String) {
        guard let accessKey = SecretJSON.answer(["AccessKeyId"], in: json), let secretKey = SecretJSON.answer(["SecretAccessKey"], in: json),
            let token = SecretJSON.answer(["Token"], in: json)
        else { return nil }
        self.init(
            accessKey: accessKey.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }, secretKey: secretKey, sessionToken: token, origin: origin)
    }
}
