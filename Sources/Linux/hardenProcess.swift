import CLinux
import Glibc

/// Keeps what this process holds in memory to itself: no core dump is written of it, and no process
/// of the same user can attach to it or read its memory (`PR_SET_DUMPABLE` in prctl(2), `RLIMIT_CORE`).
///
/// For a process that is about to hold a key. Two things to know: files in `/proc/self` belong to
/// root from then on, so a user namespace's `uid_map` has to be written by another process, or before;
/// and execve(2) makes a process dumpable again, while the limit is inherited.
///
/// Nothing depends on its success, so a kernel that refuses is no error.
public func hardenProcess() {
    _ = clinux_set_dumpable(0)
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    // Only the soft limit: services that this process starts may be granted core dumps.
    if getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 {
        limit.rlim_cur = 0
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }
}
