#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fail_with(int status, const char *stage, const char *subject, const char *reason) {
    dprintf(REPORT_FD, "%s(%s): %s", stage, subject, reason);
    _exit(status);
}

_Noreturn void fail_because(const char *stage, const char *subject, const char *reason) {
    fail_with(EXIT_SETUP, stage, subject, reason);
}

_Noreturn void fail_by(long result, const char *stage, const char *subject) {
    fail_because(stage, subject, strerror((int)-result));
}

_Noreturn void fail(const char *stage, const char *subject) {
    fail_because(stage, subject, strerror(errno));
}
