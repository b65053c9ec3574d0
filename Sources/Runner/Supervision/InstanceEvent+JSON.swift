import JSON

// In the form that the compiler's `Codable` has: nil is left out, a case is an object with its name, and its values below that.

extension InstanceEvent: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            service: try members.read("service"), index: try members.readIfPresent("index"), kind: try members.read("kind"),
            oneOff: try members.readIfPresent("oneOff"))
    }

    public var json: JSONValue {
        .members { members in
            members.put("service", service)
            members.put("index", index)
            members.put("kind", kind)
            members.put("oneOff", oneOff)
        }
    }
}

extension InstanceEvent.Kind: JSONConvertible {
    public init(json: JSONValue) throws {
        guard case .object(let cases) = json, cases.count == 1, let only = cases.first else { throw JSONMembers.mismatch("an event") }
        var values = try JSONMembers(only.value)
        switch only.name {
        case "created": self = .created
        case "starting": self = .starting
        case "started": self = .started(pid: try values.read("pid"))
        case "exited": self = .exited(code: try values.read("code"))
        case "restarting": self = .restarting(milliseconds: try values.read("milliseconds"))
        case "stopping": self = .stopping
        case "stopped": self = .stopped
        case "removed": self = .removed
        case "failed": self = .failed(reason: try values.read("reason"))
        case "signalled": self = .signalled(signal: try values.read("signal"))
        case "waiting": self = .waiting(until: try values.read("until"))
        case "healthy": self = .healthy
        case "unhealthy": self = .unhealthy(output: try values.read("output"))
        case "outOfMemory": self = .outOfMemory
        case "paused": self = .paused
        case "unpaused": self = .unpaused
        case "hookFailed": self = .hookFailed(hook: try values.read("hook"), reason: try values.read("reason"))
        case "fileWritten": self = .fileWritten(target: try values.read("target"))
        case "fileRemoved": self = .fileRemoved(target: try values.read("target"))
        default: throw JSONMembers.mismatch("an event that this version knows")
        }
    }

    public var json: JSONValue {
        func value(_ name: String, _ build: (inout JSONMemberList) -> Void = { _ in }) -> JSONValue {
            .object([JSONValue.Member(name, .members(build))])
        }
        return switch self {
        case .created: value("created")
        case .starting: value("starting")
        case .started(let pid): value("started") { $0.put("pid", pid) }
        case .exited(let code): value("exited") { $0.put("code", code) }
        case .restarting(let milliseconds): value("restarting") { $0.put("milliseconds", milliseconds) }
        case .stopping: value("stopping")
        case .stopped: value("stopped")
        case .removed: value("removed")
        case .failed(let reason): value("failed") { $0.put("reason", reason) }
        case .signalled(let signal): value("signalled") { $0.put("signal", signal) }
        case .waiting(let until): value("waiting") { $0.put("until", until) }
        case .healthy: value("healthy")
        case .unhealthy(let output): value("unhealthy") { $0.put("output", output) }
        case .outOfMemory: value("outOfMemory")
        case .paused: value("paused")
        case .unpaused: value("unpaused")
        case .hookFailed(let hook, let reason):
            value("hookFailed") {
                $0.put("hook", hook)
                $0.put("reason", reason)
            }
        case .fileWritten(let target): value("fileWritten") { $0.put("target", target) }
        case .fileRemoved(let target): value("fileRemoved") { $0.put("target", target) }
        }
    }
}
