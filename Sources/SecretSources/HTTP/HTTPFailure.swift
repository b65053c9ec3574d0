import CCurl
import Glibc
import SourceProtocol

/// What went wrong with a transfer, in words that hold nothing of what was sent or received.
///
/// libcurl's own text (`CURLOPT_ERRORBUFFER`) can quote the server, so it is not used.
struct HTTPFailure {
    let error: SourceError
    /// Whether the server can't have seen the request.
    let wasBeforeTheRequest: Bool

    init(_ code: CURLcode, of handle: borrowing CurlHandle, for address: HTTPAddress, connection: Duration, attempt: Duration, certificates: String?) {
        let origin = address.origin
        var isTransient = true
        var isBefore = false
        let reason: String
        var remedy: String?
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            isBefore = true
            reason = "\(origin): \(code == CURLE_COULDNT_RESOLVE_PROXY ? "its proxy's name" : "the name") is not known to any name server that answers"
            remedy = "check the address, and the machine's name servers"
        case CURLE_COULDNT_CONNECT:
            isBefore = true
            let number = Int32(ccurl_get_long(handle.pointer, CURLINFO_OS_ERRNO))
            reason = "\(origin): can't connect" + (number == 0 ? "" : ": \(String(cString: strerror(number)).lowercased())")
            remedy = "check the address, and that the server is running"
        case CURLE_OPERATION_TIMEDOUT:
            isBefore = ccurl_get_long(handle.pointer, CURLINFO_REQUEST_SIZE) == 0
            reason = "\(origin): \(isBefore ? "no connection" : "no answer") within \(seconds(isBefore ? min(connection, attempt) : attempt))"
        case CURLE_PEER_FAILED_VERIFICATION:
            isTransient = false
            (reason, remedy) = Self.distrust(ccurl_get_long(handle.pointer, CURLINFO_SSL_VERIFYRESULT), of: address, certificates)
        case CURLE_SSL_CACERT_BADFILE:
            isTransient = false
            reason = "\(certificates ?? "the system's certificate authorities"): can't be read as certificates in PEM format"
            remedy = certificates == nil ? "install ca-certificates" : "check the path and the file"
        case CURLE_SSL_CONNECT_ERROR:
            isBefore = true
            reason = "\(origin): no TLS connection comes about"
            remedy = "check that the server speaks TLS 1.2 or newer at this port"
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE:
            reason = "\(origin): the connection broke before the answer was complete"
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            isTransient = false
            reason = "\(origin): what answers there doesn't speak HTTP"
            remedy = "check the address and the port"
        default:
            reason = "\(origin): \(String(cString: curl_easy_strerror(code)).lowercased())"
        }
        error = SourceError(reason, remedy: remedy, isTransient: isTransient)
        wasBeforeTheRequest = isBefore
    }

    /// Why a certificate is not trusted; `result` is one of X509_V_ERR_* (X509_STORE_CTX_get_error(3)).
    private static func distrust(_ result: Int, of address: HTTPAddress, _ certificates: String?) -> (String, String) {
        let origin = address.origin
        switch result {
        // libcurl looks at the name by itself, before it asks OpenSSL for what there is to be said of the certificate.
        case 0, 1:
            return ("\(origin): its certificate is for another name", "use the name that the certificate is for")
        case 9:
            return ("\(origin): its certificate is not valid yet", "check this machine's clock")
        case 10:
            return ("\(origin): its certificate has expired", "have it renewed, and check this machine's clock")
        case 18, 19, 20, 21:
            return (
                "\(origin): its certificate is not signed by \(certificates.map { "a certificate authority in \($0)" } ?? "a certificate authority that this machine trusts")",
                "name the file of its certificate authority in the driver's option for that")
        default:
            return ("\(origin): its certificate is not valid (OpenSSL's reason \(result))", "look at it with: openssl s_client -connect HOST:PORT")
        }
    }
}

/// Such as `10 s` or `0.5 s`.
func seconds(_ duration: Duration) -> String {
    let tenths = Int(duration / .milliseconds(100))
    return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
}
