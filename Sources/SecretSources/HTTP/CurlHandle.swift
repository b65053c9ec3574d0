import CCurl
import SourceProtocol
import Synchronization

/// One of libcurl's handles, with the connections that it keeps open.
///
/// A handle may be used by one thread at a time. Those that nobody uses are kept, so that all secrets that come from one
/// server share a connection.
struct CurlHandle: ~Copyable, @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    private static let unused = Mutex<[Unused]>([])
    private struct Unused: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    private static let isReady = ccurl_start() == 0

    /// Readies libcurl, and has it wipe what it frees, before its first use.
    static func start() {
        precondition(isReady, "libcurl could not be initialised")
    }

    init() throws(SourceError) {
        Self.start()
        if let unused = Self.unused.withLock({ $0.popLast() }) {
            pointer = unused.pointer
        } else if let new = ccurl_new() {
            pointer = new
        } else {
            throw SourceError("there is no memory left", isTransient: true)
        }
    }

    deinit {
        // Nothing of the transfer stays, but its connection does.
        ccurl_reset(pointer)
        let unused = Unused(pointer: pointer)
        Self.unused.withLock { $0.append(unused) }
    }

    borrowing func set(_ option: CURLoption, _ value: Int) throws(SourceError) {
        try check(ccurl_set_long(pointer, option, value))
    }

    borrowing func set(_ option: CURLoption, milliseconds value: Duration) throws(SourceError) {
        // 0 would be for ever.
        try set(option, max(Int(value / .milliseconds(1)), 1))
    }

    borrowing func set(_ option: CURLoption, _ value: String?) throws(SourceError) {
        try check(ccurl_set_text(pointer, option, value))
    }

    /// Where libcurl refuses an option, it is left with a default that may not be what was meant.
    borrowing func check(_ code: CURLcode) throws(SourceError) {
        guard code == CURLE_OK else {
            throw SourceError(
                "libcurl lacks what is needed: \(String(cString: curl_easy_strerror(code)).lowercased())",
                remedy: "install libcurl 7.77 or newer, with TLS; this is \(String(cString: curl_version()))")
        }
    }
}
