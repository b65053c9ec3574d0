import Glibc
import JSON
import Testing
import YAML

@testable import Compose

/// A project directory that is removed with its last reference.
final class Fixture {
    let directory: String

    init(_ files: [String: String] = [:]) {
        var template = Array("/tmp/stackup-compose-XXXXXX".utf8CString)
        directory = String(cString: mkdtemp(&template))
        for (name, text) in files { write(name, text) }
    }

    deinit {
        Self.remove(directory)
    }

    private static func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(cString: $0.bindMemory(to: CChar.self).baseAddress!) }
                if name != ".", name != ".." { remove(path + "/" + name) }
            }
            closedir(directory)
        }
        _ = Glibc.remove(path)
    }

    func write(_ name: String, _ text: String) {
        let path = directory + "/" + name
        for (index, byte) in path.utf8.enumerated() where byte == UInt8(ascii: "/") && index > directory.utf8.count {
            mkdir(String(path.utf8.prefix(index))!, 0o755)
        }
        let file = fopen(path, "w")!
        fputs(text, file)
        fclose(file)
    }

    func load(
        files: [String] = [], name: String? = nil, profiles: [String] = [], services: [String] = [],
        environment: [String: String] = [:], envFiles: [String] = [], in subdirectory: String = "",
        standardInput: String = ""
    ) -> LoadResult {
        loadProject(
            ProjectOptions(
                files: files, projectName: name, envFiles: envFiles, profiles: profiles, services: services,
                workingDirectory: subdirectory.isEmpty ? directory : directory + "/" + subdirectory,
                environment: environment, standardInput: { Array(standardInput.utf8) }))
    }

    func outline() -> OutlineResult { loadOutline(ProjectOptions(purpose: .printing, workingDirectory: directory)) }

    /// The one service of the one file, with every error a failure.
    static func service(_ text: String, environment: [String: String] = [:]) throws -> Service {
        let fixture = Fixture(["compose.yaml": text])
        let result = fixture.load(environment: environment)
        #expect(result.diagnostics.filter { $0.severity == .error } == [])
        return try #require(result.project?.stack.services.first)
    }

    /// The messages of the errors that one file gives.
    static func errors(_ text: String, environment: [String: String] = [:]) -> [String] {
        Fixture(["compose.yaml": text]).load(environment: environment).errors
    }
}

extension LoadResult {
    var errors: [String] { diagnostics.filter { $0.severity == .error }.map(\.message) }
    var warnings: [String] { diagnostics.filter { $0.severity == .warning }.map(\.message) }
}
