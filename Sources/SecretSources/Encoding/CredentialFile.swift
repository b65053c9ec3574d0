import Glibc
import Linux
import SecretMemory
import SourceProtocol

/// Reads files that hold credentials.
public enum CredentialFile {
    /// More than any token, key, or file of profiles has.
    private static let limit = 1 << 20

    /// Reads a file whole, into guarded memory.
    ///
    /// - Parameters:
    ///   - path: relative to `directory`; a leading `~` is the caller's home.
    ///   - subject: what it is, for errors, such as `the token's file`.
    /// - Throws: `SourceError` that names the file.
    public static func read(_ path: String, _ subject: String, of request: SourceRequest) throws(SourceError) -> SecretBytes {
        guard let bytes = try readIfThere(path, subject, of: request) else {
            throw SourceError("\(subject), \(request.path(path)): no such file", remedy: "create it, or correct the path")
        }
        return bytes
    }

    /// The same, or nil where there is no such file.
    public static func readIfThere(_ path: String, _ subject: String, of request: SourceRequest) throws(SourceError) -> SecretBytes? {
        let path = request.path(path)
        let bytes: SecretBytes?
        do {
            // A FIFO or a device must not keep the command waiting.
            let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            guard try file.status().st_mode & S_IFMT == S_IFREG else {
                throw SourceError("\(subject), \(path): not a regular file", remedy: "name a file that holds it")
            }
            bytes = try SecretBytes(readingFrom: file, limit: limit)
        } catch let error as SystemCallError {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw SourceError(
                "\(subject), \(path): can't be read: \(String(cString: strerror(error.code)).lowercased())",
                remedy: error.code == EACCES ? "make it readable to user \(geteuid()) (and to nobody else)" : nil)
        } catch {
            throw error as! SourceError
        }
        guard let bytes else { throw SourceError("\(subject), \(path): larger than \(limit >> 20) MiB", remedy: "name the right file") }
        return bytes
    }
}
