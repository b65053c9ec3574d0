import CCurl
import Glibc
import SecretMemory

/// An answer, whose body is secret.
public struct HTTPResponse: ~Copyable {
    public let status: Int
    public let body: SecretBytes
    /// How many seconds this machine's clock is ahead of the server's, as the `Date` header has it; negative where it is
    /// behind, nil where the server doesn't say.
    public let clockLead: Int?
    /// What the server asks for before the next try.
    let retryAfter: Duration?

    public var isSuccess: Bool { 200..<300 ~= status }

    init(status: Int, headers: [String: String], body: consuming SecretBytes, now: time_t = Glibc.time(nil)) {
        self.status = status
        self.body = body
        let date = headers["date"].flatMap(Self.moment)
        clockLead = date.map { now - $0 }
        // Seconds, or a date (RFC 9110, section 10.2.3), which is one of the server's clock.
        retryAfter = headers["retry-after"].flatMap { text in
            if let seconds = Int(text) { return .seconds(max(seconds, 0)) }
            return Self.moment(text).map { .seconds(max($0 - (date ?? now), 0)) }
        }
    }

    private static func moment(_ text: String) -> time_t? {
        let seconds = curl_getdate(text, nil)
        return seconds < 0 ? nil : seconds
    }
}
