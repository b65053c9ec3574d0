#include "status.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static volatile int *record;

void status_open(void) {
    struct stat status;
    if (fstat(STATUS_FD, &status) != 0) fail("stat", "exit status");
    // Memory beyond a file's end can't be written to.
    if (status.st_size < (off_t)sizeof *record) fail_because("stat", "exit status", "the file has no room for one");
    // A service of the same user can lower our limits (prlimit(2)), and RLIMIT_FSIZE 0 refuses every write, within a file
    // that is large enough too; but not to memory.
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED, STATUS_FD, 0);
    if (record == MAP_FAILED) fail("mmap", "exit status");
}

void status_record(int status) { *record = status; }
