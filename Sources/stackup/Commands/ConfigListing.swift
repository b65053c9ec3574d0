import Compose
import JSON
import SecretStore
import Terminal

/// What `stackup config` prints for the options that ask for a list; where several are given, the first of them counts.
struct ConfigListing {
    private let invocation: Invocation

    init(_ invocation: Invocation) {
        self.invocation = invocation
    }

    /// nil where none of the options is given.
    func lines() throws -> [String]? {
        if invocation.flag("services") { return try services() }
        if invocation.flag("volumes") { return try keys("volumes") }
        if invocation.flag("networks") { return try keys("networks") }
        if invocation.flag("models") { return try models() }
        if let names = invocation.value("hash"), !names.isEmpty { return try hashes(names) }
        if invocation.flag("profiles") { return try invocation.loadProject(services: invocation.operands, for: .listing).stack.profiles }
        if invocation.flag("images") { return try images() }
        if invocation.flag("variables") { return try variables() }
        if invocation.flag("environment") {
            let project = try invocation.loadProject(services: invocation.operands, for: .listing)
            return project.environment.map { "\($0.key)=\($0.value)" }.sorted()
        }
        return nil
    }

    /// What others depend on comes before them.
    private func services() throws -> [String] {
        if invocation.flag("no-interpolate") { return try invocation.loadUninterpolatedModel(for: .listing).serviceNames }
        let services = try invocation.loadProject(for: .listing).stack.services
        let byName = Dictionary(services.map { ($0.name, $0) }) { first, _ in first }
        var order: [String] = []
        var seen: Set<String> = []
        // The names still to be taken; one comes again, as nil before it, when all it depends on has been.
        var rest: [(name: String, isReady: Bool)] = byName.keys.sorted(by: >).map { ($0, false) }
        while let (name, isReady) = rest.popLast() {
            if isReady {
                order.append(name)
            } else if seen.insert(name).inserted, let service = byName[name] {
                rest.append((name, true))
                rest += service.dependsOn.map(\.service).filter { byName[$0] != nil }.sorted(by: >).map { ($0, false) }
            }
        }
        return order
    }

    private func members(_ kind: String) throws -> [JSONValue.Member] {
        guard case .object(let members)? = try invocation.loadProject(for: .listing).document[kind] else { return [] }
        return members
    }

    private func keys(_ kind: String) throws -> [String] {
        try members(kind).map(\.name)
    }

    private func models() throws -> [String] {
        try members("models").compactMap { member in
            if case .string(let name)? = member.value["model"] { name } else { nil }
        }
    }

    private func hashes(_ names: String) throws -> [String] {
        let project = try invocation.loadProject(for: .listing)
        let stack = project.stack
        guard case .object(let documents)? = project.document["services"] else { return [] }
        let services = Dictionary(documents.map { ($0.name, $0.value) }) { first, _ in first }
        let wanted = names == "*" ? stack.services.map(\.name) : names.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return try wanted.sorted().map { name in
            guard let service = services[name] else {
                throw CommandFailure(
                    stack.disabledServices.contains(name)
                        ? "service '\(name)' is not enabled by any active profile" : "no such service: \(name)")
            }
            return "\(name) \(contentHash(Array(Self.hashed(service).serialized().utf8)))"
        }
    }

    /// What Compose hashes of a service: not what can change without a new container.
    private static func hashed(_ service: JSONValue) -> JSONValue {
        guard case .object(let members) = service else { return service }
        let left: Set = ["build", "pull_policy", "scale", "depends_on", "profiles"]
        return .object(members.filter { !left.contains($0.name) }.map { member in
            guard member.name == "deploy", case .object(let deploy) = member.value else { return member }
            return JSONValue.Member("deploy", .object(deploy.filter { $0.name != "replicas" }))
        })
    }

    private func images() throws -> [String] {
        let stack = try invocation.loadProject(services: invocation.operands, for: .listing).stack
        return stack.services.compactMap { $0.image ?? ($0.hasBuild ? "\(stack.name)-\($0.name)" : nil) }.sorted()
    }
}

/// `--variables`.
extension ConfigListing {
    private func variables() throws -> [String] {
        let variables = try invocation.loadUninterpolatedModel(for: .listing).variables
        switch invocation.value("format") ?? "table" {
        case "json":
            // Four spaces a level and an empty line at the end, as Compose has it here.
            let text = Self.object(variables, ["Name", "DefaultValue", "PresenceValue", "Required"]).serialized(pretty: true)
            return text.split(separator: "\n").map { line in String(line.prefix { $0 == " " }) + line } + [""]
        case "yaml":
            let text = renderYAML(Self.object(variables, ["name", "defaultvalue", "presencevalue", "required"]))
            return text.split(separator: "\n").map { $0.hasPrefix("  ") ? "  " + $0 : String($0) }
        case "table", "":
            return [Self.row("NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE")]
                + variables.map { Self.row($0.name, "\($0.isRequired)", $0.defaultValue, $0.presenceValue) }
        case let format:
            throw invocation.arguments.usageError(
                "option '--format' does not take '\(format)' here", remedy: "give one of table, yaml, json")
        }
    }

    private static func object(_ variables: [TemplateVariable], _ names: [String]) -> JSONValue {
        .object(
            variables.map { variable in
                let values: [JSONValue] = [
                    .string(variable.name), .string(variable.defaultValue), .string(variable.presenceValue),
                    .bool(variable.isRequired),
                ]
                return JSONValue.Member(variable.name, .object(zip(names, values).map { JSONValue.Member($0, $1) }))
            })
    }

    private static func row(_ cells: String...) -> String {
        let padded = cells.dropLast().map { cell in
            cell + String(repeating: " ", count: max(20 - cell.utf8.count, 3))
        }
        return padded.joined() + (cells.last ?? "")
    }
}
