import JSON
import Reconciler

// In the form that the compiler's `Codable` has: nil is left out. Written at each start and end.

extension StateRecord: JSONConvertible {
    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            bootID: try members.read("bootID"), services: try members.read("services"), instances: try members.read("instances"),
            owed: try members.decodeIfPresent("owed"), renewals: try members.decodeIfPresent("renewals"))
    }

    var json: JSONValue {
        .members { members in
            members.put("bootID", bootID)
            members.put("services", services)
            members.put("instances", instances)
            members.encode("owed", owed)
            members.encode("renewals", renewals)
        }
    }
}

extension StateRecord.Service: JSONConvertible {
    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(name: try members.read("name"), traits: try members.read("traits"), files: try members.readIfPresent("files"))
    }

    var json: JSONValue {
        .members { members in
            members.put("name", name)
            members.put("traits", traits)
            members.put("files", files)
        }
    }
}

extension ServiceTraits: JSONConvertible {
    init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        dependencies = try members.read("dependencies")
        restart = try members.read("restart")
        restartLimits = try members.decodeIfPresent("restartLimits")
        logging = try members.decodeIfPresent("logging")
        stopSignal = try members.read("stopSignal")
        stopGraceMilliseconds = try members.read("stopGraceMilliseconds")
        oneOff = try members.decodeIfPresent("oneOff")
        mounts = try members.readIfPresent("mounts")
        hasPreStopHooks = try members.readIfPresent("hasPreStopHooks")
    }

    var json: JSONValue {
        .members { members in
            members.put("dependencies", dependencies)
            members.put("restart", restart)
            members.encode("restartLimits", restartLimits)
            members.encode("logging", logging)
            members.put("stopSignal", stopSignal)
            members.put("stopGraceMilliseconds", stopGraceMilliseconds)
            members.encode("oneOff", oneOff)
            members.put("mounts", mounts)
            members.put("hasPreStopHooks", hasPreStopHooks)
        }
    }
}
