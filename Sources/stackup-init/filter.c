// The program was made by whoever launched this (Sources/SystemCalls), once for all that may do the same.
#include "filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "beside.h"
#include "report.h"
#include "specification.h"

void read_filter(struct identity *identity) {
    // Whoever wants none has to say so.
    if (take_word("unfiltered")) return;
    if (!take_word("filter")) fail_because("read", "specification", "it says nothing of system calls");
    identity->filter_flags = (unsigned)next_number();
    size_t length;
    identity->filter = next_bytes(&length);
    size_t instructions = length / sizeof(struct sock_filter);
    if (instructions == 0 || instructions > BPF_MAXINSNS || length != instructions * sizeof(struct sock_filter))
        fail_because("read", "filter", "it has no whole number of instructions");
    identity->filter_length = (unsigned short)instructions;
}

long install_filter(const struct identity *identity) {
    long done = call_beside(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (done < 0 || identity->filter == NULL) return done;
    // The kernel copies it: it may lie anywhere.
    struct sock_fprog program = {identity->filter_length, identity->filter};
    return call_beside(SYS_seccomp, SECCOMP_SET_MODE_FILTER, identity->filter_flags, (long)&program, 0, 0);
}
