/// The attributes of `build` and `develop`, and of hooks.
///
/// Source: the Compose Build Specification and the Compose Develop Specification.
enum BuildAttributes {
    static let build = ObjectShape([
        attribute("context", .string),
        attribute("dockerfile", .string),
        attribute("dockerfile_inline", .string),
        attribute("entitlements", .list(.string)),
        attribute("args", .keyValues(.environment)),
        attribute("provenance", .text).with(.kinds([.string, .boolean])),
        attribute("sbom", .text).with(.kinds([.string, .boolean])),
        attribute("ssh", .keyValues(.labels)).with(.distinct).with(.pairsOr("default")),
        attribute("labels", .keyValues(.labels)),
        attribute("cache_from", .list(.string)),
        attribute("cache_to", .list(.string)),
        attribute("no_cache", .boolean),
        attribute("no_cache_filter", .oneOrList(.string)),
        attribute("additional_contexts", .keyValues(.labels)).with(.pairs),
        attribute("pull", .boolean),
        attribute("extra_hosts", .hosts).with(.distinct),
        attribute("isolation", .string),
        attribute("network", .string),
        attribute("target", .string),
        attribute("secrets", .shortList(.attribute("source"), .object(ServiceAttributes.fileReference))),
        attribute("shm_size", .bytes),
        attribute("tags", .list(.string)),
        attribute("ulimits", .map(.short(.ulimit, .object(ServiceAttributes.ulimit)))),
        attribute("platforms", .list(.string)),
        attribute("privileged", .boolean),
    ])

    static let develop = ObjectShape([attribute("watch", .list(.object(trigger)))], allowsNull: true)

    static let trigger = ObjectShape([
        attribute("path", .string, required: true).with(.filled),
        attribute("action", .choice(["rebuild", "sync", "restart", "sync+restart", "sync+exec"]), required: true),
        attribute("target", .string),
        attribute("exec", .object(hook)),
        attribute("include", .oneOrList(.string)).with(.distinct),
        attribute("ignore", .oneOrList(.string)).with(.distinct),
        attribute("initial_sync", .boolean).with(.kinds(.boolean)),
    ])

    static let hook = ObjectShape([
        attribute("command", .command, required: true, keep: true),
        attribute("user", .string),
        attribute("privileged", .boolean),
        attribute("working_dir", .string),
        attribute("environment", .keyValues(.environment)).with(.distinct),
    ])
}
