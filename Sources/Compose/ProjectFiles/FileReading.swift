import Glibc
import Linux
import YAML

/// A file that a project was read from, and which one it was.
public struct ReadFile: Sendable {
    /// Absolute.
    public let path: String
    /// `st_dev` and `st_ino` of the file that was read (stat(2)).
    public let device: UInt64
    public let inode: UInt64
}

/// The most bytes that a Compose file or an env file may have.
public let projectFileLimit = Limits().textBytes

/// Reading the files that a project consists of.
enum FileReading {
    struct Problem: Error {
        /// Lower case, without the path.
        let reason: String
        let isMissing: Bool
    }

    /// The largest file that is read as a Compose file or an env file, in bytes.
    static let sizeLimit = projectFileLimit

    /// The content of a regular file, or of a pipe such as `/dev/stdin` or a shell's `<(…)`.
    ///
    /// - Parameter onRead: hears of a regular file which one it was.
    static func read(_ path: String, onRead: (ReadFile) -> Void = { _ in }) throws(Problem) -> [UInt8] {
        guard !path.utf8.contains(0) else { throw Problem(reason: "the path has a NUL byte", isMissing: false) }
        do {
            // O_NONBLOCK: a pipe that nobody writes to must not hang the command.
            let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let status = try file.status()
            let kind = status.st_mode & S_IFMT
            guard kind != S_IFDIR else { throw Problem(reason: "it is a directory", isMissing: false) }
            guard kind == S_IFREG || kind == S_IFIFO || kind == S_IFCHR else {
                throw Problem(reason: "it is not a regular file", isMissing: false)
            }
            if kind != S_IFREG { _ = fcntl(file.number, F_SETFL, 0) }
            guard let bytes = try file.readAll(limit: sizeLimit) else {
                throw Problem(reason: "it has more than the \(sizeLimit) bytes allowed", isMissing: false)
            }
            if kind == S_IFREG { onRead(ReadFile(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))) }
            return bytes
        } catch let problem as Problem {
            throw problem
        } catch let error as SystemCallError {
            throw Problem(reason: String(cString: strerror(error.code)).lowercasedFirst, isMissing: error.code == ENOENT)
        } catch {
            throw Problem(reason: "\(error)", isMissing: false)
        }
    }

    /// What `-` stands for.
    static func standardInput(_ options: ProjectOptions) throws(Problem) -> [UInt8] {
        do {
            guard let bytes = try options.standardInput() else {
                throw Problem(reason: "it has more than the \(sizeLimit) bytes allowed", isMissing: false)
            }
            return bytes
        } catch let problem as Problem {
            throw problem
        } catch let error as SystemCallError {
            throw Problem(reason: String(cString: strerror(error.code)).lowercasedFirst, isMissing: false)
        } catch {
            throw Problem(reason: "\(error)", isMissing: false)
        }
    }

    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

extension String {
    /// For the C library's messages, which start with a capital.
    var lowercasedFirst: String {
        prefix(1).lowercased() + dropFirst()
    }
}
