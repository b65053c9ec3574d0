/// How an attribute of one file combines with the same one of an earlier file.
///
/// Source: the Compose specification, "Merge".
enum MergeRule: Sendable {
    /// Mappings entry by entry, lists appended, anything else replaced.
    case plain
    /// The later one replaces the earlier one.
    case replace
    /// Mappings or `K=V` lists, by key.
    case keyValues
    /// Hosts and addresses: appended, whether mapping or list, each once.
    case hosts
    /// A text or a list of texts, appended.
    case appended
    /// A mapping, or a list of names that stand for its keys.
    case names
    /// A text that stands for an attribute of the mapping.
    case shorthand(String)
    /// A list in which a later entry replaces the earlier one with the same identity.
    case unique(Identity)
    /// Mappings are merged only where they name the same driver.
    case logging
    /// `ipam.config`, by subnet.
    case subnets
}

/// What makes two entries of a list the same thing.
enum Identity: Sendable {
    /// The text up to `=`.
    case text
    /// Where a volume is mounted.
    case volumeTarget
    case deviceTarget
    /// Where a secret or config is mounted; names below the directory.
    case fileTarget(String)
    case port
    /// The path of an env file.
    case path
}

/// The rules of the attributes that are not `.plain`, by their path's shape.
enum MergeRules {
    static let project: [String: [String: MergeRule]] = [
        "networks": ["labels": .keyValues, "driver_opts": .plain],
        "volumes": ["labels": .keyValues],
        "secrets": ["labels": .keyValues],
        "configs": ["labels": .keyValues],
    ]

    static let service: [String: MergeRule] = [
        "annotations": .keyValues,
        "build": .shorthand("context"),
        "cap_add": .unique(.text),
        "cap_drop": .unique(.text),
        "command": .replace,
        "configs": .unique(.fileTarget("")),
        "depends_on": .names,
        "devices": .unique(.deviceTarget),
        "dns": .appended,
        "dns_opt": .appended,
        "dns_search": .appended,
        "entrypoint": .replace,
        "env_file": .appended,
        "environment": .keyValues,
        "expose": .unique(.text),
        "extra_hosts": .hosts,
        "label_file": .appended,
        "labels": .keyValues,
        "links": .unique(.text),
        "logging": .logging,
        "models": .names,
        "networks": .names,
        "ports": .unique(.port),
        "profiles": .unique(.text),
        "secrets": .unique(.fileTarget("/run/secrets")),
        "sysctls": .keyValues,
        "tmpfs": .appended,
        "volumes": .unique(.volumeTarget),
    ]

    static let build: [String: MergeRule] = [
        "additional_contexts": .keyValues, "args": .keyValues, "extra_hosts": .hosts, "labels": .keyValues,
        "tags": .unique(.text),
    ]

    static let deploy: [String: MergeRule] = ["labels": .keyValues]
    static let healthcheck: [String: MergeRule] = ["test": .replace]
    static let ipam: [String: MergeRule] = ["config": .subnets]

    /// The rules of what lies below an attribute of a service.
    static func below(serviceAttribute name: String) -> [String: MergeRule] {
        switch name {
        case "build": build
        case "deploy": deploy
        case "healthcheck": healthcheck
        default: [:]
        }
    }
}
