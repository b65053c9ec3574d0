import YAML

/// Files that Compose would fetch from elsewhere.
enum RemoteFile {
    /// Why a path can't be read, where it names something remote.
    static func problem(_ path: String) -> (message: String, remedy: String)? {
        let kind: String
        if path.hasPrefix("oci://") {
            kind = "an OCI artifact"
        } else if isRepository(path) {
            kind = "a Git repository"
        } else if path.hasPrefix("https://") || path.hasPrefix("http://") {
            kind = "a URL"
        } else {
            return nil
        }
        return (
            "\(path) is \(kind), and stackup reads files of this host only",
            "fetch it yourself, and name the copy"
        )
    }

    /// Source: Git's documentation, "Git URLs"; GitHub's need no scheme.
    private static func isRepository(_ path: String) -> Bool {
        if ["git://", "ssh://", "git@", "github.com/"].contains(where: path.hasPrefix) { return true }
        guard path.hasPrefix("https://") || path.hasPrefix("http://") else { return false }
        return Text.cut(path, at: UInt8(ascii: "#")).before.hasSuffix(".git")
    }
}

extension Reporter {
    /// Whether a path names something remote, which is reported.
    func refusesRemote(_ path: String, at place: Place?, attribute: String) -> Bool {
        guard let problem = RemoteFile.problem(path) else { return false }
        error(problem.message, at: place, attribute: attribute, remedy: problem.remedy)
        return true
    }
}
