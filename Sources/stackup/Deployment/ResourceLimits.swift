import Compose
import Glibc
import Runner

extension ResourceLimit {
    /// `RLIMIT_*` by their names in `ulimits` (setrlimit(2); the numbers are those of x86 and ARM).
    private static let resources: [String: Int32] = [
        "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "rss": 5, "nproc": 6, "nofile": 7, "memlock": 8,
        "as": 9, "locks": 10, "sigpending": 11, "msgqueue": 12, "nice": 13, "rtprio": 14, "rttime": 15,
    ]

    /// - Throws: `DeploymentError` for a limit that Linux does not have.
    init(_ ulimit: Ulimit) throws(DeploymentError) {
        guard let resource = Self.resources[ulimit.name] else {
            let known = Self.resources.keys.sorted().joined(separator: ", ")
            throw DeploymentError("'\(ulimit.name)' is not a limit", attribute: "ulimits", remedy: "the known ones are \(known)")
        }
        self.init(
            resource: resource, soft: ulimit.soft < 0 ? .max : UInt64(ulimit.soft),
            hard: ulimit.hard < 0 ? .max : UInt64(ulimit.hard))
        try checkItCanBeSet(ulimit.name)
    }

    /// What raises a limit is a matter of privileges and of the kernel's own bounds (`fs.nr_open`), so it is tried.
    private func checkItCanBeSet(_ name: String) throws(DeploymentError) {
        let kind = __rlimit_resource_t(UInt32(resource))
        var own = rlimit()
        guard getrlimit(kind, &own) == 0, hard > UInt64(own.rlim_max) else { return }
        var raised = rlimit(rlim_cur: own.rlim_cur, rlim_max: rlim_t(hard))
        guard setrlimit(kind, &raised) != 0 else {
            setrlimit(kind, &own)
            return
        }
        throw DeploymentError(
            "'ulimits' raises '\(name)' to \(hard == .max ? "unlimited" : "\(hard)"), and the most that can be had here is \(own.rlim_max)",
            attribute: "ulimits.\(name)", remedy: "lower it, or start the stack with CAP_SYS_RESOURCE and a limit of the kernel (fs.nr_open) that allows for it")
    }
}
