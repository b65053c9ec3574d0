#include "status.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "specification.h"

static volatile int *record;

void status_open(void) {
    if (!take_word("status")) fail_because("read", "exit status", "its place is missing");
    int pages = (int)next_number();
    off_t offset = (off_t)next_number();
    struct stat status;
    if (fstat(pages, &status) != 0) fail("stat", "exit status");
    // Memory beyond a file's end can't be written to.
    if (status.st_size < offset + (off_t)sizeof *record) fail_because("stat", "exit status", "the file has no room for one");
    // A service of the same user can lower our limits (prlimit(2)), and RLIMIT_FSIZE 0 refuses every write, within a file
    // that is large enough too; but not to memory.
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED, pages, offset);
    if (record == MAP_FAILED) fail("mmap", "exit status");
    // The other pages are other instances', and who has a descriptor can open its file again for writing (proc(5)).
    close(pages);
}

void status_record(int status) { *record = status; }
