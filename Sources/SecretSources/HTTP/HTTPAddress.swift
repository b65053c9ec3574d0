import CCurl
import SourceProtocol

/// The address of something that is asked for secrets over HTTP.
///
/// It is taken apart by libcurl, which also uses it: two parsers may find different hosts in one address.
public struct HTTPAddress: Sendable, Equatable {
    /// The whole address.
    public let text: String
    /// Without the brackets of an IPv6 address; lower case.
    public let host: String
    /// `https://HOST`, with the port where it is an unusual one: what may stand in errors.
    public let origin: String
    /// The host with its port, where that is an unusual one: what the header `Host` says.
    let authority: String
    /// As it goes over the wire.
    let path: String
    /// Without the question mark; empty where there is none.
    let query: String
    /// Whether nothing is encrypted on the way, which ``init(_:)`` allows for some hosts only.
    let isPlain: Bool
    /// Whether this machine is asked, or the service that tells a machine in a cloud about itself. No proxy leads there.
    let isNearby: Bool

    /// Takes an address apart.
    ///
    /// - Parameter text: a whole address, `https://…`; `http://…` for loopback, and for the metadata services of clouds, alone.
    ///   What comes from options has to be percent-encoded (``PercentEncoding``).
    /// - Throws: `SourceError` where it is none, speaks something else, has a password in it, or may not be asked in plain text.
    public init(_ text: String) throws(SourceError) {
        // What libcurl would take for a part of the request's first line, or encode in ways of its own.
        guard text.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            throw SourceError("the address of a secret manager has a space, a control character or a letter beyond ASCII in it", remedy: "write it percent-encoded")
        }
        guard let handle = curl_url() else { throw SourceError("there is no memory left", isTransient: true) }
        defer { curl_url_cleanup(handle) }
        let code = curl_url_set(handle, CURLUPART_URL, text, UInt32(CURLU_PATH_AS_IS | CURLU_DISALLOW_USER))
        guard code != CURLUE_USER_NOT_ALLOWED else {
            throw SourceError("the address of a secret manager has a user or password in it", remedy: "take them out; the driver has options for credentials")
        }
        let scheme = Self.part(CURLUPART_SCHEME, of: handle)
        guard code == CURLUE_OK, scheme == "https" || scheme == "http", let host = Self.part(CURLUPART_HOST, of: handle)?.lowercased(),
            curl_url_set(handle, CURLUPART_HOST, host, 0) == CURLUE_OK, curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0) == CURLUE_OK,
            let whole = Self.part(CURLUPART_URL, of: handle)
        else {
            throw SourceError("\(Self.harmless(text)) is no address of a secret manager", remedy: "write it as https://HOST, https://HOST:PORT or https://HOST/PATH")
        }
        authority = host + (Self.part(CURLUPART_PORT, of: handle).map { ":" + $0 } ?? "")
        origin = "\(scheme!)://\(authority)"
        path = Self.part(CURLUPART_PATH, of: handle) ?? "/"
        query = Self.part(CURLUPART_QUERY, of: handle) ?? ""
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.text = whole
        isPlain = scheme == "http"
        isNearby = Self.isLoopback(self.host) || Self.metadataHosts.contains(self.host)
        guard !isPlain || isNearby else {
            throw SourceError("\(origin): secrets can't be fetched in plain text", remedy: "write https:// (http:// is for this machine's own addresses)")
        }
    }

    /// Whether tokens for a cloud may be sent there: to its own hosts, or to this machine, where a stand-in may listen.
    ///
    /// - Parameter domains: the cloud's.
    func belongs(to domains: [String]) -> Bool {
        Self.isLoopback(host) || domains.contains { host.hasSuffix("." + $0) }
    }

    /// Takes an address apart that the Compose file has: no older value makes up for one that is none.
    init(option text: String) throws(SourceError) {
        do throws(SourceError) {
            self = try HTTPAddress(text)
        } catch {
            throw SourceError(mistake: error.reason, remedy: error.remedy)
        }
    }

    /// This address with another path and query behind its own.
    ///
    /// - Parameter rest: percent-encoded; it starts with a slash.
    public func appending(_ rest: String) throws(SourceError) -> HTTPAddress {
        var text = text
        while text.utf8.last == UInt8(ascii: "/") { text.removeLast() }
        return try HTTPAddress(text + rest)
    }

    /// Where clouds tell their machines and containers about themselves, over HTTP without encryption.
    private static let metadataHosts: Set<String> = [
        "169.254.169.254", "fd00:ec2::254", "metadata.google.internal",  // machines
        "169.254.170.2", "169.254.170.23", "fd00:ec2::23",  // containers of AWS
    ]

    /// Whether a name or number is this machine's own.
    private static func isLoopback(_ host: String) -> Bool {
        // libcurl has written numbers such as 0x7f.1 as 127.0.0.1 by now, and never asks a name server for localhost.
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts[0] == 127 && !parts.contains(nil)
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, UInt32(CURLU_NO_DEFAULT_PORT)) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// The start of a text that was to be an address, up to where a query may hold anything. Before an `@` there may be a password, with any
    /// character in it.
    private static func harmless(_ text: String) -> String {
        text.contains("@") ? "what has an '@' in it" : "'\(text.prefix { $0 != "?" && $0 != "#" }.prefix(80))'"
    }
}
