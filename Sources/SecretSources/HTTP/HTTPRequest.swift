import CCurl
import SecretMemory
import SourceProtocol

/// One HTTP request, which may carry credentials.
public struct HTTPRequest: ~Copyable {
    public let method: Method
    public let address: HTTPAddress
    /// Whether the request may be sent again when nobody knows what became of it. Every request of a driver that only reads
    /// may; one that uses something up may not.
    public var isRepeatable = true
    private(set) var headers: HeaderList
    /// Empty where there is none.
    let body: SecretBytes

    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    /// A request without a body.
    public init(_ method: Method, _ address: HTTPAddress) throws(SourceError) {
        var headers = HeaderList()
        // libcurl would say that the body which isn't there is a form.
        if method != .get { try headers.suppress("Content-Type") }
        self.init(method, address, headers, try .zeroed(0))
    }

    /// A POST request with a body.
    ///
    /// - Parameter type: its `Content-Type`.
    public init(posting body: consuming SecretBytes, type: String, to address: HTTPAddress) throws(SourceError) {
        var headers = HeaderList()
        try headers.append("Content-Type", "", .guarding(type))
        self.init(.post, address, headers, body)
    }

    private init(_ method: Method, _ address: HTTPAddress, _ headers: consuming HeaderList, _ body: consuming SecretBytes) {
        self.method = method
        self.address = address
        self.headers = headers
        self.body = body
    }

    /// Adds a header that holds nothing secret.
    ///
    /// - Throws: `SourceError` where the value has a control character in it, which would start a header of its own.
    public mutating func addHeader(_ name: String, _ value: String) throws(SourceError) {
        try addHeader(name, secret: try .guarding(value))
    }

    /// Adds a header that holds a credential.
    ///
    /// - Parameters:
    ///   - prefix: what comes before it, such as `Bearer `.
    ///   - secret: at least one byte, and no control character.
    /// - Throws: `SourceError` where it isn't so, with the header's name alone.
    public mutating func addHeader(_ name: String, prefix: String = "", secret: borrowing SecretBytes) throws(SourceError) {
        try headers.append(name, prefix, secret)
    }
}

/// Header lines in the form that libcurl takes. It wipes them when they are freed (`ccurl_start`).
struct HeaderList: ~Copyable {
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    init() {}

    deinit {
        curl_slist_free_all(first)
    }

    mutating func append(_ name: String, _ prefix: String, _ value: borrowing SecretBytes) throws(SourceError) {
        CurlHandle.start()
        let isClean = value.withUnsafeBytes { $0.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }
        guard value.count > 0, isClean else {
            throw SourceError(
                "what was to be sent as \(name) is \(value.count == 0 ? "empty" : "more than one line, or has a control character in it")",
                remedy: "check the token, file or variable that it comes from")
        }
        var line = try SecretBuffer()
        try line.append("\(name): \(prefix)")
        try line.append(value)
        try line.append(0)
        let pointer = line.withUnsafeBytes { $0.baseAddress!.assumingMemoryBound(to: CChar.self) }
        try append(pointer)
        extendLifetime(line)
    }

    /// Takes one of libcurl's own headers away: `Name:` is how it wants to be told.
    mutating func suppress(_ name: String) throws(SourceError) {
        try append("\(name):")
    }

    private mutating func append(_ line: UnsafePointer<CChar>) throws(SourceError) {
        guard let list = curl_slist_append(first, line) else { throw SourceError("there is no memory left", isTransient: true) }
        first = list
    }
}
