import Compose
import Glibc
import Linux

/// The bytes of a config, read from where the Compose file says.
enum ConfigContent {
    /// The same limit as for a secret, in bytes.
    static let limit = 500 * 1024

    /// - Parameter environment: what interpolation used: the caller's with `.env`.
    /// - Throws: `DeploymentError` that names the config and its source.
    static func read(_ config: ConfigDeclaration, environment: [String: String]) throws(DeploymentError) -> [UInt8] {
        switch config.source {
        case .content(let text):
            return Array(text.utf8)
        case .environment(let variable):
            guard let value = environment[variable] else {
                throw DeploymentError("config '\(config.key)': the environment variable \(variable) is not set")
            }
            return Array(value.utf8)
        case .external:
            throw DeploymentError("config '\(config.key)' is external, and stackup keeps no configs outside a project; give it a 'file', 'content' or 'environment'")
        case .file(let path):
            return try read(config.key, at: path)
        }
    }

    private static func read(_ key: String, at path: String) throws(DeploymentError) -> [UInt8] {
        do {
            // O_NONBLOCK: a pipe in the file's place must not hang us.
            let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            guard try file.status().st_mode & S_IFMT == S_IFREG else {
                throw DeploymentError("config '\(key)': \(path) is not a regular file")
            }
            guard let bytes = try file.readAll(limit: limit) else {
                throw DeploymentError("config '\(key)': \(path) is larger than 500 KiB")
            }
            return bytes
        } catch let error as DeploymentError {
            throw error
        } catch {
            throw DeploymentError("config '\(key)': \(error)")
        }
    }
}
