import Glibc
import Linux
import SourceProtocol

/// Where a program lies.
enum ProgramSearch {
    /// Where there is no `PATH`: the places of the Filesystem Hierarchy Standard.
    private static let usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The path of a program that `PATH` leads to, or that is a path itself, which starts from the request's folder.
    ///
    /// Entries of `PATH` that are not absolute would lead to whatever lies in the working directory, and are passed over.
    ///
    /// - Throws: `SourceError` where there is none.
    static func path(of program: String, for request: SourceRequest) throws(SourceError) -> String {
        if program.utf8.contains(UInt8(ascii: "/")) {
            let path = request.path(program)
            guard isProgram(path) else {
                throw SourceError(
                    "\(path): \(access(path, F_OK) == 0 ? "not a program that may be run" : "no such program")",
                    remedy: "correct the path; a relative one starts from \(request.directory)")
            }
            return path
        }
        for folder in (request.environment["PATH"] ?? usualPath).split(separator: ":") where folder.hasPrefix("/") {
            let path = Paths.join(String(folder), program)
            if isProgram(path) { return path }
        }
        throw SourceError("the program '\(program)' is not there", remedy: "install it, or add its folder to PATH")
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
