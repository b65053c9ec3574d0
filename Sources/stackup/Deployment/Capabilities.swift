import Runner

extension CapabilitySet {
    /// Docker's default set without the two that nothing confines here: CAP_MKNOD lacks a device cgroup, so a
    /// root service could make itself the raw disk; CAP_NET_RAW lacks a network namespace, so it could listen
    /// to what other services send each other over loopback.
    static let standard: CapabilitySet = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
    ].reduce(into: []) { $0.formUnion(CapabilitySet(named: $1)!) }

    /// The set that `cap_add` and `cap_drop` leave: as in Docker, `ALL` goes first and single names correct it.
    ///
    /// - Throws: `DeploymentError` for a name that Linux does not have.
    init(adding added: [String], dropping dropped: [String]) throws(DeploymentError) {
        let (added, dropped) = (added.map { $0.uppercased() }, dropped.map { $0.uppercased() })
        self = added.contains("ALL") ? .all : dropped.contains("ALL") ? [] : .standard
        subtract(try Self.named(dropped))
        formUnion(try Self.named(added))
    }

    private static func named(_ names: [String]) throws(DeploymentError) -> CapabilitySet {
        var result: CapabilitySet = []
        for name in names where name != "ALL" {
            guard let one = CapabilitySet(named: name.hasPrefix("CAP_") ? name : "CAP_" + name) else {
                throw DeploymentError("'\(name)' is not a capability; capabilities(7) lists them")
            }
            result.formUnion(one)
        }
        return result
    }
}
