import Compose
import Glibc
import Linux
import Runner
import SystemCalls
import YAML

/// Turns what `security_opt` says of system calls into a filter, and finds out what is wrong with a profile before anything starts.
struct FilterPlanning {
    private struct Key: Hashable {
        let path: String
        let capabilities: UInt64
    }

    /// Services often share a profile.
    private var made: [Key: FilterProgram] = [:]

    /// Docker's profile has 14 KiB.
    private static let limit = 1 << 20

    /// - Parameters:
    ///   - directory: what a profile's path is seen from.
    ///   - folders: where services can lay links.
    /// - Returns: nil for the usual filter.
    mutating func filter(
        of service: Service, capabilities: CapabilitySet, from directory: String, folders: inout WritableFolders
    ) throws(DeploymentError) -> SystemCallFilter? {
        switch service.security.systemCalls {
        case .standard: return nil
        case .unconfined: return .unconfined
        case .profile(let text):
            let place = service.places.item(of: "security_opt") { $0.string?.hasPrefix("seccomp") ?? false }
            let key = Key(path: try folders.resolve(Paths.join(directory, text)), capabilities: capabilities.rawValue)
            if let known = made[key] { return .program(known) }
            do {
                let program = try FilterProfile(docker: try Self.read(key.path)).compiled(for: key.capabilities)
                made[key] = program
                return .program(program)
            } catch let error as FilterError {
                throw DeploymentError("the seccomp profile \(key.path): \(error)", attribute: place)
            } catch {
                throw DeploymentError(
                    "the seccomp profile cannot be read: \(error)", attribute: place, remedy: "correct the path, or remove the option")
            }
        }
    }

    /// - Parameter path: without symbolic links.
    private static func read(_ path: String) throws -> [UInt8] {
        // O_NONBLOCK: a pipe in the file's place must not hang us.
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, resolution: .noSymlinks)
        guard try file.status().st_mode & S_IFMT == S_IFREG else { throw DeploymentError("\(path) is not a regular file") }
        guard let bytes = try file.readAll(limit: limit) else { throw DeploymentError("\(path) is larger than 1 MiB") }
        return bytes
    }
}
