import Glibc
import SecretMemory
import SourceProtocol

/// One of AWS's services, at the address that a request's options, environment and profile give it.
struct AWSService: Sendable {
    /// The services that are spoken to.
    enum Name: String, Sendable {
        case secretsManager = "secretsmanager"
        case systemsManager = "ssm"
        case securityTokens = "sts"

        /// As `AWS_ENDPOINT_URL_…` has it.
        fileprivate var variable: String {
            switch self {
            case .secretsManager: "SECRETS_MANAGER"
            case .systemsManager: "SSM"
            case .securityTokens: "STS"
            }
        }
    }

    let name: Name
    let region: String
    let address: HTTPAddress
    private let client: HTTPClient

    /// - Parameter region: as ``AWSRegion`` finds it.
    /// - Throws: `SourceError` where the endpoint or the time-out makes no sense.
    init(_ name: Name, in region: String, for request: SourceRequest, _ profiles: AWSProfiles) throws(SourceError) {
        self.name = name
        self.region = region
        // The option is the driver's own; tokens come from elsewhere.
        if name != .securityTokens, let endpoint = request.option("endpoint") {
            address = try HTTPAddress(option: endpoint)
        } else if let endpoint = Self.configuredEndpoint(name, request, profiles) {
            address = try HTTPAddress(endpoint)
        } else {
            address = try HTTPAddress("https://\(name.rawValue).\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")/")
        }
        client = try HTTPClient(for: request, certificates: ["AWS_CA_BUNDLE"])
    }

    private static func configuredEndpoint(_ name: Name, _ request: SourceRequest, _ profiles: AWSProfiles) -> String? {
        guard request.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.lowercased() != "true" else { return nil }
        return request.variable("AWS_ENDPOINT_URL_\(name.variable)", "AWS_ENDPOINT_URL") ?? profiles.text("endpoint_url")
    }

    /// Calls an action of a service that speaks JSON.
    ///
    /// - Parameters:
    ///   - target: the action with its service's version, as `X-Amz-Target` has it.
    ///   - body: JSON that holds nothing secret.
    func call(_ target: String, _ body: [UInt8], with credentials: AWSCredentials) throws(SourceError) -> HTTPResponse {
        try post(.guarding(body), type: "application/x-amz-json-1.1", headers: [("X-Amz-Target", target)], with: credentials)
    }

    /// Sends a body.
    ///
    /// - Parameter credentials: nil where the action wants no signature.
    func post(
        _ body: consuming SecretBytes, type: String, headers: [(name: String, value: String)] = [], with credentials: AWSCredentials?
    ) throws(SourceError) -> HTTPResponse {
        var signed: (time: String, authorization: String)?
        if let credentials {
            let signature = SignatureV4(region: region, service: name.rawValue, time: Self.now())
            let subject = SignatureV4.Subject(
                method: "POST", path: address.path, query: address.query, headers: [("Host", address.authority), ("Content-Type", type)] + headers)
            signed = (signature.time, try signature.authorization(of: subject, body: body, credentials: credentials))
        }
        var request = try HTTPRequest(posting: body, type: type, to: address)
        for header in headers { try request.addHeader(header.name, header.value) }
        if let signed, let credentials {
            try request.addHeader("X-Amz-Date", signed.time)
            try request.addHeader("Authorization", signed.authorization)
            if credentials.sessionToken != nil { try request.addHeader("X-Amz-Security-Token", secret: credentials.sessionToken!) }
        }
        return try client.send(request) { AWSErrorCode(of: $0)?.isTransient == true }
    }

    /// The time as signatures have it.
    private static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 20)
        strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    }
}
