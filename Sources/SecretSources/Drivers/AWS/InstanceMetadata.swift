import SecretMemory
import SourceProtocol

/// What a machine of EC2 is told about itself (version 2 of the service, which asks for a token of its own).
///
/// Version 1 answers everybody who can have a request sent from this machine, so it is not used.
struct InstanceMetadata: Sendable {
    private let base: HTTPAddress
    private let client: HTTPClient

    /// - Returns: nil where the environment says that it must not be asked.
    /// - Throws: `SourceError` where the environment has an address for it that is none.
    init?(_ request: SourceRequest) throws(SourceError) {
        guard request.variable("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" else { return nil }
        let isNewer = request.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased() == "ipv6"
        base = try HTTPAddress(request.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? (isNewer ? "http://[fd00:ec2::254]" : "http://169.254.169.254"))
        client = try HTTPClient(for: request, patience: .metadata)
    }

    /// A fact that is not secret.
    ///
    /// - Returns: nil where this is no machine of EC2, or it isn't told that.
    func text(_ path: String) throws(SourceError) -> String? {
        guard let bytes = try get(path) else { return nil }
        return bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The keys of the role that the machine has.
    ///
    /// - Returns: nil where this is no machine of EC2, or it has no role.
    /// - Throws: `SourceError` where it has a role, but there are no keys for it.
    func credentials() throws(SourceError) -> AWSCredentials? {
        let folder = "iam/security-credentials/"
        // One line for each role; there is one at most.
        guard let role = try text(folder)?.split(separator: "\n").first, !role.isEmpty else { return nil }
        guard let answer = try get(folder + PercentEncoding.encode(String(role))) else { return nil }
        guard let credentials = AWSCredentials(temporary: answer, origin: "the machine's metadata") else {
            throw SourceError(
                "\(base.origin): the machine's metadata gives no keys for its role", remedy: "look at the instance profile and its role",
                isTransient: true)
        }
        return credentials
    }

    private func get(_ path: String) throws(SourceError) -> SecretBytes? {
        var ask = try HTTPRequest(.put, base.appending("/latest/api/token"))
        try ask.addHeader("X-aws-ec2-metadata-token-ttl-seconds", "60")
        let token: HTTPResponse
        do throws(SourceError) {
            token = try client.send(ask)
        } catch {
            return nil
        }
        guard token.isSuccess else { return nil }
        var request = try HTTPRequest(.get, base.appending("/latest/meta-data/" + path))
        try request.addHeader("X-aws-ec2-metadata-token", secret: token.body.trimmed())
        let response = try client.send(request)
        guard response.isSuccess else { return nil }
        return try response.body.trimmed()
    }
}
