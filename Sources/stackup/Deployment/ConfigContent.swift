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
        func failure(_ attribute: String, _ error: DeploymentError) -> DeploymentError {
            error.about("config", config.key, attribute, at: config.location)
        }
        switch config.source {
        case .content(let text):
            return Array(text.utf8)
        case .environment(let variable):
            guard let value = environment[variable] else { 
                throw failure(
                    "environment", DeploymentError("the environment variable \(variable) is not set", remedy: "set it, or use 'file'"))
            }
            return Array(value.utf8)
        case .external:
            throw failure(
                "external",
                DeploymentError(
                    "it is external, and stackup keeps no configs outside a project", remedy: "give it a 'file', 'content' or 'environment'"))
        case .file(let path):
            do {
                return try read(try folders.resolve(path))
            } catch {
                throw failure("file", error as? DeploymentError ?? DeploymentError("\(error)"))
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
