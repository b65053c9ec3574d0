import Glibc

/// What a filter depends on of this machine.
enum Machine {
    #if arch(x86_64)
    /// libseccomp's word.
    static let architecture = "x86_64"
    /// The one of its 32-bit programs.
    static let narrowArchitecture = "x86"
    /// Docker's words.
    static let names: Set<String> = ["amd64", "x86_64"]
    /// `AUDIT_ARCH_*` (linux/audit.h) and the number of ioctl(2), of each.
    static let ioctl: [UInt32: UInt32] = [0xC000_003E: 16, 0x4000_0003: 54]
    /// The same of socket(2).
    static let socket: [UInt32: UInt32] = [0xC000_003E: 41, 0x4000_0003: 359]
    #elseif arch(arm64)
    static let architecture = "aarch64"
    static let narrowArchitecture = "arm"
    static let names: Set<String> = ["arm64", "aarch64"]
    static let ioctl: [UInt32: UInt32] = [0xC000_00B7: 29, 0x4000_0028: 54]
    static let socket: [UInt32: UInt32] = [0xC000_00B7: 198, 0x4000_0028: 281]
    #else
    #error("the numbers of this architecture's system calls are missing here")
    #endif

    /// The kernel's major and minor number.
    static let kernel: [Int] = {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return release.split(whereSeparator: { !("0"..."9").contains($0) }).prefix(2).compactMap { Int($0) }
    }()

    /// Calls that are younger than libseccomp 2.5; from 424 on, a call has one number on every architecture.
    ///
    /// Source: the kernel's `scripts/syscall.tbl`.
    static let recentCalls: [String: UInt32] = [
        "set_mempolicy_home_node": 450, "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455,
        "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
        "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465, "removexattrat": 466,
        "open_tree_attr": 467, "file_getattr": 468, "file_setattr": 469,
    ]
}
