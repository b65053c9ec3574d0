#define _GNU_SOURCE
#include "CLinuxSandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Newer than the headers of some hosts (linux/landlock.h); the numbers are the same on all architectures.
enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446, VERSION = 1, PATH_BENEATH = 1 };
struct landlock_rules { uint64_t files, network, scoped; };
struct landlock_place { uint64_t rights; int32_t place; } __attribute__((packed));

int clinux_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int clinux_keep_capabilities(uint64_t set) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (!(set >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return -1;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -1;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    for (int half = 0; half < 2; half++) {
        uint32_t kept = (uint32_t)(set >> 32 * half);
        data[half].effective &= kept;
        data[half].permitted &= kept;
        data[half].inheritable &= kept;
    }
    return (int)syscall(SYS_capset, &header, data);
}

int clinux_signal_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

int clinux_landlock_version(void) { return (int)syscall(LANDLOCK_CREATE, NULL, 0, VERSION); }

int clinux_landlock_rules(uint64_t rights, uint64_t scoped) {
    struct landlock_rules rules = {rights, 0, scoped};
    // Older kernels know a shorter structure, and take a longer one whose rest is zero.
    return (int)syscall(LANDLOCK_CREATE, &rules, sizeof rules, 0);
}

int clinux_landlock_allow(int rules, int place, uint64_t rights) {
    struct landlock_place allowed = {rights, place};
    return (int)syscall(LANDLOCK_ADD, rules, PATH_BENEATH, &allowed, 0);
}

int clinux_landlock_restrict(int rules) { return (int)syscall(LANDLOCK_RESTRICT, rules, 0); }

_Static_assert(sizeof(struct clinux_instruction) == sizeof(struct sock_filter), "one is the other");

int clinux_filter_system_calls(const struct clinux_instruction *program, uint16_t count) {
    struct sock_fprog filter = {count, (struct sock_filter *)program};
    // Without the flag, kernels before 5.16 would slow the process down against an attack that needs one's own code.
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
}
