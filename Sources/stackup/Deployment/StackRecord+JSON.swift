import Compose
import JSON
import Linux
import Runner

extension StackRecord: JSONConvertible {
    /// Format 3 had neither reactions nor the secrets' origins.
    private static let readableFormats = 3...4

    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        guard Self.readableFormats.contains(try members.read("format")) else { throw JSONMembers.mismatch("of a format that is known") }
        workingDirectory = try members.read("workingDirectory")
        composeFiles = try members.read("composeFiles")
        surroundings = try members.read("surroundings")
        services = try members.read("services")
        secrets = try members.readIfPresent("secrets") ?? [:]
        oneOffFolders = try members.readIfPresent("oneOffFolders") ?? []
    }

    var json: JSONValue {
        .members {
            $0.put("format", Self.readableFormats.upperBound)
            $0.put("workingDirectory", workingDirectory)
            $0.put("composeFiles", composeFiles)
            $0.put("surroundings", surroundings)
            $0.put("services", services)
            $0.put("secrets", secrets)
            $0.put("oneOffFolders", oneOffFolders.isEmpty ? nil : oneOffFolders)
        }
    }
}

extension StackRecord.Entry: JSONConvertible {
    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            attributes: try members.read("attributes"), plan: try members.read("plan"),
            reactions: try members.readIfPresent("reactions") ?? [])
    }

    var json: JSONValue {
        .members {
            $0.put("attributes", attributes)
            $0.put("plan", plan)
            $0.put("reactions", reactions.isEmpty ? nil : reactions)
        }
    }
}

extension StackRecord.Reaction: JSONConvertible {
    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(target: try members.read("target"), reaction: SecretChangeReaction(try members.read("reaction")) ?? .none)
    }

    var json: JSONValue {
        .members {
            $0.put("target", target)
            $0.put("reaction", reaction.description)
        }
    }
}

extension SecretOrigin: JSONConvertible {
    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        key = try members.read("key")
        place = try members.readIfPresent("place")
        renewal = try members.decodeIfPresent("renewal")
        labels = try members.read("labels")
        isMade = try members.readIfPresent("made") ?? false
    }

    var json: JSONValue {
        .members { members in
            members.put("key", key)
            members.put("place", place)
            members.encode("renewal", renewal)
            members.put("labels", labels)
            members.put("made", isMade ? true : nil)
        }
    }
}

/// As the compiler's `Codable` has it: values without a name are numbered.
extension SecretOrigin.Place: JSONConvertible {
    init(json: JSONValue) throws {
        var kinds = try JSONMembers(json)
        if let file = kinds.value("file") {
            var members = try JSONMembers(file)
            self = .file(try members.read("_0"))
        } else if let environment = kinds.value("environment") {
            var members = try JSONMembers(environment)
            self = .environment(try members.read("_0"))
        } else if let driver = kinds.value("driver") {
            var members = try JSONMembers(driver)
            self = .driver(try members.read("_0"), options: try members.read("options"), directory: try members.read("directory"))
        } else {
            throw JSONMembers.mismatch("a place that secrets come from")
        }
    }

    var json: JSONValue {
        .members { kinds in
            switch self {
            case .file(let path): kinds.put("file", .members { $0.put("_0", path) })
            case .environment(let variable): kinds.put("environment", .members { $0.put("_0", variable) })
            case .driver(let name, let options, let directory):
                kinds.put("driver", .members {
                    $0.put("_0", name)
                    $0.put("options", options)
                    $0.put("directory", directory)
                })
            }
        }
    }
}
