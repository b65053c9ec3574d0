import Linux

extension FilterProfile {
    /// What services have: Docker's list of system calls, without what stackup refuses besides.
    ///
    /// Source: which calls, and under which conditions, is taken from Docker's default profile (moby/profiles, seccomp/default.json, 2026).
    /// Refused besides, since namespaces, capabilities and mounts are no answer to it: file handles, which know no mounts, and so no
    /// masks, for all that have not `CAP_SYS_ADMIN`; and typing into a terminal that others read from. Keyrings, which belong to a user
    /// and not to a namespace, and user namespaces are not in Docker's list either.
    public static let standard: FilterProfile = {
        var profile = FilterProfile(
            defaultAction: .fail(1), architectures: [Machine.narrowArchitecture], rules: [Rule(alwaysAllowed, .allow)] + conditional)
        for (capabilities, names) in allowedWith {
            var rule = Rule(names, .allow)
            rule.needs.capabilities = capabilities
            profile.rules.append(rule)
        }
        profile.refusesByLowerHalves = true
        return profile
    }()

    private static func bit(_ capability: String) -> UInt64 { Capabilities.number(capability).map { 1 << UInt64($0) } ?? 0 }

    private static let administration = bit("CAP_SYS_ADMIN")

    /// Calls by the capabilities, all of them, that bring them.
    private static let allowedWith: [(capabilities: UInt64, names: [String])] = [
        (bit("CAP_DAC_READ_SEARCH") | administration, ["open_by_handle_at"]),
        (administration, [
            "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie", "lsm_get_self_attr",
            "lsm_list_modules", "lsm_set_self_attr", "mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open", "quotactl",
            "quotactl_fd", "setdomainname", "sethostname", "setns", "syslog", "umount", "umount2", "unshare",
        ]),
        (bit("CAP_SYS_BOOT"), ["reboot"]),
        (bit("CAP_SYS_CHROOT"), ["chroot"]),
        (bit("CAP_SYS_MODULE"), ["delete_module", "finit_module", "init_module"]),
        (bit("CAP_SYS_PACCT"), ["acct"]),
        (bit("CAP_SYS_PTRACE"), ["kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace"]),
        (bit("CAP_SYS_RAWIO"), ["ioperm", "iopl"]),
        (bit("CAP_SYS_TIME"), ["clock_settime", "clock_settime64", "settimeofday", "stime"]),
        (bit("CAP_SYS_TTY_CONFIG"), ["vhangup"]),
        (bit("CAP_SYS_NICE"), ["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"]),
        (bit("CAP_SYSLOG"), ["syslog"]),
        (bit("CAP_BPF"), ["bpf"]),
        (bit("CAP_PERFMON"), ["perf_event_open"]),
    ]

    /// `CLONE_NEW*` of all kinds (clone(2)).
    private static let newNamespaces: UInt64 = 0x7E02_0000

    private static let conditional: [Rule] = {
        var rules: [Rule] = []
        // Not all of these families: FilterPrologue refuses some by name.
        rules.append(Rule(["socket"], .allow, when: [Condition(argument: 0, .less, 46)]))
        // PER_LINUX and PER_LINUX32, with UNAME26 or without it, and the question which one it is.
        for personality: UInt64 in [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF] {
            rules.append(Rule(["personality"], .allow, when: [Condition(argument: 0, .equal, personality)]))
        }
        var clone = Rule(["clone"], .allow, when: [Condition(argument: 0, .maskedEqual, newNamespaces, 0)])
        clone.excludes.capabilities = administration
        // Its flags lie in memory, where no filter can look; who is told so uses clone(2).
        var clone3 = Rule(["clone3"], .fail(38))
        clone3.excludes.capabilities = administration
        rules += [clone, clone3]
        for (machines, names) in [
            (["arm", "arm64"], ["arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush", "set_tls", "sync_file_range2"]),
            (["amd64"], ["arch_prctl", "modify_ldt"]),
        ] {
            var rule = Rule(names, .allow)
            rule.needs.machines = machines
            rules.append(rule)
        }
        return rules
    }()

    private static let alwaysAllowed = [
        "_llseek", "_newselect", "accept", "accept4", "access", "adjtimex", "alarm", "bind", "brk", "cachestat", "capget", "capset",
        "chdir", "chmod", "chown", "chown32", "clock_adjtime", "clock_adjtime64", "clock_getres", "clock_getres_time64", "clock_gettime",
        "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "close", "close_range", "connect", "copy_file_range", "creat",
        "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
        "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve", "execveat", "exit", "exit_group", "faccessat", "faccessat2",
        "fadvise64", "fadvise64_64", "fallocate", "fanotify_mark", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32",
        "fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat",
        "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex", "futex_requeue", "futex_time64",
        "futex_wait", "futex_waitv", "futex_wake", "futimesat", "get_robust_list", "get_thread_area", "getcpu", "getcwd", "getdents",
        "getdents64", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32", "getitimer",
        "getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresgid32", "getresuid",
        "getresuid32", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "getuid32",
        "getxattr", "getxattrat", "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy",
        "io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "ioctl", "ioprio_get", "ioprio_set", "ipc",
        "kill", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "lchown", "lchown32", "lgetxattr", "link",
        "linkat", "listen", "listmount", "listxattr", "listxattrat", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat",
        "lstat64", "madvise", "map_shadow_stack", "membarrier", "memfd_create", "memfd_secret", "mincore", "mkdir", "mkdirat", "mknod",
        "mknodat", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mq_getsetattr", "mq_notify", "mq_open",
        "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "mremap", "mseal", "msgctl",
        "msgget", "msgrcv", "msgsnd", "msync", "munlock", "munlockall", "munmap", "name_to_handle_at", "nanosleep", "newfstatat", "open",
        "openat", "openat2", "pause", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect",
        "poll", "ppoll", "ppoll_time64", "prctl", "pread64", "preadv", "preadv2", "prlimit64", "process_mrelease", "process_vm_readv",
        "process_vm_writev", "pselect6", "pselect6_time64", "ptrace", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink",
        "readlinkat", "readv", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "remap_file_pages", "removexattr",
        "removexattrat", "rename", "renameat", "renameat2", "restart_syscall", "riscv_hwprobe", "rmdir", "rseq", "rt_sigaction",
        "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
        "rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
        "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64",
        "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp", "select", "semctl",
        "semget", "semop", "semtimedop", "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg", "sendmsg", "sendto",
        "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid",
        "setgid32", "setgroups", "setgroups32", "setitimer", "setpgid", "setpriority", "setregid", "setregid32", "setresgid",
        "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit", "setsid", "setsockopt", "setuid", "setuid32",
        "setxattr", "setxattrat", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaltstack", "signalfd", "signalfd4",
        "sigprocmask", "sigreturn", "socketcall", "socketpair", "splice", "stat", "stat64", "statfs", "statfs64", "statmount", "statx",
        "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "sysinfo", "tee", "tgkill", "time", "timer_create", "timer_delete",
        "timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime",
        "timerfd_gettime64", "timerfd_settime", "timerfd_settime64", "times", "tkill", "truncate", "truncate64", "ugetrlimit", "umask",
        "uname", "unlink", "unlinkat", "uretprobe", "utime", "utimensat", "utimensat_time64", "utimes", "vfork", "vmsplice", "wait4",
        "waitid", "waitpid", "write", "writev",
    ]
}
