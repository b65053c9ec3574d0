import SourceProtocol

extension HTTPClient {
    /// A client with a request's options and environment.
    ///
    /// - Parameters:
    ///   - variables: of the environment, that name a file of certificate authorities where the option doesn't.
    ///   - patience: nil stands for as long as the option `timeout` allows.
    public init(
        for request: SourceRequest, certificates variables: [String] = [], patience: HTTPPatience? = nil
    ) throws(SourceError) {
        let certificates = request.option(DriverOption.certificates.name) ?? variables.lazy.compactMap { request.variable($0) }.first
        var ownPatience = HTTPPatience()
        ownPatience.total = try request.timeout()
        // Who allows a long time knows of a slow server.
        ownPatience.attempt = max(ownPatience.attempt, ownPatience.total / 3)
        let trusted = try certificates.map { path throws(SourceError) in try TrustedCertificates(path, of: request) }
        self.init(environment: request.environment, certificates: trusted, patience: patience ?? ownPatience)
    }
}

extension DriverOption {
    /// Whom to trust, which all take that speak HTTP.
    public static let certificates = DriverOption(
        "ca-file", "a file of certificate authorities (PEM) to trust", otherwise: "those that the system trusts")
}
