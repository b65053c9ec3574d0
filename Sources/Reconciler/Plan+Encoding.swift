/// The plan for programs: `{"actions": [...], "orphans": [...]}`.
extension Plan: Encodable {
    private enum CodingKeys: CodingKey {
        case actions, orphans
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(actions, forKey: .actions)
        try container.encode(orphans, forKey: .orphans)
    }
}

/// An action for programs: `action` names the operation, `cause` the reason; the rest is what the operation is about.
/// ```
/// {"action": "write-file", "service": "web", "file": {"kind": "secret", ...}, "cause": "file ./x changed"}
/// ```
extension Action: Encodable {
    private enum CodingKeys: CodingKey {
        case action, secret, version, service, index, file, signal, cause
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        func put(_ action: String, _ service: String, index: Int? = nil, file: MountedFile? = nil) throws {
            try container.encode(action, forKey: .action)
            try container.encode(service, forKey: .service)
            try container.encodeIfPresent(index, forKey: .index)
            // Of a version to come it is drawn anew each time, and says nothing to anybody else.
            var file = file
            file?.identity = nil
            try container.encodeIfPresent(file, forKey: .file)
        }
        switch operation {
        case .storeSecret(let name, let version):
            try container.encode("store-secret", forKey: .action)
            try container.encode(name, forKey: .secret)
            try container.encode(version, forKey: .version)
        case .writeFile(let service, let file): try put("write-file", service, file: file)
        case .removeFile(let service, let file): try put("remove-file", service, file: file)
        case .createInstance(let service, let index): try put("create-instance", service, index: index)
        case .recreateInstance(let service, let index): try put("recreate-instance", service, index: index)
        case .startInstance(let service, let index): try put("start-instance", service, index: index)
        case .holdInstance(let service, let index): try put("hold-instance", service, index: index)
        case .removeInstance(let service, let index): try put("remove-instance", service, index: index)
        case .signalService(let service, let signal):
            try put("signal-service", service)
            try container.encode(signal, forKey: .signal)
        case .restartService(let service): try put("restart-service", service)
        }
        try container.encode(cause, forKey: .cause)
    }
}
