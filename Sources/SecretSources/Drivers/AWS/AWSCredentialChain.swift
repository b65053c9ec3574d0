import SecretMemory
import SourceProtocol

/// Finds keys where AWS's own tools look for them, in their order (AWS SDKs and Tools Reference Guide, "Standardized
/// credential providers"): environment, web identity, profile, container, machine.
struct AWSCredentialChain {
    private let request: SourceRequest
    private let profiles: AWSProfiles
    /// For the token service.
    private let region: String

    private static let cache = CredentialCache<AWSCredentials>()

    /// The keys for a request; asked for once where several requests have the same options.
    static func credentials(for request: SourceRequest, in region: String, _ profiles: AWSProfiles) throws(SourceError) -> AWSCredentials {
        try cache.credentials(for: request, options: ["profile", "region", "ca-file"]) { () throws(SourceError) in
            try AWSCredentialChain(request: request, profiles: profiles, region: region).find()
        }
    }

    private func find() throws(SourceError) -> AWSCredentials {
        // Who names a profile in the Compose file means that one.
        if request.option("profile") == nil {
            if let keys = try environmentKeys() { return keys }
            if let keys = try environmentRole() { return keys }
        }
        if profiles.has(profiles.chosen) {
            if let keys = try keys(of: profiles.chosen, depth: 0) { return keys }
        } else if profiles.isNamed {
            throw SourceError(
                "there is no profile '\(profiles.chosen)' in \(profiles.paths)",
                remedy: "correct the name, or make it with: aws configure --profile \(profiles.chosen)")
        }
        if let keys = try ContainerCredentials.fetch(for: request) { return keys }
        if let keys = try InstanceMetadata(request)?.credentials() { return keys }
        throw SourceError(
            "there are no keys for AWS: not in the environment, in no profile '\(profiles.chosen)' in \(profiles.paths), and neither this container nor this machine has a role",
            remedy: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add 'profile' to 'driver_opts'")
    }

    private func environmentKeys() throws(SourceError) -> AWSCredentials? {
        switch (request.variable("AWS_ACCESS_KEY_ID"), request.variable("AWS_SECRET_ACCESS_KEY")) {
        case (nil, nil): return nil
        case (let accessKey?, let secretKey?):
            var token: SecretBytes?
            if let text = request.variable("AWS_SESSION_TOKEN") { token = try .guarding(text) }
            return AWSCredentials(accessKey: accessKey, secretKey: try .guarding(secretKey), sessionToken: token, origin: "the environment")
        case (let accessKey, _):
            let (there, missing) = accessKey != nil ? ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") : ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
            throw SourceError("the environment has \(there), but not \(missing)", remedy: "set both, or neither")
        }
    }

    private func environmentRole() throws(SourceError) -> AWSCredentials? {
        guard let file = request.variable("AWS_WEB_IDENTITY_TOKEN_FILE"), let role = request.variable("AWS_ROLE_ARN") else { return nil }
        return try self.role(role, session: request.variable("AWS_ROLE_SESSION_NAME"), tokenFile: file)
    }

    private func role(_ role: String, session: String?, tokenFile: String) throws(SourceError) -> AWSCredentials {
        let token = try CredentialFile.read(tokenFile, "the file of the web identity token", of: request).trimmed()
        return try tokens().assume(role, session: session ?? "stackup", token: token)
    }

    private func tokens() throws(SourceError) -> SecurityTokenService {
        try SecurityTokenService(in: region, for: request, profiles)
    }

    /// The keys of a profile, or of the role that it takes.
    ///
    /// - Parameter depth: how many profiles led here.
    private func keys(of profile: String, depth: Int) throws(SourceError) -> AWSCredentials? {
        for setting in ["sso_session", "sso_start_url", "credential_process", "mfa_serial"] where profiles.text(setting, of: profile) != nil {
            throw SourceError(
                "the profile '\(profile)' has \(setting), which is not supported",
                remedy: "use a profile with keys or a role, or the driver 'command' with the AWS command line")
        }
        // A profile may be its own source: then its own keys take the role.
        guard depth == 0 || profiles.text("aws_access_key_id", of: profile) == nil, let role = profiles.text("role_arn", of: profile) else {
            return try profiles.keys(of: profile)
        }
        let session = profiles.text("role_session_name", of: profile)
        if let file = profiles.text("web_identity_token_file", of: profile) { return try self.role(role, session: session, tokenFile: file) }
        guard depth < 5 else {
            throw SourceError("the profile '\(profile)' gets its keys from profiles that lead in a circle", remedy: "look at source_profile in \(profiles.paths)")
        }
        guard let source = try source(of: profile, depth: depth) else {
            throw SourceError("the profile '\(profile)' has role_arn, but nothing to take the role with", remedy: "give it source_profile or credential_source")
        }
        return try tokens().assume(role, session: session ?? "stackup", externalID: profiles.text("external_id", of: profile), with: source)
    }

    private func source(of profile: String, depth: Int) throws(SourceError) -> AWSCredentials? {
        if let source = profiles.text("source_profile", of: profile) {
            guard profiles.has(source) else {
                throw SourceError("there is no profile '\(source)' in \(profiles.paths), which '\(profile)' names", remedy: "correct source_profile")
            }
            return try keys(of: source, depth: depth + 1)
        }
        switch profiles.text("credential_source", of: profile) {
        case nil: return nil
        case "Environment": return try environmentKeys()
        case "EcsContainer": return try ContainerCredentials.fetch(for: request)
        case "Ec2InstanceMetadata": return try InstanceMetadata(request)?.credentials()
        case let other?:
            throw SourceError(
                "the profile '\(profile)' has the credential_source '\(other)', which there is not",
                remedy: "write Environment, EcsContainer or Ec2InstanceMetadata")
        }
    }
}
