/// The attributes of the Compose specification's top level and of what it declares.
///
/// Source: the Compose specification's JSON schema,
/// <https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json>.
enum ProjectAttributes {
    static let project = ObjectShape([
        attribute("name", .string),
        accepted("version", .string, "obsolete: ignored, with Compose's own warning"),
        attribute("include", .list(.short(.attribute("path"), .object(include)))),
        attribute("services", .map(.object(ServiceAttributes.service), keys: .resourceName), keep: true),
        idle("networks", .map(.object(network), keys: .uncheckedName), Reason.network),
        attribute("volumes", .map(.object(volume), keys: .resourceName)),
        attribute("secrets", .map(.object(secret), keys: .resourceName)),
        attribute("configs", .map(.object(config), keys: .resourceName)),
        idle("models", .map(.object(model), keys: .uncheckedName), Reason.models),
    ])

    static let include = ObjectShape([
        attribute("path", .oneOrList(.string)),
        attribute("project_directory", .string),
        attribute("env_file", .oneOrList(.string)),
    ])

    static let network = ObjectShape(
        [
            attribute("name", .string),
            attribute("driver", .string),
            attribute("driver_opts", .map(.text)),
            attribute("ipam", .object(ipam)),
            attribute("external", .external),
            attribute("internal", .boolean),
            attribute("attachable", .boolean),
            attribute("labels", .keyValues(.labels)),
            attribute("enable_ipv4", .boolean, keep: true),
            attribute("enable_ipv6", .boolean, keep: true),
        ], allowsNull: true)

    private static let ipam = ObjectShape([
        attribute("driver", .string),
        attribute(
            "config",
            .list(
                .object(
                    ObjectShape([
                        attribute("subnet", .string),
                        attribute("gateway", .string),
                        attribute("ip_range", .string),
                        attribute("aux_addresses", .map(.string)),
                    ], extensions: .dropped)))),
        idle("options", .map(.string), "Compose drops it", printed: false),
    ])

    static let volume = ObjectShape(
        [
            attribute("name", .string),
            idle("driver", .string, "every volume is a directory of this host").alike("local"),
            idle("driver_opts", .map(.text), "every volume is a directory of this host"),
            attribute("external", .external),
            attribute("labels", .keyValues(.labels)).with(.distinct),
        ], allowsNull: true)

    static let secret = ObjectShape([
        attribute("name", .string),
        attribute("file", .string),
        attribute("environment", .string),
        attribute("external", .external),
        attribute("labels", .keyValues(.labels)).with(.distinct),
        attribute("driver", .string),
        attribute("driver_opts", .map(.text)),
        idle("template_driver", .string, Reason.swarm),
    ])

    /// What `x-stackup` of a secret may hold.
    static let secretExtension = ObjectShape([
        attribute("rotate", .object(secretRotation)),
        attribute("refresh", .duration),
    ])

    static let secretRotation = ObjectShape([
        attribute("every", .duration, required: true),
        attribute("generate", .string),
        attribute("command", .command),
    ])

    static let config = ObjectShape([
        attribute("name", .string),
        attribute("file", .string),
        attribute("environment", .string),
        attribute("content", .string),
        accepted("external", .external, "`up` refuses an external config; nothing keeps configs outside a project"),
        idle("labels", .keyValues(.labels), "configs are not kept apart from their service").with(.distinct),
        idle("template_driver", .string, Reason.swarm),
    ])

    static let model = ObjectShape([
        attribute("name", .string),
        attribute("model", .string, required: true),
        attribute("context_size", .integer).with(.kinds(.integer)),
        attribute("runtime_flags", .list(.string)),
    ])
}

/// Why an attribute has no effect yet, as the end of `… has no effect yet: `.
enum Reason {
    static let network = "services share the host's network"
    static let engine = "it configures a container engine, and there is none"
    static let image = "there are no images yet"
    static let swarm = "it configures Docker Swarm"
    static let namespaces = "every service has these namespaces to itself"
    static let models = "there is no model runner"
}
