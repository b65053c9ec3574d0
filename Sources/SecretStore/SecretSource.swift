import Glibc
import Linux
import SecretMemory

/// Reads a secret's value from where it comes from, straight into guarded memory.
public enum SecretSourceReader {
    /// The largest value in bytes: Swarm's limit, 500 KiB.
    public static let limit = SecretStore.valueLimit

    /// Reads a `file:` source.
    ///
    /// The file is opened once and judged by its descriptor, so it can't be exchanged in between. Opening never waits and never gets us a controlling terminal: a
    /// FIFO or a device is refused, not read.
    ///
    /// - Parameter followingLinks: otherwise a path that leads through a symbolic link is refused: it was resolved before.
    /// - Throws: `SecretSourceError`, for a file that is missing, unreadable, not a regular file, empty or
    ///   too large.
    public static func file(_ path: String, followingLinks: Bool = true) throws(SecretSourceError) -> SecretBytes {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(
                path, O_RDONLY | O_NONBLOCK | O_NOCTTY, resolution: followingLinks ? [] : .noSymlinks)
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR: throw .missing(path)
            case ENXIO: throw .notRegular(path, "a socket or a FIFO")
            default: throw .unreadable(path, error.naming(path))
            }
        }
        let status: stat
        do {
            status = try descriptor.status()
        } catch {
            throw .unreadable(path, error.naming(path))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(path, kind(of: status)) }
        return try self.descriptor(descriptor, named: path)
    }

    /// Reads what comes from an open descriptor until its end, such as a pipe's.
    ///
    /// - Parameter name: for messages.
    public static func descriptor(
        _ descriptor: borrowing FileDescriptor, named name: String
    ) throws(SecretSourceError) -> SecretBytes {
        let value: SecretBytes?
        do {
            value = try SecretBytes(readingFrom: descriptor, limit: limit)
        } catch {
            throw .unreadable(name, error.naming(name))
        }
        guard let value else { throw .tooLarge(name) }
        guard value.count > 0 else { throw .empty(name) }
        return value
    }

    /// Reads standard input until its end.
    public static func standardInput() throws(SecretSourceError) -> SecretBytes {
        let name = "standard input"
        let own: FileDescriptor
        do {
            own = FileDescriptor(owning: try retryingInterrupts("dup") { fcntl(0, F_DUPFD_CLOEXEC, 3) })
        } catch {
            throw .unreadable(name, error.naming(name))
        }
        return try descriptor(own, named: name)
    }

    /// Takes an `environment:` source's value, which the caller has looked up.
    ///
    /// - Parameter name: the variable's name, for messages.
    public static func environmentValue(_ value: String, name: String) throws(SecretSourceError) -> SecretBytes {
        let subject = "environment variable \(name)"
        let count = value.utf8.count
        guard count > 0 else { throw .empty(subject) }
        guard count <= limit else { throw .tooLarge(subject) }
        var value = value
        do {
            var result = try SecretBytes(count: count)
            value.withUTF8 { bytes in
                result.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(bytes)) }
            }
            return result
        } catch {
            throw .unreadable(subject, error)
        }
    }

    private static func kind(of status: stat) -> String {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}

/// Why a source gives no value. The texts name the source and what to do, never a value.
public enum SecretSourceError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(String)
    case notRegular(String, String)
    case unreadable(String, SystemCallError)
    case empty(String)
    case tooLarge(String)

    public var description: String { remedy.map { "\(reason); \($0)" } ?? reason }

    /// What is wrong.
    public var reason: String {
        switch self {
        case .missing(let source):
            "\(source): no such file"
        case .notRegular(let source, let kind):
            "\(source): \(kind), not a regular file"
        case .unreadable(let source, let error) where Self.isDenied(error):
            "\(source): permission denied"
        case .unreadable(let source, let error):
            "\(source): can't be read: \(String(cString: strerror(error.code)))"
        case .empty(let source):
            "\(source): empty; a secret has at least one byte"
        case .tooLarge(let source):
            "\(source): larger than \(SecretSourceReader.limit) bytes (500 KiB), the most that a secret may have"
        }
    }

    /// What to do about it, where that is more than the reason says.
    public var remedy: String? {
        switch self {
        case .missing: "create it, or correct the path"
        case .notRegular: "name a file that holds the value"
        case .unreadable(_, let error) where Self.isDenied(error): "make it readable to user \(geteuid()) (and to nobody else)"
        case .unreadable, .empty, .tooLarge: nil
        }
    }

    private static func isDenied(_ error: SystemCallError) -> Bool { error.code == EACCES || error.code == EPERM }
}
