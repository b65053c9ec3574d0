#include "uncovered.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "masks.h"
#include "report.h"

static const char **allowed;
static unsigned allowed_count;

void allow_processes(const char *place) {
    allowed = realloc(allowed, (allowed_count + 1) * sizeof *allowed);
    if (allowed == NULL) fail("realloc", place);
    allowed[allowed_count++] = place;
}

/// A line of proc_pid_mountinfo(5).
struct line {
    unsigned id, parent;
    const char *device;  ///< MAJOR:MINOR
    const char *place;
    int shows_processes;
};

static char *read_table(void) {
    int file = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("open", "/proc/self/mountinfo");
    char *text = NULL;
    size_t filled = 0, size = 0;
    for (;;) {
        if (size - filled < 2) {
            size = size == 0 ? 16384 : size * 2;
            text = realloc(text, size);
            if (text == NULL) fail("realloc", "/proc/self/mountinfo");
        }
        ssize_t count = read(file, text + filled, size - filled - 1);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("read", "/proc/self/mountinfo");
        if (count == 0) break;
        filled += (size_t)count;
    }
    close(file);
    text[filled] = '\0';
    return text;
}

/// Spaces, tabs, newlines and backslashes are written as three octal digits.
static char *unescaped(char *word) {
    char *to = word;
    for (const char *from = word; *from != '\0';) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
            *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return word;
}

/// Takes a line apart; 0 where it is none.
static int parse(char *text, struct line *line) {
    char *rest = text, *words[5];
    for (unsigned i = 0; i < 5; i++)
        if ((words[i] = strsep(&rest, " ")) == NULL) return 0;
    // Optional fields end with a hyphen; the type comes after it.
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (strcmp(word, "-") == 0) break;
    char *type = strsep(&rest, " ");
    if (type == NULL) return 0;
    *line = (struct line){
        (unsigned)strtoul(words[0], NULL, 10), (unsigned)strtoul(words[1], NULL, 10), words[2], unescaped(words[4]), strcmp(type, "proc") == 0};
    return 1;
}

static int is_below(const char *place, const char *folder) {
    size_t length = strlen(folder);
    return strncmp(place, folder, length) == 0 && place[length] == '/';
}

/// Whether another mount lies on this one, or on a folder above it in what both are mounted on.
static int is_covered(const struct line *mount, const struct line *lines, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (lines[i].parent == mount->id && strcmp(lines[i].place, mount->place) == 0) return 1;
        if (lines[i].parent == mount->parent && is_below(mount->place, lines[i].place)) return 1;
    }
    return 0;
}

static int is_allowed(const char *place) {
    for (unsigned i = 0; i < allowed_count; i++)
        if (strcmp(allowed[i], place) == 0) return 1;
    return 0;
}

/// Covers what lies open, where it can be found by the name that it has just now.
///
/// Returns how many lay open.
static unsigned cover_processes(unsigned attempts_left) {
    unsigned uncovered = 0;
    char *text = read_table(), *rest = text;
    struct line *lines = NULL;
    unsigned count = 0;
    for (char *next; (next = strsep(&rest, "\n")) != NULL;) {
        if (count % 64 == 0 && (lines = realloc(lines, (count + 64) * sizeof *lines)) == NULL) fail("realloc", "the mounts");
        count += (unsigned)parse(next, &lines[count]);
    }
    // The last one at /proc is the instance's own.
    const char *own = "";
    for (unsigned i = 0; i < count; i++)
        if (lines[i].shows_processes && strcmp(lines[i].place, "/proc") == 0) own = lines[i].device;
    for (unsigned i = 0; i < count; i++) {
        if (!lines[i].shows_processes || strcmp(lines[i].device, own) == 0) continue;
        if (is_allowed(lines[i].place) || is_covered(&lines[i], lines, count)) continue;
        uncovered++;
        if (attempts_left == 0)
            fail_because("cover", lines[i].place, "the host's processes lie there, and a folder above is renamed all the time; end who does that, or unmount them");
        mask_processes(lines[i].place);
    }
    free(lines);
    free(text);
    return uncovered;
}

void cover_remaining_processes(void) {
    for (unsigned attempts = 1000; cover_processes(attempts) > 0; attempts--) {}
}
