#define _GNU_SOURCE
#include "CLinuxMounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// Names of linux/mount.h, which cannot be included beside sys/mount.h.
enum {
    CONFIG_FLAG = 0, CONFIG_STRING = 1, CONFIG_CREATE = 6, CONFIG_RECONFIGURE = 7,
    PICK_CLOEXEC = 1, PICK_EMPTY_PATH = 8,
    MOVE_F_EMPTY = 0x04, MOVE_T_EMPTY = 0x40, MOVE_BENEATH = 0x200,
};

static int configure(int context, unsigned command, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

/// Closes a descriptor and keeps errno.
static void close_quietly(int descriptor) {
    int error = errno;
    close(descriptor);
    errno = error;
}

int clinux_tmpfs(const char *size, const char *mode, int noswap) {
    int context = (int)syscall(SYS_fsopen, "tmpfs", 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return -1;
    int mount = -1;
    if (configure(context, CONFIG_STRING, "source", "tmpfs") == 0 && configure(context, CONFIG_STRING, "mode", mode) == 0 &&
        configure(context, CONFIG_STRING, "size", size) == 0 &&
        (!noswap || configure(context, CONFIG_FLAG, "noswap", NULL) == 0) &&
        configure(context, CONFIG_CREATE, NULL, NULL) == 0)
        mount = (int)syscall(
            SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC);
    close_quietly(context);
    return mount;
}

static int new_mount(const char *type, const char *key, const char *value, unsigned attributes) {
    int context = (int)syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return -1;
    int mount = -1;
    if ((!key || configure(context, CONFIG_STRING, key, value) == 0) && configure(context, CONFIG_CREATE, NULL, NULL) == 0)
        mount = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NOEXEC | attributes);
    close_quietly(context);
    return mount;
}

int clinux_terminals(void) { return new_mount("devpts", "ptmxmode", "0666", 0); }

int clinux_processes(void) { return new_mount("proc", NULL, NULL, CLINUX_MOUNT_NODEV | CLINUX_MOUNT_RDONLY); }

int clinux_tmpfs_resize(int mount, const char *size) {
    int context = (int)syscall(SYS_fspick, mount, "", PICK_CLOEXEC | PICK_EMPTY_PATH);
    if (context < 0) return -1;
    int result = configure(context, CONFIG_STRING, "size", size);
    if (result == 0) result = configure(context, CONFIG_RECONFIGURE, NULL, NULL);
    close_quietly(context);
    return result;
}

uint32_t clinux_filesystem_type(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (uint32_t)status.f_type : 0;
}

int clinux_room(int descriptor, uint64_t *total, uint64_t *left) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return -1;
    *total = (uint64_t)status.f_blocks * (uint64_t)status.f_bsize;
    *left = (uint64_t)status.f_bfree * (uint64_t)status.f_bsize;
    return 0;
}

int clinux_is_mount_root(int descriptor) {
    struct statx status;
    if (statx(descriptor, "", AT_EMPTY_PATH, 0, &status) != 0) return -1;
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int clinux_make_mounts_private(void) { return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL); }

int clinux_make_directory_root(void) {
    // The old root is stacked on the new one, and is what "." leads to then (pivot_root(2)).
    if (syscall(SYS_pivot_root, ".", ".") != 0) return -1;
    return umount2(".", MNT_DETACH);
}

int clinux_change_root(int directory) { return fchdir(directory) != 0 ? -1 : chroot("."); }

int clinux_tree_clone(int directory, const char *path, int recursive) {
    unsigned flags = 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC | AT_SYMLINK_NOFOLLOW | (path[0] == '\0' ? AT_EMPTY_PATH : 0);
    return (int)syscall(SYS_open_tree, directory, path, flags | (recursive ? 0x8000 /* AT_RECURSIVE */ : 0));
}

static int change_tree(int mount, uint64_t set, uint64_t clear, unsigned flags) {
    struct { uint64_t set, clear, propagation, user_namespace; } change = {set, clear, 0, 0};
    return (int)syscall(442 /* mount_setattr */, mount, "", AT_EMPTY_PATH | flags, &change, sizeof change);
}

int clinux_tree_change(int mount, uint64_t set, uint64_t clear) { return change_tree(mount, set, clear, 0); }

int clinux_tree_restrict(int mount, uint64_t set) { return change_tree(mount, set, 0, 0x8000 /* AT_RECURSIVE */); }

int clinux_tree_attach(int mount, int target, int beneath) {
    return (int)syscall(
        SYS_move_mount, mount, "", target, "", MOVE_F_EMPTY | MOVE_T_EMPTY | (beneath ? MOVE_BENEATH : 0));
}

int clinux_detach(const char *path) { return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW); }

int clinux_join_mounts(int descriptor) { return setns(descriptor, CLONE_NEWNS); }

int clinux_join(int pidfd, uint64_t kinds) { return setns(pidfd, (int)kinds); }

int clinux_join_user(int pidfd) { return setns(pidfd, CLONE_NEWUSER); }
