import SecretMemory
import SourceProtocol

/// The profiles of both of the AWS command line's files, and which one counts.
final class AWSProfiles: Sendable {
    private let credentials: AWSProfileFile
    private let config: AWSProfileFile
    /// The profile that counts.
    let chosen: String
    /// Whether somebody has chosen it, so that it has to be there.
    let isNamed: Bool

    init(_ request: SourceRequest) throws(SourceError) {
        credentials = try AWSProfileFile(.credentials, path: request.variable("AWS_SHARED_CREDENTIALS_FILE") ?? "~/.aws/credentials", of: request)
        config = try AWSProfileFile(.config, path: request.variable("AWS_CONFIG_FILE") ?? "~/.aws/config", of: request)
        let name = request.option("profile") ?? request.variable("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        chosen = name ?? "default"
        isNamed = name != nil
    }

    /// Both files, for errors.
    var paths: String { "\(credentials.path) or \(config.path)" }

    func has(_ profile: String) -> Bool {
        credentials.has(profile) || config.has(profile)
    }

    /// A setting that is not secret; the credentials file goes before the other.
    func text(_ setting: String, of profile: String? = nil) -> String? {
        credentials.text(setting, of: profile ?? chosen) ?? config.text(setting, of: profile ?? chosen)
    }

    /// The keys of a profile; nil where it has none.
    func keys(of profile: String) throws(SourceError) -> AWSCredentials? {
        guard let accessKey = text("aws_access_key_id", of: profile) else { return nil }
        guard let secretKey = try secret("aws_secret_access_key", of: profile) else {
            throw SourceError(
                "the profile '\(profile)' in \(paths) has aws_access_key_id, but not aws_secret_access_key", remedy: "give both, or neither")
        }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: try secret("aws_session_token", of: profile), origin: "the profile '\(profile)'")
    }

    private func secret(_ setting: String, of profile: String) throws(SourceError) -> SecretBytes? {
        if let value = try credentials.secret(setting, of: profile) { return value }
        return try config.secret(setting, of: profile)
    }
}
