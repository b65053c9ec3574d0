#include "root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "masks.h"
#include "mount_api.h"
#include "mountpoint.h"
#include "report.h"
#include "sources.h"

int unprivileged;

/// Top-level folders that an instance has of its own.
static const char *const private_folders[] = {"proc", "sys", "dev", "run", "tmp", NULL};

/// The service's own /tmp, whatever is mounted over it later.
static int temporary = -1;

void open_root(void) {
    new_root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (new_root < 0) fail("open", "the new root");
}

/// Makes a mount point in a folder of ours that nobody else has seen yet, and attaches a tree to it.
static void attach_in(int folder, const char *name, int tree, int directory) {
    int made = directory ? mkdirat(folder, name, 0755) : mknodat(folder, name, S_IFREG | 0444, 0);
    if (made != 0) fail("create mount point", name);
    if (tree_attach_at(tree, folder, name) != 0) fail("bind", name);
}

static int is_private(const char *name) {
    for (const char *const *folder = private_folders; *folder != NULL; folder++)
        if (strcmp(name, *folder) == 0) return 1;
    return 0;
}

/// Takes one entry of the host's root along.
static void bind_from_host(int host, const char *name, unsigned char type) {
    if (type == DT_LNK) {
        char text[PATH_MAX];
        ssize_t length = readlinkat(host, name, text, sizeof text - 1);
        if (length < 0) fail("readlink", name);
        text[length] = '\0';
        if (symlinkat(text, new_root, name) != 0) fail("symlink", name);
        return;
    }
    if (type != DT_DIR && type != DT_REG) return;
    int tree = tree_clone(host, name, 1);
    if (tree < 0) fail("open_tree", name);
    attach_in(new_root, name, tree, type == DT_DIR);
    close(tree);
}

/// The type of a directory's entry; not every filesystem tells it with the name (readdir(3)).
static unsigned char type_of(int directory, const struct dirent *entry) {
    struct stat status;
    if (entry->d_type != DT_UNKNOWN) return entry->d_type;
    if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
    return S_ISLNK(status.st_mode) ? DT_LNK : S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
}

static void bind_host(int writable) {
    DIR *stream = opendir("/");
    if (stream == NULL) fail("opendir", "/");
    int host = dirfd(stream);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_private(entry->d_name)) continue;
        bind_from_host(host, entry->d_name, type_of(host, entry));
    }
    closedir(stream);
    // Devices count only in /dev: a node that lies about elsewhere would be a way to the raw disk.
    uint64_t attributes = API_MOUNT_NODEV | API_MOUNT_NOSUID | (writable ? 0 : API_MOUNT_RDONLY);
    // Our own root can be written until all of it is there.
    if (tree_restrict(new_root, attributes, 1) != 0 || tree_release(new_root, API_MOUNT_RDONLY) != 0)
        fail("mount_setattr", "the host's folders");
}

void hide_in_root(const char *path) {
    int place = open_in_root(path);
    if (place < 0) return;
    mask_descriptor(place, path);
    close(place);
}

void hide_processes_in_root(const char *path) {
    int place = open_in_root(path);
    if (place < 0) return;
    if (is_processes(place)) mask_descriptor(place, path);
    close(place);
}

int mount_new(const char *type, const char *name, unsigned long flags, const char *options) {
    return fchdir(new_root) == 0 ? mount(type, name, type, flags, options) : -1;
}

/// The same for what has to be there.
static void require_new(const char *type, const char *name, unsigned long flags, const char *options) {
    if (mount_new(type, name, flags, options) != 0) fail("mount", name);
}

/// A tmpfs that the service may write to; the descriptor of its root.
static int require_tmpfs(const char *name, unsigned long flags, const char *options) {
    require_new("tmpfs", name, flags, options);
    int own = openat(new_root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (own < 0) fail("open", name);
    remember_own(own, 1);
    return own;
}

static void attach_sys(void) {
    // What is mounted below (tracing, debugging) stays out; in a user namespace it cannot be taken apart.
    int tree = tree_clone(AT_FDCWD, "/sys", unprivileged);
    if (tree < 0 && errno == ENOENT) return;
    if (tree < 0 || tree_restrict(tree, API_MOUNT_RDONLY | API_MOUNT_NOSUID | API_MOUNT_NODEV | API_MOUNT_NOEXEC, 1) != 0)
        fail("bind", "/sys");
    attach_in(new_root, "sys", tree, 1);
    close(tree);
    cover_sys();
    // What came along of it shows the groups of everything else that runs here.
    if (unprivileged) hide_in_root("sys/fs/cgroup");
}

static void attach_device(int devices, const char *name) {
    char host[32];
    snprintf(host, sizeof host, "/dev/%s", name);
    int tree = tree_clone(AT_FDCWD, host, 0);
    // Read-only says nothing about the device's data, but its mode and owner are the host's own.
    if (tree < 0 || tree_restrict(tree, API_MOUNT_RDONLY | API_MOUNT_NOSUID | API_MOUNT_NOEXEC, 0) != 0)
        fail("device", host);
    attach_in(devices, name, tree, 0);
    close(tree);
}

static int make_folder(int parent, const char *name) {
    int folder = mkdirat(parent, name, 0755) == 0 ? openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (folder < 0) fail("mkdir", name);
    return folder;
}

static void make_dev(void) {
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty", NULL};
    static const char *const links[][2] = {
        {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"}};
    int folder = make_folder(new_root, "dev");
    for (const char *const *name = devices; *name != NULL; name++) attach_device(folder, *name);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i][0], folder, links[i][1]) != 0) fail("symlink", links[i][1]);
    close(make_folder(folder, "pts"));
    close(make_folder(folder, "mqueue"));
    close(make_folder(folder, "shm"));
    close(folder);
}

/// resolv.conf(5) often leads into /run, which becomes private: that one file is taken along.
static void bind_resolver(void) {
    char path[PATH_MAX];
    if (realpath("/etc/resolv.conf", path) == NULL || strncmp(path, "/run/", 5) != 0) return;
    int tree = tree_clone(AT_FDCWD, path, 0);
    if (tree < 0) return;
    int place = mountpoint(path, MOUNTPOINT_FILE);
    if (tree_restrict(tree, API_MOUNT_RDONLY | API_MOUNT_NOSUID | API_MOUNT_NODEV | API_MOUNT_NOEXEC, 0) != 0 ||
        tree_attach(tree, place) != 0)
        fail("bind", path);
    close(place);
    close(tree);
}

static void make_run(void) {
    int folder = make_folder(new_root, "run");
    close(make_folder(folder, "secrets"));
    close(folder);
    bind_resolver();
    // Usually a link to /run; where it is a folder, its sockets are hidden too.
    struct stat status;
    if (fstatat(new_root, "var/run", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode)) hide_in_root("var/run");
}

void build_root(int writable) {
    remember_own(fcntl(new_root, F_DUPFD_CLOEXEC, 0), 0);
    bind_host(writable);
    attach_sys();
    make_dev();
    make_run();
    close(make_folder(new_root, "proc"));
    leave_cover("proc");
    close(make_folder(new_root, "tmp"));
}

void complete_root(const char *shared_memory_size, const struct surroundings *surroundings) {
    attach_proc(!surroundings->is_privileged);
    if (surroundings->is_privileged) {
        attach_host("/sys", API_MOUNT_NOSUID | API_MOUNT_NODEV | API_MOUNT_NOEXEC);
        attach_host("/dev", API_MOUNT_NOSUID | API_MOUNT_NOEXEC);
    } else if (surroundings->has_network) {
        attach_own_sys();
    }
    // Group 5 is tty on every distribution; a user namespace does not map it.
    require_new("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, unprivileged ? "newinstance,ptmxmode=0666,mode=0620" : "newinstance,ptmxmode=0666,mode=0620,gid=5");
    struct stat status;
    // The host's /dev may have none, and nothing is made on the host.
    if (!surroundings->shares_host_ipc && fstatat(new_root, "dev/mqueue", &status, 0) == 0)
        require_new("mqueue", "dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (surroundings->shared_memory >= 0) {
        // Whatever the other service may have made of its own.
        if (tree_restrict(surroundings->shared_memory, API_MOUNT_NOSUID | API_MOUNT_NODEV | API_MOUNT_NOEXEC, 0) != 0 ||
            tree_attach_at(surroundings->shared_memory, new_root, "dev/shm") != 0)
            fail("mount", "dev/shm");
        close(surroundings->shared_memory);
        // The links in there are the other's.
        distrust("/dev/shm");
    } else {
        char options[64];
        if (snprintf(options, sizeof options, "mode=1777,size=%s", shared_memory_size) >= (int)sizeof options)
            fail_because("mount", "dev/shm", "its size is no number");
        close(require_tmpfs("dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, options));
    }
    temporary = require_tmpfs("tmp", MS_NOSUID | MS_NODEV, "mode=1777");
    attach_tmpfs("/var/tmp", 0, "", "1777", geteuid(), getegid(), 1);
}

/// Attaches a detached tree at a path of the new root, whose kind it decides.
static void attach(int tree, const char *stage, const char *target) {
    struct stat status;
    if (fstat(tree, &status) != 0) fail("stat", target);
    int place = mountpoint(target, S_ISDIR(status.st_mode) ? MOUNTPOINT_DIRECTORY : MOUNTPOINT_FILE);
    if (tree_attach(tree, place) != 0) fail(stage, target);
    close(place);
}

void attach_source(unsigned index, const char *target, int read_only) {
    int tree = source_tree(index, target);
    if (read_only && tree_restrict(tree, API_MOUNT_RDONLY, 1) != 0) fail("mount_setattr", target);
    attach(tree, "bind", target);
    close(tree);
    // Whoever shares it may write to it, read-only as it may be here.
    distrust_target(target);
}

void attach_tmpfs(const char *target, int read_only, const char *size, const char *mode, unsigned uid, unsigned gid, int executable) {
    uint64_t attributes = API_MOUNT_NOSUID | API_MOUNT_NODEV | (executable ? 0 : API_MOUNT_NOEXEC);
    int own = tmpfs_new(mode, size[0] == '\0' ? NULL : size, attributes);
    if (own < 0) fail("mount tmpfs", target);
    if ((uid != geteuid() || gid != getegid()) && fchownat(own, "", uid, gid, AT_EMPTY_PATH) != 0) fail("chown", target);
    attach(own, "mount tmpfs", target);
    remember_own(own, !read_only);
}

void attach_secrets(void) {
    attach(SECRETS_FD, "mount the secrets", "/run/secrets");
    close(SECRETS_FD);
}

void attach_target(int descriptor, const char *target) {
    attach(descriptor, "mount the file", target);
    close(descriptor);
}

void attach_text(const char *target, const char *content) {
    // The file lives in /tmp just long enough to be mounted elsewhere.
    int file = openat(temporary, ".text", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    size_t length = strlen(content);
    if (file < 0 || write(file, content, length) != (ssize_t)length) fail("write", target);
    close(file);
    int tree = tree_clone(temporary, ".text", 0);
    if (tree < 0 || tree_restrict(tree, API_MOUNT_RDONLY | API_MOUNT_NOSUID | API_MOUNT_NODEV | API_MOUNT_NOEXEC, 0) != 0)
        fail("open_tree", target);
    int place = mountpoint(target, MOUNTPOINT_FILE);
    if (tree_attach(tree, place) != 0) fail("bind", target);
    close(place);
    close(tree);
    if (unlinkat(temporary, ".text", 0) != 0) fail("unlink", target);
}

void enter_root(void) {
    seal_own_filesystems();
    // Without mounts of the host's, the namespace has been made with it as its root.
    if (is_in_root()) {
        close(new_root);
        return;
    }
    if (fchdir(new_root) != 0) fail("chdir", "the new root");
    close(new_root);
    // The old root is stacked on the new one and taken off again: no folder for it is needed (pivot_root(2)).
    if (syscall(SYS_pivot_root, ".", ".") != 0) fail("pivot_root", ".");
    if (umount2(".", MNT_DETACH) != 0) fail("umount", "the old root");
    if (chdir("/") != 0) fail("chdir", "/");
}
