import Runner

/// The capabilities of an instance, by their names in capabilities(7).
enum Capabilities {
    /// Docker's default set without the two that nothing confines here: CAP_MKNOD lacks a device cgroup, so a
    /// root service could make itself the raw disk; CAP_NET_RAW lacks a network namespace, so it could listen
    /// to what other services send each other over loopback.
    static let standard = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
    ]

    /// The set that `cap_add` and `cap_drop` leave: as in Docker, `ALL` goes first and single names correct it.
    ///
    /// - Throws: `DeploymentError` for a name that Linux does not have.
    static func resolve(add: [String], drop: [String]) throws(DeploymentError) -> [String] {
        let added = try names(add), dropped = try names(drop)
        var result = Set(added.contains("ALL") ? Capability.names : dropped.contains("ALL") ? [] : standard)
        result.subtract(dropped)
        result.formUnion(added.filter { $0 != "ALL" })
        return result.sorted()
    }

    private static func names(_ written: [String]) throws(DeploymentError) -> [String] {
        var result: [String] = []
        for name in written {
            let upper = name.uppercased()
            let full = upper == "ALL" || upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
            guard full == "ALL" || Capability.names.contains(full) else {
                throw DeploymentError("'\(name)' is not a capability; capabilities(7) lists them")
            }
            result.append(full)
        }
        return result
    }
}
