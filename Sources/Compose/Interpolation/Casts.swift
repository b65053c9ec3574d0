/// What a text becomes where an attribute is of another type, by the attribute's path.
///
/// Source: compose-go's table of type casts, which `docker compose` applies after interpolation.
final class Casts: Sendable {
    enum Cast: Sendable {
        case integer, number, boolean
    }

    /// For a text that stands here.
    let cast: Cast?
    private let children: [String: Casts]
    /// For keys without an entry of their own; `[]` is the key of a list's entries.
    private let others: Casts?

    private init(_ cast: Cast? = nil, _ children: [String: Casts] = [:], others: Casts? = nil) {
        self.cast = cast
        self.children = children
        self.others = others
    }

    func below(_ key: String) -> Casts? {
        children[key] ?? others
    }

    static let project = Casts(
        nil,
        [
            "services": Casts(others: service),
            "networks": each([
                "external": boolean, "internal": boolean, "attachable": boolean, "enable_ipv4": boolean,
                "enable_ipv6": boolean,
            ]),
            "volumes": each(["external": boolean]),
            "secrets": each(["external": boolean]),
            "configs": each(["external": boolean]),
        ])

    private static let integer = Casts(.integer)
    private static let number = Casts(.number)
    private static let boolean = Casts(.boolean)

    private static func each(_ children: [String: Casts]) -> Casts {
        Casts(others: Casts(nil, children))
    }

    private static let service = Casts(
        nil,
        [
            "cpu_count": integer, "cpu_percent": number, "cpu_period": integer, "cpu_quota": integer,
            "cpu_rt_period": integer, "cpu_rt_runtime": integer, "cpus": number, "cpu_shares": integer,
            "init": boolean, "oom_kill_disable": boolean, "oom_score_adj": integer, "pids_limit": integer,
            "privileged": boolean, "read_only": boolean, "scale": integer, "stdin_open": boolean, "tty": boolean,
            "deploy": Casts(
                nil,
                [
                    "replicas": integer,
                    "update_config": Casts(nil, ["parallelism": integer, "max_failure_ratio": number]),
                    "rollback_config": Casts(nil, ["parallelism": integer, "max_failure_ratio": number]),
                    "restart_policy": Casts(nil, ["max_attempts": integer]),
                    "placement": Casts(nil, ["max_replicas_per_node": integer]),
                ]),
            "healthcheck": Casts(nil, ["retries": integer, "disable": boolean]),
            "ports": Casts(nil, ["[]": Casts(nil, ["target": integer])]),
            "ulimits": Casts(others: Casts(.integer, ["hard": integer, "soft": integer])),
            "volumes": Casts(
                nil, ["[]": Casts(nil, ["read_only": boolean, "volume": Casts(nil, ["nocopy": boolean])])]),
        ])
}
