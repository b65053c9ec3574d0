// What a process of the service may do.
#pragma once
#include <stdint.h>

/// Read from the specification by `read_identity`.
struct identity {
    unsigned uid, gid;
    int keeps_groups;  ///< those of whoever starts it, in the place of `groups`
    char **groups;
    uint64_t capabilities;  ///< a bit for each, as in capabilities(7)
    char *directory;
    char **environment;
    char **arguments;
    struct limit {
        int resource;
        uint64_t soft, hard;
    } limits[32];
    unsigned limit_count;
    const char *oom_score_adjustment;  ///< NULL: as it is
    void *filter;                      ///< NULL: every system call may be made
    unsigned short filter_length;      ///< in instructions
    unsigned filter_flags;
    int ends_with_parent;              ///< as far as it stays who it is (PR_SET_PDEATHSIG)
};

/// All but the filter, which is read before.
void read_identity(struct identity *identity);

/// Gives up every capability of this process but `kept`, for ever.
void keep_capabilities(uint64_t kept);

/// Takes the instance's own /dev/null in the place of the host's, as standard input and output: root could change the host's mode and owner
/// through a descriptor; the instance's lies on a read-only mount.
void use_own_null(void);

/// Becomes the service: limits, user, capabilities, folder, filter unless `is_filtered` already; then executes its command. Does not return.
_Noreturn void become(const struct identity *identity, int is_filtered);

/// Keeps other processes of the same user out of this one's memory and descriptors (ptrace(2), proc(5)).
void guard_process(void);
