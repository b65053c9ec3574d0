import SecretMemory
import SourceProtocol

/// Exchanges what somebody has for the keys of a role (AWS STS).
struct SecurityTokenService: Sendable {
    private let service: AWSService

    init(in region: String, for request: SourceRequest, _ profiles: AWSProfiles) throws(SourceError) {
        service = try AWSService(.securityTokens, in: region, for: request, profiles)
    }

    /// Keys for a role, with other keys that may take it.
    func assume(_ role: String, session: String, externalID: String?, with credentials: AWSCredentials) throws(SourceError) -> AWSCredentials {
        var form = try self.form("AssumeRole", role, session)
        if let externalID { try form.append("&" + PercentEncoding.form(["ExternalId": externalID])) }
        return try exchange(form.bytes(), for: role, with: credentials)
    }

    /// Keys for a role, with a token of another identity provider, such as a Kubernetes cluster.
    func assume(_ role: String, session: String, token: borrowing SecretBytes) throws(SourceError) -> AWSCredentials {
        var form = try self.form("AssumeRoleWithWebIdentity", role, session)
        try form.append("&WebIdentityToken=")
        try form.appendPercentEncoded(token)
        return try exchange(form.bytes(), for: role, with: nil)
    }

    private func form(_ action: String, _ role: String, _ session: String) throws(SourceError) -> SecretBuffer {
        var form = try SecretBuffer()
        try form.append(PercentEncoding.form(["Action": action, "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": session]))
        return form
    }

    private func exchange(_ form: consuming SecretBytes, for role: String, with credentials: AWSCredentials?) throws(SourceError) -> AWSCredentials {
        let response = try service.post(form, type: "application/x-www-form-urlencoded", with: credentials)
        guard response.isSuccess else {
            throw AWSErrorCode(of: response)?.error(
                "role '\(role)'", in: service, with: credentials?.origin ?? "the token's file",
                permission: credentials == nil ? "sts:AssumeRoleWithWebIdentity for it in the role's trust policy" : "sts:AssumeRole for it",
                clock: response.clockRemedy) ?? response.failure(of: service.address)
        }
        guard let accessKey = try SecretXML.text(of: "AccessKeyId", in: response.body),
            let secretKey = try SecretXML.text(of: "SecretAccessKey", in: response.body),
            let token = try SecretXML.text(of: "SessionToken", in: response.body)
        else { throw SourceError("\(service.address.origin): gives no keys for the role '\(role)'", remedy: "check the endpoint") }
        return AWSCredentials(
            accessKey: accessKey.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }, secretKey: secretKey, sessionToken: token,
            origin: "the role '\(role)'")
    }
}
