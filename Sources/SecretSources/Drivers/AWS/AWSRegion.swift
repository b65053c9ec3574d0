import SourceProtocol

/// Which region a secret is in.
enum AWSRegion {
    /// The region of the option, of an ARN, of the environment, of the profile, or of the machine, whichever comes first.
    ///
    /// - Parameter arn: the secret's name, which may be one: `arn:aws:secretsmanager:REGION:…`.
    /// - Throws: `SourceError` where there is none, or what is given can't be one.
    static func find(for request: SourceRequest, arn: String? = nil, _ profiles: AWSProfiles) throws(SourceError) -> String {
        let parts = arn.flatMap { $0.hasPrefix("arn:") ? $0.split(separator: ":", omittingEmptySubsequences: false) : nil } ?? []
        let given = request.option("region") ?? (parts.count > 3 ? String(parts[3]) : nil)
            ?? request.variable("AWS_REGION", "AWS_DEFAULT_REGION") ?? profiles.text("region")
        var region = given
        if region == nil { region = try ofMachine(request) }
        guard let region else {
            throw SourceError("no region of AWS is given", remedy: "add 'region' to 'driver_opts', or set AWS_REGION")
        }
        // It becomes a part of the host's name.
        guard !region.isEmpty, region.utf8.allSatisfy({ 0x61...0x7a ~= $0 || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") }) else {
            throw SourceError(mistake: "there can be no region '\(region)' of AWS", remedy: "write for example eu-central-1")
        }
        return region
    }

    private static let machines = CredentialCache<String?>()

    private static func ofMachine(_ request: SourceRequest) throws(SourceError) -> String? {
        try machines.credentials(for: request, options: []) { () throws(SourceError) in
            guard let metadata = try InstanceMetadata(request) else { return nil }
            return try metadata.text("placement/region")
        }
    }
}
