import SecretMemory

/// Keys that sign requests to AWS.
final class AWSCredentials: Sendable {
    /// Goes with each request in plain text, and does nothing without the secret key.
    let accessKey: String
    let secretKey: SecretBytes
    /// Temporary keys come with one.
    let sessionToken: SecretBytes?
    /// Where they come from, for errors: `the environment`.
    let origin: String

    init(accessKey: String, secretKey: consuming SecretBytes, sessionToken: consuming SecretBytes?, origin: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.origin = origin
    }
}
