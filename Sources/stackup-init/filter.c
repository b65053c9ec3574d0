// Docker's list is far longer; these are the calls for which namespaces, capabilities and mounts are no answer:
// keyrings belong to a user and not to a namespace, so root's keys would be every root service's; a user namespace of
// one's own brings all capabilities, and with them cgroups, overlays and most of the kernel to attack; a file handle knows no mounts,
// and so no masks; and a terminal
// that `stackup exec` was given would take what is pushed into it for typed by the person in front of it.
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

/// The numbers of one way to make system calls: a machine has an older one for 32-bit programs too.
struct convention {
    uint32_t architecture, add_key, request_key, keyctl, ioctl, open_by_handle_at, unshare, clone, clone3;
};

#if defined(__x86_64__)
static const struct convention conventions[] = {
    {AUDIT_ARCH_X86_64, 248, 249, 250, 16, 304, 272, 56, 435},
    {AUDIT_ARCH_I386, 286, 287, 288, 54, 342, 310, 120, 435},
};
#elif defined(__aarch64__)
static const struct convention conventions[] = {
    {AUDIT_ARCH_AARCH64, 217, 218, 219, 29, 265, 97, 220, 435},
    {AUDIT_ARCH_ARM, 309, 310, 311, 54, 371, 337, 120, 435},
};
#else
#error "the numbers of this architecture's system calls are missing here"
#endif

enum {
    X32 = 0x40000000, TIOCSTI_ = 0x5412, TIOCLINUX_ = 0x541c, INSTRUCTIONS = 64,
    REFUSED = SECCOMP_RET_ERRNO | EPERM, UNKNOWN = SECCOMP_RET_ERRNO | ENOSYS,
};

static struct sock_filter program[INSTRUCTIONS];
static unsigned short length;

static void put(uint16_t code, uint8_t when_true, uint8_t when_false, uint32_t value) {
    if (length == INSTRUCTIONS) fail_because("seccomp", "filter", "it is too long");
    program[length++] = (struct sock_filter){code, when_true, when_false, value};
}

static void load(size_t offset) { put(BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset); }
static void give(uint32_t action) { put(BPF_RET | BPF_K, 0, 0, action); }
static void skip_unless(uint16_t test, uint32_t value, uint8_t count) { put(BPF_JMP | test | BPF_K, 0, count, value); }
static void refuse(uint32_t number, uint32_t action) {
    skip_unless(BPF_JEQ, number, 1);
    give(action);
}
/// The lower half of an argument: of flags and requests the kernel takes no more (both machines are little-endian).
static size_t argument(unsigned index) { return offsetof(struct seccomp_data, args) + 8 * index; }

static void put_convention(const struct convention *numbers, int is_confined) {
    unsigned short start = length;
    skip_unless(BPF_JEQ, numbers->architecture, 0);
    load(offsetof(struct seccomp_data, nr));
    if (numbers->architecture == AUDIT_ARCH_X86_64) {
        skip_unless(BPF_JGE, X32, 1);
        give(UNKNOWN);
    }
    refuse(numbers->add_key, REFUSED);
    refuse(numbers->request_key, REFUSED);
    refuse(numbers->keyctl, REFUSED);
    skip_unless(BPF_JEQ, numbers->ioctl, 6);
    load(argument(1));
    refuse(TIOCSTI_, REFUSED);
    refuse(TIOCLINUX_, REFUSED);
    give(SECCOMP_RET_ALLOW);
    if (is_confined) {
        // A handle leads to a file past whatever is mounted over it, for who has CAP_DAC_READ_SEARCH.
        refuse(numbers->open_by_handle_at, REFUSED);
        // Its flags lie in memory, where no filter can look; who is told so uses clone(2).
        refuse(numbers->clone3, UNKNOWN);
        put(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, numbers->unshare);
        skip_unless(BPF_JEQ, numbers->clone, 3);
        load(argument(0));
        skip_unless(BPF_JSET, CLONE_NEWUSER, 1);
        give(REFUSED);
    }
    give(SECCOMP_RET_ALLOW);
    program[start].jf = (uint8_t)(length - start - 1);
}

void filter_system_calls(int is_confined) {
    load(offsetof(struct seccomp_data, arch));
    for (size_t i = 0; i < sizeof conventions / sizeof *conventions; i++) put_convention(&conventions[i], is_confined);
    give(UNKNOWN);
    struct sock_fprog filter = {length, program};
    // Without the flag, kernels before 5.16 would slow the service down against an attack that needs one's own code.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) != 0)
        fail("seccomp", "filter");
}
