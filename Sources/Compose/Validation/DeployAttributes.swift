/// The attributes of `deploy`.
///
/// Source: the Compose Deploy Specification.
enum DeployAttributes {
    static let deploy = ObjectShape(
        [
            idle("mode", .string, "every service runs its replicas on this host").alike("replicated"),
            attribute("replicas", .integer, keep: true),
            attribute("labels", .keyValues(.labels)),
            idle("update_config", .object(update), Reason.swarm, keep: true),
            idle("rollback_config", .object(update), Reason.swarm, keep: true),
            attribute("resources", .object(resources)),
            attribute("restart_policy", .object(restartPolicy), keep: true),
            idle("placement", .object(placement), "everything runs on this host"),
            idle("endpoint_mode", .string, Reason.network),
        ], allowsNull: true)

    private static let update = ObjectShape([
        attribute("parallelism", .integer, keep: true).with(.within(0...Int64.max)),
        attribute("delay", .duration),
        attribute("failure_action", .string),
        attribute("monitor", .duration),
        attribute("max_failure_ratio", .number),
        attribute("order", .choice(["start-first", "stop-first"])),
    ])

    private static let restartPolicy = ObjectShape([
        attribute("condition", .string),
        attribute("delay", .duration, keep: true),
        attribute("max_attempts", .integer, keep: true).with(.within(0...Int64.max)),
        attribute("window", .duration, keep: true),
    ])

    private static let placement = ObjectShape([
        attribute("constraints", .list(.string)),
        attribute("preferences", .list(.object(ObjectShape([attribute("spread", .string)])))),
        attribute("max_replicas_per_node", .integer).with(.within(0...Int64.max)),
    ])

    private static let resources = ObjectShape([
        attribute(
            "limits",
            .object(
                ObjectShape([
                    attribute("cpus", .number), attribute("memory", .bytes).with(.kinds(.string)), attribute("pids", .integer),
                ])), keep: true),
        attribute(
            "reservations",
            .object(
                ObjectShape([
                    idle("cpus", .number, "no CPU is kept free for a service"),
                    attribute("memory", .bytes).with(.kinds(.string)),
                    attribute("devices", .list(.object(deviceReservation))),
                    idle("generic_resources", .list(.object(genericResource)), Reason.swarm),
                ])), keep: true),
    ])

    private static let genericResource = ObjectShape([
        attribute(
            "discrete_resource_spec",
            .object(ObjectShape([attribute("kind", .string, absent: ""), attribute("value", .wholePart, absent: 0)])),
            keep: true)
    ])

    /// What `deploy` asks for is checked, and `gpus` isn't.
    private static let deviceReservation = ObjectShape(
        deviceRequest.attributes.map { request in
            var attribute = request
            attribute.isRequired = request.name == "capabilities"
            return attribute
        })

    static let deviceRequest = ObjectShape(
        [
            attribute("capabilities", .list(.string)).with(.distinct),
            attribute("driver", .string),
            attribute("count", .deviceCount),
            attribute("device_ids", .list(.string)).with(.distinct),
            attribute("options", .keyValues(.labels)).with(.distinct),
        ], isOpen: true, extensions: .dropped)
}
