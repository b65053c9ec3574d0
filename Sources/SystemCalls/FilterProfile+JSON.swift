import JSON
import Linux

extension FilterProfile {
    /// Reads a profile in the form that Docker takes, with its conditions by capabilities, machines and kernels, or in the OCI runtime's.
    ///
    /// Source: Docker's documentation of seccomp profiles, and the types of `moby/profiles/seccomp`.
    ///
    /// - Throws: `FilterError` that names the place.
    public init(docker bytes: [UInt8]) throws(FilterError) {
        let document: JSONValue
        do {
            document = try JSONValue.parse(bytes)
        } catch {
            throw FilterError("it is no JSON: \(error)")
        }
        guard document.objectValue != nil else { throw FilterError("it is no JSON object; a seccomp profile starts with {") }
        let standard = try Self.action(document["defaultAction"], number: document["defaultErrnoRet"], "defaultAction")
        var rules: [Rule] = []
        for (index, rule) in try Self.list(document["syscalls"], "syscalls").enumerated() {
            rules.append(try Self.rule(rule, "syscalls[\(index)]"))
        }
        self.init(defaultAction: standard, architectures: try Self.architectures(document), rules: rules)
        if document["listenerPath"]?.stringValue?.isEmpty == false {
            throw FilterError("listenerPath: nobody listens to what a filter notifies of; remove it")
        }
        for flag in try Self.texts(document["flags"], "flags") {
            switch flag {
            // One thread is all that there is at that moment.
            case "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW": break
            case "SECCOMP_FILTER_FLAG_LOG": flags |= Flag.log
            default: throw FilterError("flags: '\(flag)' is not supported; remove it")
            }
        }
    }

    private static func rule(_ value: JSONValue, _ path: String) throws(FilterError) -> Rule {
        var names = try texts(value["names"], "\(path).names")
        if let name = value["name"]?.stringValue, !name.isEmpty {
            guard names.isEmpty else { throw FilterError("\(path) has both 'name' and 'names'; leave 'name' out") }
            names = [name]
        }
        guard !names.isEmpty else { throw FilterError("\(path) names no system call; give it 'names'") }
        var rule = Rule(names, try action(value["action"], number: value["errnoRet"], "\(path).action"))
        for (index, condition) in try list(value["args"], "\(path).args").enumerated() {
            rule.conditions.append(try self.condition(condition, "\(path).args[\(index)]"))
        }
        rule.needs = try surroundings(value["includes"], "\(path).includes")
        rule.excludes = try surroundings(value["excludes"], "\(path).excludes")
        return rule
    }

    private static func condition(_ value: JSONValue, _ path: String) throws(FilterError) -> Condition {
        guard let index = value["index"]?.integerValue, (0...5).contains(index) else {
            throw FilterError("\(path).index must be from 0 to 5")
        }
        guard let text = value["op"]?.stringValue, let comparison = Condition.Comparison(rawValue: text) else {
            throw FilterError("\(path).op is no comparison; write for example SCMP_CMP_EQ")
        }
        return Condition(
            argument: UInt32(index), comparison, try number(value["value"], "\(path).value"), try number(value["valueTwo"], "\(path).valueTwo"))
    }

    private static func surroundings(_ value: JSONValue?, _ path: String) throws(FilterError) -> Surroundings {
        var surroundings = Surroundings()
        guard let value, !value.isNull else { return surroundings }
        for name in try texts(value["caps"], "\(path).caps") {
            guard let number = Capabilities.number(name) else { throw FilterError("\(path).caps: '\(name)' is not a capability") }
            surroundings.capabilities |= 1 << UInt64(number)
        }
        surroundings.machines = try texts(value["arches"], "\(path).arches")
        if let text = value["minKernel"]?.stringValue {
            let parts = text.split(separator: ".").map { Int($0) }
            guard parts.count == 2, let major = parts[0], let minor = parts[1] else {
                throw FilterError("\(path).minKernel must be two numbers such as 4.8")
            }
            surroundings.kernel = [major, minor]
        }
        return surroundings
    }

    private static func architectures(_ document: JSONValue) throws(FilterError) -> [String] {
        func word(_ text: String, _ path: String) throws(FilterError) -> String {
            guard text.hasPrefix("SCMP_ARCH_") else { throw FilterError("\(path): '\(text)' is no architecture; write for example SCMP_ARCH_X86_64") }
            return text.dropFirst("SCMP_ARCH_".utf8.count).lowercased()
        }
        var all: [String] = []
        for text in try texts(document["architectures"], "architectures") { all.append(try word(text, "architectures")) }
        for (index, entry) in try list(document["archMap"], "archMap").enumerated() {
            guard all.isEmpty || index > 0 else { throw FilterError("it has both 'architectures' and 'archMap'; leave one of them out") }
            let path = "archMap[\(index)]"
            guard let machine = entry["architecture"]?.stringValue, try word(machine, path) == Machine.architecture else { continue }
            for text in try texts(entry["subArchitectures"], "\(path).subArchitectures") { all.append(try word(text, path)) }
        }
        return all
    }

    private static func action(_ value: JSONValue?, number: JSONValue?, _ path: String) throws(FilterError) -> FilterAction {
        let wanted = try self.number(number, "\(path)'s errnoRet")
        guard wanted <= 4095 else { throw FilterError("\(path)'s errnoRet must be an error number (errno(3))") }
        let hasNumber = number.map { !$0.isNull } ?? false
        switch value?.stringValue {
        case "SCMP_ACT_ALLOW": return .allow
        // EPERM, where none is given.
        case "SCMP_ACT_ERRNO": return .fail(hasNumber ? UInt16(wanted) : 1)
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return .killThread
        case "SCMP_ACT_KILL_PROCESS": return .killProcess
        case "SCMP_ACT_TRAP": return .trap
        case "SCMP_ACT_TRACE": return .trace(hasNumber ? UInt16(wanted) : 1)
        case "SCMP_ACT_LOG": return .log
        case "SCMP_ACT_NOTIFY": throw FilterError("\(path): nobody listens to SCMP_ACT_NOTIFY; use SCMP_ACT_ERRNO")
        case let text?: throw FilterError("\(path): '\(text)' is no action; write for example SCMP_ACT_ERRNO")
        case nil: throw FilterError("\(path) is missing; write for example SCMP_ACT_ERRNO")
        }
    }

    private static func number(_ value: JSONValue?, _ path: String) throws(FilterError) -> UInt64 {
        switch value {
        case nil, .null?: return 0
        case .integer(let number)? where number >= 0: return UInt64(number)
        case .unsigned(let number)?: return number
        default: throw FilterError("\(path) must be a whole number that is not negative")
        }
    }

    private static func list(_ value: JSONValue?, _ path: String) throws(FilterError) -> [JSONValue] {
        guard let value, !value.isNull else { return [] }
        guard let list = value.arrayValue else { throw FilterError("\(path) must be a list") }
        return list
    }

    private static func texts(_ value: JSONValue?, _ path: String) throws(FilterError) -> [String] {
        var texts: [String] = []
        for item in try list(value, path) {
            guard let text = item.stringValue else { throw FilterError("\(path) must be a list of texts") }
            texts.append(text)
        }
        return texts
    }
}
