#include "specification.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kept.h"
#include "report.h"

static char *begin, *cursor, *end;

void specification_open(void) {
    struct stat status;
    if (fstat(SPECIFICATION_FD, &status) != 0) fail("fstat", "specification");
    if (status.st_size == 0) fail_because("read", "specification", "it is empty");
    // Private and writable: environment and arguments are used where they lie.
    cursor = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, SPECIFICATION_FD, 0);
    if (cursor == MAP_FAILED) fail("mmap", "specification");
    begin = cursor;
    end = cursor + status.st_size;
    if (end[-1] != '\0') fail_because("read", "specification", "it is cut off");
    close(SPECIFICATION_FD);
}

void specification_close(void) {
    munmap(begin, (size_t)(end - begin));
    begin = cursor = end = NULL;
}

char *next_text(void) {
    if (cursor >= end) fail_because("read", "specification", "it ends too early");
    char *text = cursor;
    cursor += strlen(text) + 1;
    return text;
}

uint64_t next_number(void) {
    char *text = next_text(), *rest;
    errno = 0;
    uint64_t number = strtoull(text, &rest, 10);
    if (errno != 0 || *rest != '\0' || rest == text) fail_because("read", text, "it is not a number");
    return number;
}

char *next_bytes(size_t *count) {
    uint64_t wanted = next_number();
    // A NUL follows.
    if (wanted >= (uint64_t)(end - cursor)) fail_because("read", "specification", "it ends too early");
    char *bytes = cursor;
    cursor += wanted;
    if (*cursor++ != '\0') fail_because("read", "specification", "something is longer than it says");
    *count = (size_t)wanted;
    return bytes;
}

int take_word(const char *word) {
    if (cursor >= end || strcmp(cursor, word) != 0) return 0;
    next_text();
    return 1;
}

char **next_list(void) {
    uint64_t count = next_number();
    if (count > (uint64_t)(end - cursor)) fail_because("read", "specification", "a list is too long");
    char **list = keep((count + 1) * sizeof *list);
    for (uint64_t i = 0; i < count; i++) list[i] = next_text();
    list[count] = NULL;
    return list;
}
