import SecretMemory
import SourceProtocol

/// Finds what Google's own libraries find ("Application Default Credentials"): a key file, the credentials of the command line, or the
/// machine's service account.
struct GoogleCredentials {
    static let options = [
        DriverOption("credentials-file", "the key file of a service account", otherwise: "that of `GOOGLE_APPLICATION_CREDENTIALS`, or the command line's")
    ]

    /// Where tokens come from, unless a file says otherwise.
    static let tokenAddress = "https://oauth2.googleapis.com/token"

    /// A token, and what else the credentials tell.
    struct Login: Sendable {
        let token: AccessToken
        /// The project that they belong to.
        let project: String?
        /// The project that pays for a person's requests.
        let payingProject: String?
    }

    private let request: SourceRequest

    private static let cache = CredentialCache<Login>()

    /// Credentials for a request; asked for once where several requests have the same options.
    static func login(for request: SourceRequest) throws(SourceError) -> Login {
        let names = options.map(\.name) + [DriverOption.certificates.name]
        return try cache.credentials(for: request, options: names) { () throws(SourceError) in
            try GoogleCredentials(request: request).login()
        }
    }

    /// A member of a credentials file that is not secret.
    static func text(_ member: String, in file: borrowing SecretBytes) -> String? {
        guard let bytes = SecretJSON.answer([member], in: file), bytes.count > 0 else { return nil }
        return bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    private func login() throws(SourceError) -> Login {
        if let path = request.option("credentials-file") ?? request.variable("GOOGLE_APPLICATION_CREDENTIALS") {
            return try login(with: CredentialFile.read(path, "the credentials file", of: request), at: request.path(path))
        }
        let path = (request.variable("CLOUDSDK_CONFIG") ?? "~/.config/gcloud") + "/application_default_credentials.json"
        if let file = try CredentialFile.readIfThere(path, "the credentials file", of: request) {
            return try login(with: file, at: request.path(path))
        }
        let metadata = try GoogleMetadata(request)
        guard let token = try metadata.token() else {
            throw SourceError(
                "there are no credentials for Google Cloud: no key file, none in \(request.path(path)), and no machine with a service account",
                remedy: "add 'credentials-file' to 'driver_opts', or set GOOGLE_APPLICATION_CREDENTIALS")
        }
        return Login(token: token, project: try metadata.project(), payingProject: nil)
    }

    private func login(with file: borrowing SecretBytes, at path: String) throws(SourceError) -> Login {
        let client = try HTTPClient(for: request)
        let paying = Self.text("quota_project_id", in: file)
        switch Self.text("type", in: file) {
        case "service_account":
            let token = try ServiceAccount(file, path: path).token(with: client)
            return Login(token: token, project: Self.text("project_id", in: file), payingProject: paying)
        case "authorized_user":
            return Login(token: try person(file, path, client), project: nil, payingProject: paying)
        case "external_account", "impersonated_service_account", "external_account_authorized_user":
            throw SourceError(
                "\(path): credentials of another identity provider or of an impersonated account are not supported",
                remedy: "use a service account's key, or the driver 'command' with: gcloud secrets versions access")
        default:
            throw SourceError("\(path): not a credentials file of Google Cloud", remedy: "download a key of the service account, as JSON")
        }
    }

    /// Exchanges what `gcloud auth application-default login` has left.
    private func person(_ file: borrowing SecretBytes, _ path: String, _ client: HTTPClient) throws(SourceError) -> AccessToken {
        guard let identifier = Self.text("client_id", in: file), let secret = SecretJSON.answer(["client_secret"], in: file),
            let refresh = SecretJSON.answer(["refresh_token"], in: file)
        else { throw SourceError("\(path): lacks client_id, client_secret or refresh_token", remedy: "run: gcloud auth application-default login") }
        var form = try SecretBuffer()
        try form.append(PercentEncoding.form(["grant_type": "refresh_token", "client_id": identifier]) + "&client_secret=")
        try form.appendPercentEncoded(secret)
        try form.append("&refresh_token=")
        try form.appendPercentEncoded(refresh)
        let address = try HTTPAddress(Self.text("token_uri", in: file) ?? Self.tokenAddress)
        return try AccessToken.exchange(form.bytes(), at: address, with: client, origin: "the person that logged in") { response in
            guard response.status == 400 || response.status == 401 else { return nil }
            return SourceError("Google takes the login in \(path) no more", remedy: response.clockRemedy ?? "run: gcloud auth application-default login")
        }
    }
}
