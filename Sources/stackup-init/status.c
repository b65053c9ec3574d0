#include "status.h"

#include <sys/mman.h>
#include <unistd.h>

#include "report.h"

static volatile int *record;

void status_open(void) {
    // No wait status.
    int none = -1;
    if (pwrite(STATUS_FD, &none, sizeof none, 0) != sizeof none) fail("write", "exit status");
    // A service of the same user can lower our limits (prlimit(2)), and RLIMIT_FSIZE 0 refuses every write, within a file
    // that is large enough too; but not to memory.
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED, STATUS_FD, 0);
    if (record == MAP_FAILED) fail("mmap", "exit status");
}

void status_record(int status) { *record = status; }
