import YAML

/// The attributes of a service.
///
/// Source: the Compose specification, "Services top-level element", and its JSON schema.
enum ServiceAttributes {
    static let service = ObjectShape([
        attribute("profiles", .list(.string)),
        idle("annotations", .keyValues(.labels), Reason.engine),
        idle("attach", .boolean, "the output of every service is shown", keep: true).alike { $0.bool == true },
        accepted("build", .short(.attribute("context"), .object(BuildAttributes.build)), "refused by `up`"),
        attribute("develop", .object(BuildAttributes.develop), keep: true),
        attribute("blkio_config", .object(blkio), keep: true),
        attribute("cap_add", .list(.string)),
        attribute("cap_drop", .list(.string)),
        attribute("cgroup_parent", .string),
        attribute("cgroup", .choice(["host", "private"])),
        idle("cpu_count", .integer, "it is for Windows").with(.within(0...Int64.max)),
        idle("cpu_percent", .number, "it is for Windows").with(.whole).with(.within(0...100)),
        attribute("cpu_period", .wholePart),
        attribute("cpu_quota", .wholePart),
        attribute("cpu_rt_period", .wholePart),
        attribute("cpu_rt_runtime", .wholePart),
        attribute("cpus", .number),
        attribute("cpuset", .string),
        attribute("cpu_shares", .wholePart),
        attribute("command", .command, keep: true),
        attribute("configs", .shortList(.attribute("source"), .object(fileReference))),
        idle("container_name", .string, "instances are named <project>-<service>-<number>").with(.containerName),
        idle("credential_spec", .object(credentialSpec), "it is for Windows", keep: true),
        attribute("depends_on", .namesOrMap(.object(dependency))).with(.distinct),
        attribute("deploy", .object(DeployAttributes.deploy), keep: true),
        attribute("device_cgroup_rules", .list(.string)).with(.distinct),
        attribute("devices", .shortList(.device, .object(device))),
        idle("dns", .oneOrList(.string), Reason.network),
        idle("dns_opt", .list(.string), Reason.network),
        idle("dns_search", .oneOrList(.string), Reason.network),
        idle("domainname", .string, "only `hostname` is set"),
        attribute("entrypoint", .command, keep: true),
        idle("provider", .object(provider), "there are no providers", keep: true),
        attribute("environment", .keyValues(.environment)),
        attribute("env_file", .short(.envFile, .list(.short(.attribute("path"), .object(envFile))))),
        idle("expose", .list(.text), Reason.network).with(.wholeNumbers),
        attribute("extends", .short(.attribute("service"), .object(extends))),
        idle("external_links", .list(.string), Reason.network).with(.distinct),
        attribute("extra_hosts", .hosts).with(.distinct),
        attribute("group_add", .list(.rawText)).with(.wholeNumbers).with(.distinct),
        attribute("gpus", .short(.gpus, .list(.object(DeployAttributes.deviceRequest)))),
        attribute("hostname", .string),
        attribute("healthcheck", .object(healthcheck), keep: true),
        accepted("image", .string, "refused by `up`"),
        accepted("init", .boolean, "every service has an init that reaps its processes", keep: true),
        attribute("ipc", .string),
        idle("isolation", .string, "it is for Windows").alike("default"),
        attribute("labels", .keyValues(.labels)),
        attribute("label_file", .short(.envFile, .list(.string))),
        idle("links", .list(.string), Reason.network),
        attribute("logging", .object(logging), keep: true),
        attribute("mem_limit", .bytes),
        attribute("mem_reservation", .bytes),
        attribute("memswap_limit", .bytes),
        attribute("mem_swappiness", .bytes),
        idle("mac_address", .string, Reason.network),
        idle("models", .namesOrMap(.object(serviceModel)), Reason.models).with(.distinct),
        accepted("network_mode", .string, "`host` is what services have; `none` and `service:NAME` hold; a warning says that another one has no effect"),
        idle("networks", .namesOrMap(.object(serviceNetwork)), Reason.network).with(.distinct),
        attribute("oom_kill_disable", .boolean),
        attribute("oom_score_adj", .integer).with(.within(-1000...1000)),
        attribute("pid", .string),
        attribute("pids_limit", .wholePart),
        idle("platform", .string, Reason.image),
        idle("ports", .shortList(.port, .object(port)), Reason.network),
        attribute("privileged", .boolean),
        idle("pull_policy", .string, Reason.image).with(.pullPolicy),
        idle("pull_refresh_after", .string, Reason.image, printed: false),
        attribute("read_only", .boolean),
        attribute("restart", .string),
        idle("runtime", .string, Reason.engine),
        attribute("scale", .integer, keep: true),
        attribute("secrets", .shortList(.attribute("source"), .object(fileReference))),
        attribute("security_opt", .list(.string)).with(.distinct),
        attribute("shm_size", .bytes),
        idle("stdin_open", .boolean, "standard input is empty"),
        attribute("stop_grace_period", .duration, keep: true),
        attribute("stop_signal", .string),
        idle("storage_opt", .map(.text), Reason.engine).with(.emptyValues),
        attribute("sysctls", .keyValues(.labels)),
        attribute("tmpfs", .oneOrList(.string)),
        idle("tty", .boolean, "services write to a pipe"),
        attribute("ulimits", .map(.short(.ulimit, .object(ulimit)))),
        idle("use_api_socket", .boolean, Reason.engine).with(.kinds(.boolean)),
        attribute("user", .text).with(.kinds(.string)),
        attribute("userns_mode", .string),
        attribute("uts", .string),
        attribute("volumes", .shortList(.volume, .object(volume))),
        idle("volumes_from", .list(.string), "name the volumes in each service").with(.distinct),
        attribute("working_dir", .string),
        attribute("post_start", .list(.object(BuildAttributes.hook))),
        attribute("pre_stop", .list(.object(BuildAttributes.hook))),
    ])

    /// What `x-stackup` of a service may hold.
    static let extension_ = ObjectShape([
        attribute("on-secret-change", .string),
        attribute("host-filesystem", .string),
    ])

    /// What `x-stackup` of a secret's grant may hold.
    static let grantExtension = ObjectShape([
        attribute("on-secret-change", .string),
    ])

    static let fileReference = ObjectShape([
        attribute("source", .string),
        attribute("target", .string),
        attribute("uid", .text).with(.kinds(.string)),
        attribute("gid", .text).with(.kinds(.string)),
        attribute("mode", .fileMode, keep: true),
    ])

    static let dependency = ObjectShape([
        attribute(
            "condition", .choice(["service_started", "service_healthy", "service_completed_successfully"]),
            required: true),
        attribute("restart", .boolean),
        attribute("required", .boolean, keep: true).with(.kinds(.boolean)),
    ])

    private static let blkio: ObjectShape = {
        let limit = Shape.list(.object(ObjectShape([attribute("path", .string, absent: ""), attribute("rate", .bytes, absent: "0")], extensions: .refused)))
        let weight = Shape.list(.object(ObjectShape([attribute("path", .string, absent: ""), attribute("weight", .integer, absent: 0).with(.kinds(.integer)).with(.within(0...65535))], extensions: .refused)))
        return ObjectShape([
            attribute("weight", .integer).with(.kinds(.integer)).with(.within(0...65535)),
            attribute("weight_device", weight),
            attribute("device_read_bps", limit),
            attribute("device_read_iops", limit),
            attribute("device_write_bps", limit),
            attribute("device_write_iops", limit),
        ], extensions: .refused)
    }()

    private static let credentialSpec = ObjectShape([
        attribute("config", .string), attribute("file", .string), attribute("registry", .string),
    ])

    private static let device = ObjectShape([
        attribute("source", .string, required: true), attribute("target", .string, required: true),
        attribute("permissions", .string),
    ])

    private static let provider = ObjectShape([attribute("type", .string, required: true), attribute("options", .multipleTexts)])

    static let envFile = ObjectShape([
        attribute("path", .string, required: true), attribute("required", .boolean, keep: true),
        attribute("format", .choice(["raw", ""])),
    ], extensions: .refused)

    static let extends = ObjectShape([attribute("file", .string), attribute("service", .string, required: true)])

    private static let healthcheck = ObjectShape([
        attribute("test", .healthTest),
        attribute("timeout", .duration, keep: true),
        attribute("interval", .duration, keep: true),
        attribute("retries", .wholePart, keep: true).with(.within(0...Int64.max)),
        attribute("start_period", .duration, keep: true),
        attribute("start_interval", .duration, keep: true),
        attribute("disable", .boolean),
    ])

    private static let logging = ObjectShape([attribute("driver", .string), attribute("options", .map(.text)).with(.emptyValues)])

    private static let serviceModel = ObjectShape(
        [attribute("endpoint_var", .string), attribute("model_var", .string)], allowsNull: true)

    private static let serviceNetwork = ObjectShape(
        [
            attribute("aliases", .list(.string)).with(.distinct),
            attribute("driver_opts", .map(.text)),
            attribute("gw_priority", .wholePart).with(.kinds(.number)),
            attribute("interface_name", .string),
            attribute("ipv4_address", .string),
            attribute("ipv6_address", .string),
            attribute("link_local_ips", .list(.string)).with(.distinct),
            attribute("mac_address", .string),
            attribute("priority", .wholePart).with(.kinds(.number)),
        ], allowsNull: true)

    private static let port = ObjectShape([
        attribute("name", .string),
        attribute("mode", .string),
        attribute("host_ip", .string),
        attribute("target", .integer, required: true).with(.within(0...0xFFFF_FFFF)),
        attribute("published", .rawText),
        attribute("protocol", .string),
        attribute("app_protocol", .string),
    ])

    static let ulimit = ObjectShape([
        attribute("soft", .integer, required: true, keep: true), attribute("hard", .integer, required: true, keep: true),
    ], extensions: .dropped)

    static let volume = ObjectShape([
        attribute("type", .choice(["bind", "volume", "tmpfs", "cluster", "npipe", "image"]), required: true),
        attribute("source", .string),
        attribute("target", .string, required: true),
        attribute("read_only", .boolean),
        idle("consistency", .string, "the host's own file system is consistent").alike("consistent", "cached", "delegated"),
        attribute(
            "bind",
            .object(
                ObjectShape([
                    idle("selinux", .choice(["z", "Z"]), "labels are left alone"),
                    idle("propagation", .string, "mounts of a service are private to it").alike("private", "rprivate"),
                    attribute("create_host_path", .boolean),
                    idle("recursive", .choice(["enabled", "disabled", "writable", "readonly"]), "binds are recursive").alike("enabled"),
                ])), keep: true),
        attribute(
            "volume",
            .object(
                ObjectShape([
                    idle("labels", .keyValues(.labels), "volumes have no labels here"),
                    idle("nocopy", .boolean, Reason.image).alike { $0.bool != nil },
                    idle("subpath", .string, "the whole volume is mounted"),
                ])), keep: true),
        attribute(
            "tmpfs", .object(ObjectShape([attribute("size", .bytes).with(.within(0...Int64.max)), attribute("mode", .modeNumber)])), keep: true),
        idle("image", .object(ObjectShape([attribute("subpath", .string)])), Reason.image, keep: true),
    ])
}
