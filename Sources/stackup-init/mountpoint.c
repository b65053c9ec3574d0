#include "mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kept.h"
#include "mount_api.h"
#include "report.h"
#include "root.h"

int new_root = -1;

/// A tmpfs that stackup-init made.
struct own_filesystem {
    dev_t device;
    int mount;  ///< to be made read-only; -1: the service may write
    struct own_filesystem *next;
};
static struct own_filesystem *own_filesystems;

void remember_own(int mount, int service_writes) {
    struct own_filesystem *entry = keep(sizeof *entry);
    struct stat status;
    if (fstat(mount, &status) != 0) fail("fstat", "tmpfs");
    *entry = (struct own_filesystem){status.st_dev, service_writes ? -1 : mount, own_filesystems};
    own_filesystems = entry;
}

void seal_own_filesystems(void) {
    for (struct own_filesystem *entry = own_filesystems; entry != NULL; entry = entry->next) {
        if (entry->mount < 0) continue;
        if (tree_restrict(entry->mount, API_MOUNT_RDONLY, 0) != 0) fail("mount_setattr", "read-only tmpfs");
        close(entry->mount);
    }
}

static int is_own(int directory) {
    struct stat status;
    if (fstat(directory, &status) != 0) fail("fstat", "mount point");
    for (struct own_filesystem *entry = own_filesystems; entry != NULL; entry = entry->next)
        if (entry->device == status.st_dev) return 1;
    return 0;
}

/// A folder of the new root in which services may have laid links.
struct distrusted {
    char *path;  ///< without links
    struct distrusted *next;
};
static struct distrusted *distrusted;

void distrust(const char *path) {
    struct distrusted *entry = keep(sizeof *entry);
    size_t size = strlen(path) + 1;
    *entry = (struct distrusted){memcpy(keep(size), path, size), distrusted};
    distrusted = entry;
}

static int is_distrusted(const char *folder) {
    for (struct distrusted *entry = distrusted; entry != NULL; entry = entry->next) {
        size_t length = strlen(entry->path);
        if (strncmp(folder, entry->path, length) == 0 && (folder[length] == '\0' || folder[length] == '/')) return 1;
    }
    return 0;
}

/// As who one is shown that the user namespace does not map (proc_sys_kernel(5), overflowuid).
enum { UNMAPPED = 65534 };

enum { RESOLVE_NO_MAGICLINKS_ = 0x02, RESOLVE_NO_SYMLINKS_ = 0x04, RESOLVE_IN_ROOT_ = 0x10 };

static int open_resolved(const char *path, uint64_t resolve) {
    struct { uint64_t flags, mode, resolve; } how = {
        .flags = O_PATH | O_CLOEXEC, .resolve = resolve | RESOLVE_IN_ROOT_ | RESOLVE_NO_MAGICLINKS_};
    return (int)syscall(SYS_openat2, new_root, path, &how, sizeof how);
}

int open_in_root_without_links(const char *path) { return open_resolved(path, RESOLVE_NO_SYMLINKS_); }

/// Takes `.`, `..` and doubled slashes out of a path: of one without links this does not change where it leads.
static void clean(char path[PATH_MAX]) {
    char result[PATH_MAX] = "";
    size_t length = 0;
    for (size_t end = 0; path[end] != '\0';) {
        size_t start = end + strspn(path + end, "/");
        end = start + strcspn(path + start, "/");
        size_t size = end - start;
        if (size == 0 || (size == 1 && path[start] == '.')) continue;
        if (size == 2 && path[start] == '.' && path[start + 1] == '.') {
            while (length > 0 && result[--length] != '/') {}
            continue;
        }
        result[length++] = '/';
        memcpy(result + length, path + start, size);
        length += size;
    }
    result[length] = '\0';
    strcpy(path, length == 0 ? "/" : result);
}

/// Whether a path leads to something without a link on the way; errno is ELOOP where there is one.
static int is_free_of_links(const char *path) {
    int place = open_resolved(path, RESOLVE_NO_SYMLINKS_);
    if (place >= 0) close(place);
    return place >= 0 || errno != ELOOP;
}

/// Puts what the first link on the way says into the path, unless a service may have laid it.
static void follow_first_link(char path[PATH_MAX]) {
    char folder[PATH_MAX] = "/", text[PATH_MAX], next[3 * PATH_MAX];
    for (size_t end = 0;;) {
        size_t start = end + strspn(path + end, "/");
        end = start + strcspn(path + start, "/");
        if (end == start) fail_because("open mount point", path, "it changes while it is looked at");
        snprintf(text, sizeof text, "%.*s", (int)end, path);
        if (is_free_of_links(text)) {
            strcpy(folder, text);
            continue;
        }
        clean(folder);
        // It would have anything mounted anywhere: its own files on the /etc that root's programs read, say.
        if (is_distrusted(folder))
            fail_because("mount point", path,
                         "the way leads through a symbolic link in a folder that a service may write to; remove the link, "
                         "or name the place that it leads to");
        int link = open_resolved(folder, RESOLVE_NO_SYMLINKS_);
        ssize_t length = link < 0 ? -1 : readlinkat(link, strrchr(text, '/') + 1, next, PATH_MAX - 1);
        if (length < 0) fail("readlink", text);
        close(link);
        snprintf(text, sizeof text, "%.*s", (int)length, next);
        int count = snprintf(next, sizeof next, "%s/%s%s", text[0] == '/' ? "" : folder, text, path + end);
        if (count >= PATH_MAX) fail_because("open mount point", path, "the path is too long");
        strcpy(path, next);
        return;
    }
}

/// The path without links, as far as it exists.
static void resolve(const char *path, char way[PATH_MAX]) {
    if (strlen(path) >= PATH_MAX) fail_because("open mount point", path, "the path is too long");
    strcpy(way, path);
    // As many links as the kernel itself follows (path_resolution(7)).
    for (int links = 0; links < 40; links++) {
        if (is_free_of_links(way)) return clean(way);
        follow_first_link(way);
    }
    errno = ELOOP;
    fail("open mount point", path);
}

int open_in_root(const char *path) {
    int place = open_resolved(path, RESOLVE_NO_SYMLINKS_);
    if (place >= 0 || errno != ELOOP) return place;
    char way[PATH_MAX];
    resolve(path, way);
    return open_resolved(way, RESOLVE_NO_SYMLINKS_);
}

void distrust_target(const char *path) {
    char way[PATH_MAX];
    resolve(path, way);
    distrust(way);
}

/// One entry of a directory that is being replaced: a tree to bind, or a symbolic link's text.
struct entry {
    char name[NAME_MAX + 1];
    char *link;
    int tree;
    int is_directory;
};

static struct entry *read_entries(int directory, const char *path, size_t *count) {
    int readable = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = readable < 0 ? NULL : fdopendir(readable);
    if (stream == NULL) fail("opendir", path);
    struct entry *entries = NULL;
    size_t capacity = 0;
    *count = 0;
    for (struct dirent *found; (found = readdir(stream)) != NULL;) {
        struct stat status;
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0) continue;
        if (fstatat(directory, found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (*count == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            entries = realloc(entries, capacity * sizeof *entries);
            if (entries == NULL) fail("realloc", path);
        }
        struct entry entry = {.tree = -1, .is_directory = S_ISDIR(status.st_mode)};
        strcpy(entry.name, found->d_name);
        if (S_ISLNK(status.st_mode)) {
            char text[PATH_MAX];
            ssize_t length = readlinkat(directory, entry.name, text, sizeof text - 1);
            if (length < 0) continue;
            text[length] = '\0';
            entry.link = strdup(text);
            if (entry.link == NULL) fail("strdup", path);
        } else {
            // An entry that cannot be taken along (it vanished, or is on a mount that others may not see) is left out.
            entry.tree = tree_clone(directory, entry.name, 1);
            if (entry.tree < 0) continue;
        }
        entries[(*count)++] = entry;
    }
    closedir(stream);
    return entries;
}

static int is_new_root(const struct stat *directory) {
    struct stat root;
    if (fstat(new_root, &root) != 0) fail("fstat", "the new root");
    return root.st_dev == directory->st_dev && root.st_ino == directory->st_ino;
}

int is_in_root(void) {
    struct stat status;
    if (stat("/", &status) != 0) fail("stat", "/");
    return is_new_root(&status);
}

/// Replaces a directory by a tmpfs with each of its entries bound in, so that mount points can be made beside them.
static void replace_with_own(int directory, const char *path) {
    struct stat status;
    struct statvfs filesystem;
    if (fstat(directory, &status) != 0 || fstatvfs(directory, &filesystem) != 0) fail("stat", path);
    if (!(filesystem.f_flag & ST_RDONLY))
        fail_because("mount point", path,
                     "it is missing in a folder that the service may write to, and nothing is made on the host; "
                     "create it in the volume");
    size_t count;
    struct entry *entries = read_entries(directory, path, &count);
    char mode[8];
    snprintf(mode, sizeof mode, "%o", status.st_mode & 07777);
    int own = tmpfs_new(mode, "1m", API_MOUNT_NOSUID | API_MOUNT_NODEV);
    if (own < 0) fail("mount tmpfs", path);
    // In a user namespace the owner may be one that is not mapped: then it stays ours. Such a one is shown as one that may be mapped, and is not the owner.
    int is_unmapped = unprivileged && (status.st_uid == UNMAPPED || status.st_gid == UNMAPPED);
    if (!is_unmapped && fchownat(own, "", status.st_uid, status.st_gid, AT_EMPTY_PATH) != 0 && errno != EINVAL && errno != EPERM)
        fail("chown", path);
    if (tree_attach(own, directory) != 0) fail("move_mount", path);
    remember_own(own, 0);
    // Whoever was in the root is now below it.
    if (is_new_root(&status)) {
        close(new_root);
        new_root = fcntl(own, F_DUPFD_CLOEXEC, 0);
    }
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &entries[i];
        if (entry->link != NULL) {
            if (symlinkat(entry->link, own, entry->name) != 0) fail("symlink", entry->name);
            free(entry->link);
            continue;
        }
        int made = entry->is_directory ? mkdirat(own, entry->name, 0755)
                                       : mknodat(own, entry->name, S_IFREG | 0444, 0);
        int place = made == 0 ? openat(own, entry->name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (place < 0 || tree_attach(entry->tree, place) != 0) fail("bind", entry->name);
        close(place);
        close(entry->tree);
    }
    free(entries);
}

static int open_or_make(const char *path, enum mountpoint_kind kind);

/// Makes the last part of `path` in its parent directory.
static int make(const char *path, enum mountpoint_kind kind) {
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0' || (size_t)(slash - path) >= sizeof parent)
        fail_because("mount point", path, "it is not a path that can be mounted on");
    snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    int directory = open_or_make(parent, MOUNTPOINT_DIRECTORY);
    if (!is_own(directory)) {
        replace_with_own(directory, parent);
        close(directory);
        directory = open_in_root(parent);
        if (directory < 0) fail("open", parent);
    }
    int made = kind == MOUNTPOINT_DIRECTORY ? mkdirat(directory, slash + 1, 0755)
                                            : mknodat(directory, slash + 1, S_IFREG | 0444, 0);
    if (made != 0 && errno != EEXIST) fail("create mount point", path);
    close(directory);
    int place = open_in_root(path);
    if (place < 0) fail("open mount point", path);
    return place;
}

static int open_or_make(const char *path, enum mountpoint_kind kind) {
    int place = open_in_root(path);
    if (place >= 0) return place;
    if (errno != ENOENT) fail("open mount point", path);
    return make(path, kind);
}

int mountpoint(const char *path, enum mountpoint_kind kind) {
    int place = open_or_make(path, kind);
    struct stat status;
    if (fstat(place, &status) != 0) fail("stat", path);
    if (S_ISDIR(status.st_mode) != (kind == MOUNTPOINT_DIRECTORY))
        fail_because("mount point", path, kind == MOUNTPOINT_DIRECTORY ? "it is a file, and a folder is to be mounted on it"
                                                                       : "it is a folder, and a file is to be mounted on it");
    return place;
}
