import JSON
import Linux
import Reconciler

// In the forms that the compiler's `Codable` has: nil is left out, a case is an object with its name, and its values below that.

extension LaunchPlan: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            service: try members.read("service"), replicas: try members.read("replicas"), configHash: try members.read("configHash"),
            arguments: try members.read("arguments"), environment: try members.read("environment"),
            workingDirectory: try members.read("workingDirectory"), user: try members.read("user"),
            hosts: try members.read("hosts"),
            capabilities: try members.read("capabilities"), limits: try members.read("limits"), mounts: try members.read("mounts"),
            hostFilesystemWritable: try members.read("hostFilesystemWritable"), files: try members.read("files"),
            restart: try members.read("restart"), dependencies: try members.read("dependencies"),
            stopSignal: try members.read("stopSignal"), stopGraceMilliseconds: try members.read("stopGraceMilliseconds"))
        hostname = try members.readIfPresent("hostname")
        filter = try members.decodeIfPresent("filter")
        controls = try members.decodeIfPresent("controls")
        oomScoreAdjustment = try members.readIfPresent("oomScoreAdjustment")
        sharedMemorySize = try members.readIfPresent("sharedMemorySize")
        namespaceSettings = try members.decodeIfPresent("namespaceSettings")
        hasPrivateCgroupNamespace = try members.readIfPresent("hasPrivateCgroupNamespace")
        namespaces = try members.decodeIfPresent("namespaces")
        isPrivileged = try members.readIfPresent("isPrivileged")
        restartLimits = try members.decodeIfPresent("restartLimits")
        logging = try members.decodeIfPresent("logging")
        healthCheck = try members.decodeIfPresent("healthCheck")
        postStart = try members.decodeIfPresent("postStart")
        preStop = try members.decodeIfPresent("preStop")
        oneOff = try members.decodeIfPresent("oneOff")
    }

    public var json: JSONValue {
        .members { members in
            members.put("service", service)
            members.put("replicas", replicas)
            members.put("configHash", configHash)
            members.put("arguments", arguments)
            members.put("environment", environment)
            members.put("workingDirectory", workingDirectory)
            members.put("user", user)
            members.put("hostname", hostname)
            members.put("hosts", hosts)
            members.put("capabilities", capabilities)
            members.encode("filter", filter)
            members.put("limits", limits)
            members.encode("controls", controls)
            members.put("oomScoreAdjustment", oomScoreAdjustment)
            members.put("sharedMemorySize", sharedMemorySize)
            members.encode("namespaceSettings", namespaceSettings)
            members.put("hasPrivateCgroupNamespace", hasPrivateCgroupNamespace)
            members.encode("namespaces", namespaces)
            members.put("isPrivileged", isPrivileged)
            members.put("mounts", mounts)
            members.put("hostFilesystemWritable", hostFilesystemWritable)
            members.put("files", files)
            members.put("restart", restart)
            members.encode("restartLimits", restartLimits)
            members.encode("logging", logging)
            members.put("dependencies", dependencies)
            members.encode("healthCheck", healthCheck)
            members.encode("postStart", postStart)
            members.encode("preStop", preStop)
            members.put("stopSignal", stopSignal)
            members.put("stopGraceMilliseconds", stopGraceMilliseconds)
            members.encode("oneOff", oneOff)
        }
    }
}

extension UserIdentity: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(uid: try members.read("uid"), gid: try members.read("gid"), groups: try members.read("groups"))
        keepsGroups = try members.readIfPresent("keepsGroups") ?? false
    }

    public var json: JSONValue {
        .members {
            $0.put("uid", uid)
            $0.put("gid", gid)
            $0.put("groups", groups)
            if keepsGroups { $0.put("keepsGroups", true) }
        }
    }
}

extension HostEntry: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(address: try members.read("address"), name: try members.read("name"))
    }

    public var json: JSONValue {
        .members {
            $0.put("address", address)
            $0.put("name", name)
        }
    }
}

extension ResourceLimit: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(resource: try members.read("resource"), soft: try members.read("soft"), hard: try members.read("hard"))
    }

    public var json: JSONValue {
        .members {
            $0.put("resource", resource)
            $0.put("soft", soft)
            $0.put("hard", hard)
        }
    }
}

extension CapabilitySet: JSONConvertible {
    public init(json: JSONValue) throws { self.init(rawValue: try UInt64(json: json)) }
    public var json: JSONValue { rawValue.json }

    // The standard library has others for all that have raw values.
    public init(from decoder: any Decoder) throws { try self.init(json: try JSONValue(from: decoder)) }
    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

extension MountPlan: JSONConvertible {
    public init(json: JSONValue) throws {
        var kinds = try JSONMembers(json)
        if let bind = kinds.value("bind") {
            var members = try JSONMembers(bind)
            self = .bind(source: try members.read("source"), target: try members.read("target"), readOnly: try members.read("readOnly"))
        } else if let tmpfs = kinds.value("tmpfs") {
            var members = try JSONMembers(tmpfs)
            self = .tmpfs(
                target: try members.read("target"), readOnly: try members.read("readOnly"), size: try members.readIfPresent("size"),
                mode: try members.read("mode"), uid: try members.read("uid"), gid: try members.read("gid"),
                executable: try members.read("executable"))
        } else {
            throw JSONMembers.mismatch("a mount")
        }
    }

    public var json: JSONValue {
        .members { kinds in
            switch self {
            case .bind(let source, let target, let readOnly):
                kinds.put("bind", .members {
                    $0.put("source", source)
                    $0.put("target", target)
                    $0.put("readOnly", readOnly)
                })
            case .tmpfs(let target, let readOnly, let size, let mode, let uid, let gid, let executable):
                kinds.put("tmpfs", .members {
                    $0.put("target", target)
                    $0.put("readOnly", readOnly)
                    $0.put("size", size)
                    $0.put("mode", mode)
                    $0.put("uid", uid)
                    $0.put("gid", gid)
                    $0.put("executable", executable)
                })
            }
        }
    }
}

extension Restart: JSONConvertible {
    public init(json: JSONValue) throws {
        guard case .object(let members) = json, members.count == 1 else { throw JSONMembers.mismatch("a restart policy") }
        switch members[0].name {
        case "no": self = .no
        case "always": self = .always
        case "unlessStopped": self = .unlessStopped
        case "onFailure":
            var values = try JSONMembers(members[0].value)
            self = .onFailure(maximumRetries: try values.readIfPresent("maximumRetries"))
        default: throw JSONMembers.mismatch("a restart policy")
        }
    }

    public var json: JSONValue {
        switch self {
        case .no: .members { $0.put("no", .object([])) }
        case .always: .members { $0.put("always", .object([])) }
        case .unlessStopped: .members { $0.put("unlessStopped", .object([])) }
        case .onFailure(let retries): .members { $0.put("onFailure", .members { $0.put("maximumRetries", retries) }) }
        }
    }
}

extension Dependency.Condition: JSONConvertible {}

/// The usual one is its name alone.
extension Dependency: JSONConvertible {
    public init(json: JSONValue) throws {
        if case .string(let service) = json {
            self.init(service)
            return
        }
        var members = try JSONMembers(json)
        self.init(
            try members.read("service"), try members.read("condition"), isRequired: try members.read("isRequired"),
            restarts: try members.read("restarts"))
    }

    public var json: JSONValue {
        guard self != Dependency(service) else { return .string(service) }
        return .members {
            $0.put("service", service)
            $0.put("condition", condition)
            $0.put("isRequired", isRequired)
            $0.put("restarts", restarts)
        }
    }
}

extension StackSurroundings: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            serviceNames: try members.read("serviceNames"), privatePaths: try members.read("privatePaths"),
            plaintextSources: try members.read("plaintextSources"), hiddenPaths: try members.read("hiddenPaths"),
            writableFolders: try members.read("writableFolders"))
    }

    public var json: JSONValue {
        .members {
            $0.put("serviceNames", serviceNames)
            $0.put("privatePaths", privatePaths)
            $0.put("plaintextSources", plaintextSources)
            $0.put("hiddenPaths", hiddenPaths)
            $0.put("writableFolders", writableFolders)
        }
    }
}
