#include "masks.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mount_api.h"
#include "mountpoint.h"
#include "report.h"

/// An empty folder: made once, copied for each further mask.
static int first = -1;

static int empty_folder(void) {
    if (first >= 0) {
        int copy = tree_clone(first, "", 0);
        if (copy >= 0) return copy;
        // It went with a root that another one has taken the place of (mountpoint.c).
        close(first);
    }
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

int is_processes(int place) {
    struct statfs status;
    return fstatfs(place, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

void mask_processes(const char *path) {
    int place = open_without_links(path);
    if (place < 0) return;
    if (is_processes(place)) mask_descriptor(place, path);
    close(place);
}

/// Whether something is a cover. It is told by what makes it one, and not by who laid it: a folder that has no room for any entry, a device
/// that can't be opened.
static int is_cover(int place, const char *path) {
    struct stat status;
    struct statfs filesystem;
    if (fstat(place, &status) != 0) fail("stat", path);
    if (fstatfs(place, &filesystem) != 0) return 0;
    if (S_ISDIR(status.st_mode))
        return filesystem.f_type == TMPFS_MAGIC && filesystem.f_files == 1 && (filesystem.f_flags & ST_RDONLY) != 0 && (status.st_mode & 07777) == 0;
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3) && (filesystem.f_flags & ST_NODEV) != 0;
}

void cover(int place, const char *path) {
    if (place < 0) return;
    if (!is_cover(place, path)) mask_descriptor(place, path);
    close(place);
}

void mask_again(const char *path, int is_in_root) {
    cover(open_without_links(path), path);
    // Each has mounts of its own.
    if (!is_in_root) cover(open_in_root_without_links(path), path);
}

void leave_cover(const char *name) {
    int place = openat(new_root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0) fail("open", name);
    mask_descriptor(place, name);
    close(place);
}

void take_cover(const char *name) {
    // The mount itself: before Linux 6.15 a copy of it that is attached nowhere could not be copied again.
    int place = openat(new_root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0) fail("take", name);
    if (is_cover(place, name)) {
        first = place;
        return;
    }
    // Others have the same one, and whoever may mount has made something else of it: from here on there is another.
    close(place);
}
