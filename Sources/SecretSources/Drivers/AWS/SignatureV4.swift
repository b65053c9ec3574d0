import SecretMemory
import SourceProtocol

/// Signs requests as AWS asks for (Signature Version 4: "AWS API request signing" in the IAM User Guide).
struct SignatureV4 {
    let region: String
    /// As the signature names it, such as `secretsmanager`.
    let service: String
    /// `20150830T123600Z`.
    let time: String

    /// What is signed of a request.
    struct Subject {
        var method: String
        /// As it goes over the wire, but for AWS's own test vectors, which have it plain.
        var path: String
        /// Without the question mark; percent-encoded.
        var query = ""
        /// `Host` among them; not `X-Amz-Date` and `X-Amz-Security-Token`, which belong to the signature.
        var headers: [(name: String, value: String)]
    }

    /// The value of the `Authorization` header.
    ///
    /// - Parameter body: of the request; empty where it has none.
    func authorization(
        of subject: Subject, body: borrowing SecretBytes, credentials: borrowing AWSCredentials
    ) throws(SourceError) -> String {
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let (names, request) = try canonicalRequest(subject, body, token: credentials.sessionToken)
        let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(request)"
        let signature = try HMACSHA256.authenticate(text, key: try key(from: credentials.secretKey))
        let digits = signature.withUnsafeBytes { $0.hexadecimal }
        return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(names), Signature=\(digits)"
    }

    /// The names of what is signed, and the hash of the canonical request. The token in it is secret, so it is
    /// hashed as it is put together.
    private func canonicalRequest(
        _ subject: Subject, _ body: borrowing SecretBytes, token: borrowing SecretBytes?
    ) throws(SourceError) -> (names: String, hash: String) {
        var lines: [(name: String, value: String?)] = subject.headers.map { ($0.name.lowercased(), Self.trimmed($0.value)) }
        lines.append(("x-amz-date", time))
        if token != nil { lines.append(("x-amz-security-token", nil)) }
        lines.sort { $0.name < $1.name }
        let names = lines.map(\.name).joined(separator: ";")

        var request = try SHA256()
        request.update("\(subject.method)\n\(Self.canonical(path: subject.path))\n\(Self.canonical(query: subject.query))\n")
        for line in lines {
            request.update("\(line.name):")
            if let value = line.value {
                request.update(value)
            } else if token != nil {
                request.update(token!)
            }
            request.update("\n")
        }
        var content = try SHA256()
        content.update(body)
        request.update("\n\(names)\n\(content.hexadecimal())")
        return (names, request.hexadecimal())
    }

    private func key(from secret: borrowing SecretBytes) throws(SourceError) -> SecretBytes {
        var start = try SecretBuffer()
        try start.append("AWS4")
        try start.append(secret)
        let date = try HMACSHA256.authenticate(String(time.prefix(8)), key: try start.bytes())
        let region = try HMACSHA256.authenticate(region, key: date)
        let service = try HMACSHA256.authenticate(service, key: region)
        return try HMACSHA256.authenticate("aws4_request", key: service)
    }

    /// Without `.`, `..` and double slashes, and encoded once more, as all services but S3 have it.
    private static func canonical(path: String) -> String {
        var parts: [Substring] = []
        let pieces = path.split(separator: "/")
        for piece in pieces where piece != "." {
            if piece != ".." { parts.append(piece) } else { _ = parts.popLast() }
        }
        let end = parts.isEmpty || path.last != "/" ? "" : "/"
        return PercentEncoding.encode("/" + parts.joined(separator: "/") + end, keeping: "/")
    }

    private static func canonical(query: String) -> String {
        let fields = query.split(separator: "&").map { field in
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
        }
        return fields.sorted { $0 < $1 }.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Runs of spaces count as one.
    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }
}
