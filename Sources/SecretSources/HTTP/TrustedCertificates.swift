import SecretMemory
import SourceProtocol

/// A file of certificate authorities that are trusted instead of the system's.
///
/// It is read here and not by libcurl, which would wait for a FIFO however little time there is.
public final class TrustedCertificates: Sendable {
    /// The file's, for errors.
    let path: String
    /// In PEM format, as far as anybody has looked.
    let bytes: SecretBytes

    /// - Parameter path: relative to the request's folder.
    /// - Throws: `SourceError` that names the file, where it can't be read.
    public init(_ path: String, of request: SourceRequest) throws(SourceError) {
        self.path = request.path(path)
        bytes = try CredentialFile.read(path, "the file of certificate authorities", of: request)
    }
}
