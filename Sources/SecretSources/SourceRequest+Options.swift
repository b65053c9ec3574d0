import Glibc
import Linux
import SourceProtocol

/// Options as drivers want them.
extension SourceRequest {
    /// An option's value; nil where it is not given, or empty.
    func option(_ name: String) -> String? {
        options[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The value of an option that a driver can't do without, which the registry has seen to.
    func required(_ name: String) -> String {
        options[name]!
    }

    /// Whether an option is `true`; the registry lets nothing but `true` and `false` pass.
    func flag(_ name: String) -> Bool {
        options[name] == "true"
    }

    /// The first of some variables of the environment that is set, and not empty.
    func variable(_ names: String...) -> String? {
        names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }

    /// A path that starts from the Compose file's folder, or from the home folder where it begins with `~`.
    func path(_ text: String) -> String {
        Paths.clean(Paths.absolute(text, from: directory, home: environment["HOME"]))
    }

    /// The path of a file that an option names, for a program that may say less clearly than this what is wrong with it.
    ///
    /// - Parameter text: what the option says; its whole value by default.
    /// - Throws: `SourceError` where there is no such file, or none that may be read.
    func readableFile(_ name: String, _ text: String? = nil) throws(SourceError) -> String {
        let path = path(text ?? required(name))
        guard access(path, R_OK) == 0 else {
            throw SourceError(
                "\(path): \(String(cString: strerror(errno)).lowercased())", remedy: "correct '\(name)'; a relative path starts from \(directory)")
        }
        return path
    }

    /// Where GnuPG keeps keys and locks, and talks to its agent.
    var gnuPGFolders: [String] {
        [path(environment["GNUPGHOME"] ?? "~/.gnupg"), "/run/user/\(geteuid())/gnupg"]
    }

    /// Where programs put temporary files.
    var temporaryFolders: [String] {
        ["/tmp", "/var/tmp", "/dev/shm"] + (environment["TMPDIR"].map { [$0] } ?? [])
    }
}
