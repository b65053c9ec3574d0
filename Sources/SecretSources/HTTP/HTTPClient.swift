import CCurl
import Glibc
import Linux
import SecretMemory
import SourceProtocol

/// Speaks HTTP to secret managers, by way of libcurl.
///
/// Certificates are always verified, TLS is 1.2 at least, and plain HTTP is for this machine and for the
/// metadata services of clouds alone (``HTTPAddress``). A redirect is an error: credentials go where the user says.
/// Requests that fail for reasons that may pass are repeated.
public struct HTTPClient: Sendable {
    private let certificates: TrustedCertificates?
    private let patience: HTTPPatience
    private let proxy: String
    private let withoutProxy: String

    /// - Parameters:
    ///   - environment: the caller's; `https_proxy`, `all_proxy`, `no_proxy` and their forms in capitals count, for `https://` only.
    ///   - certificates: certificate authorities to be trusted instead of those that the system has.
    public init(environment: [String: String], certificates: TrustedCertificates? = nil, patience: HTTPPatience = HTTPPatience()) {
        func variable(_ names: String...) -> String { names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "" }
        self.certificates = certificates
        self.patience = patience
        proxy = variable("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        withoutProxy = variable("no_proxy", "NO_PROXY")
    }

    /// Sends a request until an answer comes that is worth having.
    ///
    /// Tried again are the statuses 408, 429, 500, 502, 503 and 504, and connections that fail or break; not before the time
    /// that the server asks for.
    ///
    /// - Parameter isWorthRetrying: tells of other answers whether the same request may go well in a moment.
    /// - Returns: an answer with any status but a redirect's; where time or tries have run out, the last one.
    /// - Throws: `SourceError` where there is none.
    public func send(
        _ request: borrowing HTTPRequest, retrying isWorthRetrying: (borrowing HTTPResponse) -> Bool = { _ in false }
    ) throws(SourceError) -> HTTPResponse {
        let end = Instant.now + patience.total
        var attempt = 1
        while true {
            let left = end - Instant.now
            switch try self.attempt(request, within: min(patience.attempt, left)) {
            case .answer(let response):
                let isOver = attempt == patience.attempts || !(isRetried(response.status, request) || isWorthRetrying(response))
                let pause = response.retryAfter ?? patience.pause(after: attempt)
                if isOver || Instant.now + pause >= end { return response }
                wait(pause)
            case .failure(let failure):
                let mayGoWell = failure.error.isTransient && (request.isRepeatable || failure.wasBeforeTheRequest)
                let pause = patience.pause(after: attempt)
                guard mayGoWell, attempt < patience.attempts, Instant.now + pause < end else { throw failure.error }
                wait(pause)
            }
            attempt += 1
        }
    }

    private func isRetried(_ status: Int, _ request: borrowing HTTPRequest) -> Bool {
        switch status {
        case 429, 503: true
        case 408, 500, 502, 504: request.isRepeatable
        default: false
        }
    }

    private func wait(_ pause: Duration) {
        let (seconds, attoseconds) = pause.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var left = timespec()
        while nanosleep(&time, &left) != 0, errno == EINTR { time = left }
    }

    private enum Outcome: ~Copyable {
        case answer(HTTPResponse)
        case failure(HTTPFailure)
    }

    private func attempt(_ request: borrowing HTTPRequest, within time: Duration) throws(SourceError) -> Outcome {
        let transfer = try HTTPTransfer()
        let handle = try CurlHandle()
        try prepare(handle, request, within: time)
        try transfer.receive(from: handle)
        // The memory that handles get lent lives as long as the request and the transfer do.
        let code = withExtendedLifetime(transfer) { ccurl_perform(handle.pointer) }
        if let refusal = transfer.refusal {
            throw SourceError("\(request.address.origin): \(refusal.reason)", remedy: refusal.remedy)
        }
        guard code == CURLE_OK else {
            return .failure(HTTPFailure(code, of: handle, for: request.address, connection: patience.connection, attempt: time, certificates: certificates?.path))
        }
        let status = ccurl_get_long(handle.pointer, CURLINFO_RESPONSE_CODE)
        if 300..<400 ~= status { throw redirect(of: handle, from: request.address) }
        return .answer(HTTPResponse(status: status, headers: transfer.headers, body: try transfer.body()))
    }

    private func prepare(_ handle: borrowing CurlHandle, _ request: borrowing HTTPRequest, within time: Duration) throws(SourceError) {
        let address = request.address
        try handle.check(ccurl_set_protocol(handle.pointer, address.isPlain ? 1 : 0))
        try handle.set(CURLOPT_URL, address.text)
        try handle.set(CURLOPT_PATH_AS_IS, 1)
        try handle.set(CURLOPT_FOLLOWLOCATION, 0)
        try handle.set(CURLOPT_PROXY, address.isNearby ? "" : proxy)
        try handle.set(CURLOPT_NOPROXY, withoutProxy)
        try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try handle.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        try handle.set(CURLOPT_SSL_VERIFYPEER, 1)
        try handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        if let certificates {
            try handle.check(certificates.bytes.withUnsafeBytes { ccurl_set_authorities(handle.pointer, $0.baseAddress, $0.count) })
            // Otherwise the system's would be trusted as well.
            try handle.set(CURLOPT_CAINFO, nil)
            try handle.set(CURLOPT_CAPATH, nil)
        }
        // Version 2 would bring a library with buffers of its own, which nobody wipes.
        try handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try handle.set(CURLOPT_HTTP09_ALLOWED, 0)
        // On a connection that turns out to be dead libcurl would send it again by itself.
        try handle.set(CURLOPT_FRESH_CONNECT, request.isRepeatable ? 0 : 1)
        try handle.set(CURLOPT_NOSIGNAL, 1)
        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds: patience.connection)
        try handle.set(CURLOPT_TIMEOUT_MS, milliseconds: time)
        try handle.set(CURLOPT_USERAGENT, "stackup")
        try handle.check(ccurl_set_pointer(handle.pointer, CURLOPT_HTTPHEADER, request.headers.first))
        try setBody(of: request, handle)
    }

    private func setBody(of request: borrowing HTTPRequest, _ handle: borrowing CurlHandle) throws(SourceError) {
        guard request.method != .get else { return }
        // This makes it a POST, even without a body.
        try handle.set(CURLOPT_POSTFIELDSIZE, request.body.count)
        try handle.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        // Not copied by libcurl: the bytes stay where they are as long as the request lives.
        let code = request.body.withUnsafeBytes { ccurl_set_pointer(handle.pointer, CURLOPT_POSTFIELDS, $0.baseAddress) }
        try handle.check(code)
    }

    private func redirect(of handle: borrowing CurlHandle, from address: HTTPAddress) -> SourceError {
        let target = ccurl_get_text(handle.pointer, CURLINFO_REDIRECT_URL).flatMap { try? HTTPAddress(String(cString: $0)) }
        return SourceError(
            "\(address.origin): answers with a redirect\(target.map { " to \($0.origin)" } ?? ""), which is not followed",
            remedy: "give the address that is meant")
    }
}
