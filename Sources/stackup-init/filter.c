// The program was made by whoever launched this (Sources/SystemCalls), once for all that may do the same.
#include "filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

static unsigned char value(char digit) {
    if (digit >= '0' && digit <= '9') return (unsigned char)(digit - '0');
    if (digit >= 'a' && digit <= 'f') return (unsigned char)(digit - 'a' + 10);
    fail_because("read", "filter", "it is not hexadecimal");
}

void install_filter(unsigned flags, char *digits) {
    size_t length = strlen(digits) / 2, instructions = length / sizeof(struct sock_filter);
    if (instructions == 0 || instructions > BPF_MAXINSNS || strlen(digits) != 2 * instructions * sizeof(struct sock_filter))
        fail_because("read", "filter", "it has no whole number of instructions");
    // A byte is written where digits were read before.
    unsigned char *bytes = (unsigned char *)digits;
    for (size_t i = 0; i < length; i++) bytes[i] = (unsigned char)(value(digits[2 * i]) << 4 | value(digits[2 * i + 1]));
    struct sock_fprog program = {(unsigned short)instructions, (struct sock_filter *)(void *)bytes};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0) fail("seccomp", "filter");
}
