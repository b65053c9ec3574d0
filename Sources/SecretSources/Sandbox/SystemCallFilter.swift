import CLinux
import Glibc

/// System calls that no driver needs and that lead out of the sandbox (seccomp(2)).
///
/// What is refused says so (EPERM), for most programs that try one of these can do without. io_uring does the work of other calls,
/// past every filter, and is refused for that. openat2(2) isn't there in here: what it is to make lies in memory, where no filter can look.
enum SystemCallFilter {
    private static let refused: [Int32] = {
        var calls = [
            // Other processes' memory, descriptors and secrets.
            SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp, SYS_perf_event_open, SYS_process_madvise,
            // Keys of the kernel's keyrings: an unlocked store's is among them.
            SYS_keyctl, SYS_add_key, SYS_request_key,
            // Mounts and namespaces: what is covered stays covered.
            SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
            SYS_mount_setattr, SYS_unshare, SYS_setns,
            // Files past their paths.
            SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_fanotify_init, SYS_quotactl,
            // The kernel.
            SYS_bpf, SYS_userfaultfd, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon,
            SYS_swapoff, SYS_syslog, SYS_acct, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname,
            SYS_setdomainname, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
            // Other processes' shares of the machine.
            SYS_setpriority, SYS_ioprio_set, SYS_migrate_pages, SYS_move_pages,
            // Making devices; also refused without a capability.
            SYS_mknodat,
        ]
        #if arch(x86_64)
            calls += [SYS_mknod, SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_kexec_file_load]
        #endif
        // open_tree_attr(2), newer than most headers.
        return calls.map { Int32($0) } + [467]
    }()

    // linux/bpf_common.h, linux/seccomp.h.
    private enum Code {
        static let load: UInt16 = 0x20
        static let jumpIfEqual: UInt16 = 0x15
        static let jumpIfAtLeast: UInt16 = 0x35
        static let jumpIfAnyBit: UInt16 = 0x45
        static let end: UInt16 = 0x06
    }
    private enum Action {
        static let allow: UInt32 = 0x7fff_0000
        static let refuse = 0x0005_0000 | UInt32(EPERM)
        static let unknown = 0x0005_0000 | UInt32(ENOSYS)
    }
    /// struct seccomp_data.
    private enum Offset {
        static let number: UInt32 = 0
        static let architecture: UInt32 = 4
        /// The lower half of an argument, counted from 0.
        static func argument(_ index: UInt32) -> UInt32 { 16 + 8 * index }
    }

    /// TIOCSTI and TIOCLINUX type into terminals for the person in front of them.
    private static let refusedControls: [UInt32] = [0x5412, 0x541c]
    /// CLONE_NEW*, but CLONE_NEWTIME, which shares its bit with the signal and is no flag of clone(2).
    private static let namespaces: UInt32 = 0x7e02_0000
    /// Calls that give a file its mode, with the argument that has it. A program that anybody runs as its owner (S_ISUID, S_ISGID) would do
    /// outside what is refused in here. Folders are made without such modes (mkdir(2)).
    private static let modes: [(call: Int32, argument: UInt32)] = {
        var calls = [(Int32(SYS_fchmod), UInt32(1)), (Int32(SYS_fchmodat), 2), (fchmodat2, 2)]
        #if arch(x86_64)
            calls += [(Int32(SYS_chmod), 1), (Int32(SYS_creat), 1)]
        #endif
        return calls
    }()
    /// Calls that may make a file, with the argument that says whether they do; the next one is the mode.
    private static let openings: [(call: Int32, argument: UInt32)] = {
        var calls = [(Int32(SYS_openat), UInt32(2))]
        #if arch(x86_64)
            calls.append((Int32(SYS_open), 1))
        #endif
        return calls
    }()
    /// Calls about a process, whose number comes first: 0 for the one that asks.
    private static let ofAProcess = [SYS_prlimit64, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_setattr, SYS_sched_setaffinity]
    private static let openat2: Int32 = 437
    /// fchmodat2(2), newer than most headers.
    private static let fchmodat2: Int32 = 452
    private static let withRights = UInt32(S_ISUID | S_ISGID)
    /// O_CREAT and the bit that O_TMPFILE has of its own: without them the mode is whatever the register holds.
    private static let making: UInt32 = 0x40_0040

    /// Calls of the x32 ABI have this bit.
    private static let x32: UInt32 = 0x4000_0000

    /// Enforces the filter for this thread, and all that it starts.
    ///
    /// - Returns: false where the kernel has none.
    static func enforce() -> Bool {
        let program = program()
        return clinux_filter_system_calls(program, UInt16(program.count)) == 0
    }

    private static func program() -> [clinux_instruction] {
        func load(_ offset: UInt32) -> clinux_instruction { .init(code: Code.load, when_true: 0, when_false: 0, value: offset) }
        func end(_ action: UInt32) -> clinux_instruction { .init(code: Code.end, when_true: 0, when_false: 0, value: action) }
        func skip(_ count: UInt8, unless test: UInt16, _ value: UInt32) -> clinux_instruction {
            .init(code: test, when_true: 0, when_false: count, value: value)
        }
        // Programs of another architecture have other numbers (32-bit ones on a 64-bit machine), and can't be run in here.
        var program = [
            load(Offset.architecture), .init(code: Code.jumpIfEqual, when_true: 1, when_false: 0, value: architecture), end(Action.unknown),
            load(Offset.number), skip(1, unless: Code.jumpIfAtLeast, x32), end(Action.unknown),
        ]
        for call in refused { program += [skip(1, unless: Code.jumpIfEqual, UInt32(call)), end(Action.refuse)] }
        // Their flags lie in memory, where no filter can look; who is told so uses clone(2) and openat(2).
        for call in [Int32(SYS_clone3), openat2] { program += [skip(1, unless: Code.jumpIfEqual, UInt32(call)), end(Action.unknown)] }
        func check(_ call: Int32, _ checks: [clinux_instruction]) {
            program += [skip(UInt8(checks.count + 1), unless: Code.jumpIfEqual, UInt32(call))] + checks + [end(Action.allow)]
        }
        func refuse(_ argument: UInt32, _ test: UInt16, _ value: UInt32) -> [clinux_instruction] {
            [load(Offset.argument(argument)), skip(1, unless: test, value), end(Action.refuse)]
        }
        check(Int32(SYS_clone), refuse(0, Code.jumpIfAnyBit, namespaces))
        check(Int32(SYS_ioctl), refusedControls.flatMap { refuse(1, Code.jumpIfEqual, $0) })
        for call in ofAProcess { check(Int32(call), [load(Offset.argument(0)), .init(code: Code.jumpIfEqual, when_true: 1, when_false: 0, value: 0), end(Action.refuse)]) }
        for (call, argument) in modes { check(call, refuse(argument, Code.jumpIfAnyBit, withRights)) }
        for (call, argument) in openings {
            let mode = refuse(argument + 1, Code.jumpIfAnyBit, withRights)
            check(call, [load(Offset.argument(argument)), skip(UInt8(mode.count), unless: Code.jumpIfAnyBit, making)] + mode)
        }
        return program + [end(Action.allow)]
    }

    private static let architecture = UInt32(bitPattern: Int32(truncatingIfNeeded: Int(CLINUX_ARCHITECTURE)))
}
