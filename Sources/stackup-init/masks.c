#include "masks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount_api.h"
#include "report.h"

/// An empty folder: made once, copied for each further mask.
static int empty_folder(void) {
    static int first = -1;
    if (first >= 0) return tree_clone(first, "", 0);
    const char *const options[] = {"mode", "0", "source", "tmpfs", "size", "4k", "nr_inodes", "1", NULL};
    first = filesystem_new("tmpfs", options,
                           API_MOUNT_RDONLY | API_MOUNT_NOSUID | API_MOUNT_NODEV | API_MOUNT_NOEXEC);
    return first;
}

/// A device on a mount without devices cannot be opened at all: made once, copied for each further mask, since
/// a stack has as many masks as it has secret files, and each of its instances lays them all.
static int closed_device(void) {
    static int first = -1;
    if (first >= 0) return tree_clone(first, "", 0);
    first = tree_clone(AT_FDCWD, "/dev/null", 0);
    if (first >= 0 && tree_restrict(first, API_MOUNT_RDONLY | API_MOUNT_NODEV | API_MOUNT_NOEXEC, 0) != 0)
        fail("mount_setattr", "/dev/null");
    return first;
}

void mask_descriptor(int place, const char *path) {
    struct stat status;
    if (fstat(place, &status) != 0) fail("stat", path);
    int cover = S_ISDIR(status.st_mode) ? empty_folder() : closed_device();
    if (cover < 0 || tree_attach(cover, place) != 0) fail("mask", path);
}

void mask(const char *path) {
    int place = open_without_links(path);
    // Such a path may be of somebody who is nobody's to trust, and must not stop a launch. What cannot be reached by us (in
    // a user namespace) the service cannot reach either.
    if (place < 0) return;
    mask_descriptor(place, path);
    close(place);
}
