import SecretMemory
import SourceProtocol

/// What a machine of Google Cloud is told about itself.
struct GoogleMetadata: Sendable {
    private let base: HTTPAddress
    private let client: HTTPClient

    init(_ request: SourceRequest) throws(SourceError) {
        let host = request.variable("GCE_METADATA_HOST") ?? "metadata.google.internal"
        base = try HTTPAddress("http://\(host)/computeMetadata/v1")
        client = try HTTPClient(for: request, patience: .metadata)
    }

    /// A token of the machine's service account.
    ///
    /// - Returns: nil where this is no machine of Google Cloud.
    /// - Throws: `SourceError` where it is one, but has no such account.
    func token() throws(SourceError) -> AccessToken? {
        guard let response = try get("/instance/service-accounts/default/token") else { return nil }
        guard let token = AccessToken(in: response, origin: "the machine's service account") else {
            throw response.status == 404
                ? SourceError("this machine has no service account", remedy: "give it one with the scope cloud-platform, or add 'credentials-file' to 'driver_opts'")
                : AccessToken.unusable(response, of: base)
        }
        return token
    }

    /// The machine's project; nil where it isn't told.
    func project() throws(SourceError) -> String? {
        guard let response = try get("/project/project-id"), response.isSuccess else { return nil }
        return response.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    private func get(_ path: String) throws(SourceError) -> HTTPResponse? {
        var request = try HTTPRequest(.get, base.appending(path))
        try request.addHeader("Metadata-Flavor", "Google")
        do throws(SourceError) {
            return try client.send(request)
        } catch {
            return nil
        }
    }
}
