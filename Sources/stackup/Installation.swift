import Glibc
import Linux

/// The files that belong to this installation.
enum Installation {
    /// The version that `stackup version` prints.
    static let version = "0.1.0"

    /// A program that this one starts.
    enum Helper: String {
        /// Pid 1 of an instance.
        case initProcess = "stackup-init"
        /// What fetches secrets from where they are kept.
        case sources = "stackup-sources"
    }

    /// Where a helper lies: beside this executable in a build folder, below `libexec` once installed.
    ///
    /// - Throws: `CommandFailure` where it is in neither place.
    static func executable(_ helper: Helper) throws(CommandFailure) -> String {
        let (name, folder) = (helper.rawValue, executableFolder())
        for candidate in [folder + "/" + name, folder + "/../libexec/stackup/" + name] where access(candidate, X_OK) == 0 {
            return candidate
        }
        throw CommandFailure("\(name) is missing: it should lie in \(folder) or in \(folder)/../libexec/stackup; install stackup again")
    }

    private static func executableFolder() -> String { Paths.directory(of: program) }

    /// This program's own file.
    static var program: String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        return String(decoding: buffer[..<max(0, length)], as: UTF8.self)
    }
}
