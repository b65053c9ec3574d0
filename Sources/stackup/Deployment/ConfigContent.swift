import Compose
import Glibc
import Linux

/// The bytes of a config, read from where the Compose file says.
enum ConfigContent {
    /// The same limit as for a secret, in bytes.
    static let limit = 500 * 1024

    /// - Parameters:
    ///   - environment: what interpolation used: the caller's with `.env`.
    ///   - folders: where services can lay links.
    /// - Throws: `DeploymentError` that names the config and its source.
    static func read(
        _ config: ConfigDeclaration, environment: [String: String], folders: inout WritableFolders
    ) throws(DeploymentError) -> [UInt8] {
        func failure(_ reason: String) -> DeploymentError {
            DeploymentError("config '\(config.key)': \(reason)", at: config.location)
        }
        switch config.source {
        case .content(let text):
            return Array(text.utf8)
        case .environment(let variable):
            guard let value = environment[variable] else { throw failure("the environment variable \(variable) is not set") }
            return Array(value.utf8)
        case .external:
            throw failure("it is external, and stackup keeps no configs outside a project; give it a 'file', 'content' or 'environment'")
        case .file(let path):
            do {
                return try read(try folders.resolve(path))
            } catch {
                throw failure("\(error)")
            }
        }
    }

    /// - Parameter path: without symbolic links.
    private static func read(_ path: String) throws -> [UInt8] {
        // O_NONBLOCK: a pipe in the file's place must not hang us.
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, resolution: .noSymlinks)
        guard try file.status().st_mode & S_IFMT == S_IFREG else { throw DeploymentError("\(path) is not a regular file") }
        guard let bytes = try file.readAll(limit: limit) else { throw DeploymentError("\(path) is larger than 500 KiB") }
        return bytes
    }
}
