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
    /// Names that Linux does not have add nothing; loading has refused them.
    init(adding added: [String], dropping dropped: [String]) {
        func all(_ names: [String]) -> Bool { names.contains { $0.uppercased() == "ALL" } }
        func named(_ names: [String]) -> CapabilitySet { CapabilitySet(names.compactMap(CapabilitySet.init(named:))) }
        self = all(added) ? .all : all(dropped) ? [] : .standard
        subtract(named(dropped))
        formUnion(named(added))
    }
}
