/// What a process may do to itself so that it, and all that it starts, can do less: prctl(2), capset(2), landlock(7), seccomp(2).
#pragma once
#include <stdint.h>
#include <sys/syscall.h>

/// No program that is executed from now on gains rights (PR_SET_NO_NEW_PRIVS). Returns 0, or -1 with errno set.
int clinux_no_new_privileges(void);
/// Gives up all capabilities that are not in the set, for good. Returns 0, or -1 with errno set.
int clinux_keep_capabilities(uint64_t set);
/// Has the kernel send this process a signal when the thread that started it ends (PR_SET_PDEATHSIG).
int clinux_signal_with_parent(int signal);

/// The version of Landlock that the kernel has, or -1.
int clinux_landlock_version(void);
/// A rule set that handles rights to files (LANDLOCK_ACCESS_FS_*) and what is scoped (LANDLOCK_SCOPE_*); -1 with errno set.
int clinux_landlock_rules(uint64_t rights, uint64_t scoped);
/// Allows what is at, and below, `place`. Returns 0, or -1 with errno set.
int clinux_landlock_allow(int rules, int place, uint64_t rights);
/// Restricts this thread, and those that it starts. Returns 0, or -1 with errno set.
int clinux_landlock_restrict(int rules);

/// One instruction of a filter: struct sock_filter.
struct clinux_instruction {
    uint16_t code;
    uint8_t when_true, when_false;
    uint32_t value;
};
/// Filters the system calls of this thread, and those that it starts. Returns 0, or -1 with errno set.
int clinux_filter_system_calls(const struct clinux_instruction *program, uint16_t count);

/// AUDIT_ARCH_* of this machine's own system calls.
#if defined(__x86_64__)
enum { CLINUX_ARCHITECTURE = (int)0xC000003E };
#elif defined(__aarch64__)
enum { CLINUX_ARCHITECTURE = (int)0xC00000B7 };
#endif
