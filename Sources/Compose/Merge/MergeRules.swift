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
    /// As `names`; a name in a list stands for a dependency on the service's start.
    case dependencies
    /// A text that stands for an attribute of the mapping.
    case shorthand(String)
    /// Mappings are merged only where they name the same driver.
    case logging
    /// `ipam.config`, by subnet.
    case subnets
    /// Entry by entry, each replaced as a whole.
    case entries
}

/// The rules of the attributes that are not `.plain`, by their path's shape.
enum MergeRules {
    static let project: [String: [String: MergeRule]] = [
        "networks": ["labels": .keyValues],
        "volumes": ["labels": .keyValues],
        "secrets": ["labels": .keyValues],
        "configs": ["labels": .keyValues],
    ]

    static let service: [String: MergeRule] = [
        "annotations": .keyValues,
        "build": .shorthand("context"),
        "command": .replace,
        "depends_on": .dependencies,
        "dns": .appended,
        "dns_opt": .appended,
        "dns_search": .appended,
        "entrypoint": .replace,
        "env_file": .appended,
        "environment": .keyValues,
        "extra_hosts": .hosts,
        "label_file": .appended,
        "labels": .keyValues,
        "logging": .logging,
        "models": .names,
        "networks": .names,
        "sysctls": .keyValues,
        "tmpfs": .appended,
        "ulimits": .entries,
    ]

    static let build: [String: MergeRule] = [
        "additional_contexts": .keyValues, "args": .keyValues, "extra_hosts": .hosts, "labels": .keyValues,
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
