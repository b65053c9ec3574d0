#include "sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "masks.h"
#include "mount_api.h"
#include "report.h"
#include "uncovered.h"

struct source {
    const char *path;
    int place;  ///< what lies there, opened once
    int tree;
    int has_devices;
    int shows_processes;
};
static struct source *sources;
static unsigned source_count;

static char **processes;
static unsigned processes_count;

void add_source(const char *path, int has_devices) {
    int place = open_without_links(path);
    if (place < 0 && errno == ELOOP)
        fail_because("open the mount source", path, "a symbolic link has come to lie on the way since 'up'; run 'up' again");
    if (place < 0) fail("open the mount source", path);
    sources = realloc(sources, (source_count + 1) * sizeof *sources);
    if (sources == NULL) fail("realloc", path);
    sources[source_count++] = (struct source){path, place, -1, has_devices, 0};
}

void add_processes(char *path) {
    processes = realloc(processes, (processes_count + 1) * sizeof *processes);
    if (processes == NULL) fail("realloc", path);
    processes[processes_count++] = path;
}

static void open_source(struct source *source) {
    struct stat status;
    source->tree = tree_clone(source->place, "", 1);
    close(source->place);
    if (source->tree < 0 || fstat(source->tree, &status) != 0) fail("open the mount source", source->path);
    // A device that the person named may be used; devices that lie in a folder may not.
    int has_devices = source->has_devices || S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
    if (tree_restrict(source->tree, API_MOUNT_NOSUID | API_MOUNT_NODEV, 1) != 0) fail("mount_setattr", source->path);
    // Not those of mounts below: no rule can tell the host's terminals (devpts) from the service's own.
    if (has_devices && tree_release(source->tree, API_MOUNT_NODEV) != 0) fail("mount_setattr", source->path);
}

void open_sources(void) {
    if (source_count == 0) return;
    for (unsigned i = 0; i < source_count; i++)
        if ((sources[i].shows_processes = is_processes(sources[i].place))) open_source(&sources[i]);
    for (unsigned i = 0; i < processes_count; i++) mask_processes(processes[i]);
    for (unsigned i = 0; i < source_count; i++)
        if (sources[i].tree < 0) open_source(&sources[i]);
}

int source_tree(unsigned index, const char *target) {
    if (index >= source_count) fail_because("bind", target, "its source was not opened");
    if (sources[index].shows_processes) allow_processes(target);
    return sources[index].tree;
}

void pin(const char *path) {
    int place = open_without_links(path);
    if (place < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP)) return;
    int tree = place < 0 ? -1 : tree_clone(place, "", 1);
    // A mount point cannot be renamed or removed (rename(2), EBUSY).
    if (tree < 0 || tree_attach(tree, place) != 0) fail("pin", path);
    close(tree);
    close(place);
}
