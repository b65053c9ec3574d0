import JSON
import Linux
import SecretStore

// In the forms that the compiler's `Codable` has: nil is left out.

extension ObservedState: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            supervisorPID: try members.readIfPresent("supervisorPID"), instances: try members.read("instances"),
            mounts: try members.read("mounts"), maskedFiles: try members.read("maskedFiles"),
            schedule: try members.decodeIfPresent("schedule"))
        isSupervisorEnding = try members.readIfPresent("isSupervisorEnding")
    }

    public var json: JSONValue {
        .members { members in
            members.put("supervisorPID", supervisorPID)
            members.put("isSupervisorEnding", isSupervisorEnding)
            members.put("instances", instances)
            members.put("mounts", mounts)
            members.put("maskedFiles", maskedFiles)
            members.encode("schedule", schedule)
        }
    }
}

extension ObservedInstance.Status: JSONConvertible {}

extension ObservedInstance: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        service = try members.read("service")
        index = try members.read("index")
        status = try members.read("status")
        pid = try members.readIfPresent("pid")
        startTime = try members.readIfPresent("startTime")
        createdAt = try members.read("createdAt")
        startedAt = try members.readIfPresent("startedAt")
        finishedAt = try members.readIfPresent("finishedAt")
        exitCode = try members.readIfPresent("exitCode")
        restarts = try members.read("restarts")
        stoppedByUser = try members.read("stoppedByUser")
        configHash = try members.read("configHash")
        command = try members.read("command")
        failure = try members.readIfPresent("failure")
        health = try members.decodeIfPresent("health")
        groups = try members.readIfPresent("groups")
        isPaused = try members.readIfPresent("isPaused")
        ranOutOfMemory = try members.readIfPresent("ranOutOfMemory")
        isEnding = try members.readIfPresent("isEnding")
        isHeld = try members.readIfPresent("isHeld")
        awaitsMeans = try members.readIfPresent("awaitsMeans")
        oneOff = try members.decodeIfPresent("oneOff")
    }

    public var json: JSONValue {
        .members { members in
            members.put("service", service)
            members.put("index", index)
            members.put("status", status)
            members.put("pid", pid)
            members.put("startTime", startTime)
            members.put("createdAt", createdAt)
            members.put("startedAt", startedAt)
            members.put("finishedAt", finishedAt)
            members.put("exitCode", exitCode)
            members.put("restarts", restarts)
            members.put("stoppedByUser", stoppedByUser)
            members.put("configHash", configHash)
            members.put("command", command)
            members.put("failure", failure)
            members.encode("health", health)
            members.put("groups", groups)
            members.put("isPaused", isPaused)
            members.put("ranOutOfMemory", ranOutOfMemory)
            members.put("isEnding", isEnding)
            members.put("isHeld", isHeld)
            members.put("awaitsMeans", awaitsMeans)
            members.encode("oneOff", oneOff)
        }
    }
}

extension ObservedMount: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(service: try members.read("service"), files: try members.read("files"))
    }

    public var json: JSONValue {
        .members {
            $0.put("service", service)
            $0.put("files", files)
        }
    }
}

extension MaskedFile: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(path: try members.read("path"), identity: try members.read("identity"))
    }

    public var json: JSONValue {
        .members {
            $0.put("path", path)
            $0.put("identity", identity)
        }
    }
}

extension MountedFile.Kind: JSONConvertible {}

extension MountedFile: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            kind: try members.read("kind"), name: try members.read("name"), version: try members.read("version"),
            identity: try members.readIfPresent("identity"), target: try members.read("target"), uid: try members.read("uid"),
            gid: try members.read("gid"), mode: try members.read("mode"))
    }

    public var json: JSONValue {
        .members {
            $0.put("kind", kind)
            $0.put("name", name)
            $0.put("version", version)
            $0.put("identity", identity)
            $0.put("target", target)
            $0.put("uid", uid)
            $0.put("gid", gid)
            $0.put("mode", mode)
        }
    }
}
