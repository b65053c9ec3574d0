#include "mount_api.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FSOPEN_CLOEXEC_ = 1, FSMOUNT_CLOEXEC_ = 1,
    FSCONFIG_SET_FLAG_ = 0, FSCONFIG_SET_STRING_ = 1, FSCONFIG_CMD_CREATE_ = 6,
    MOVE_MOUNT_F_EMPTY_PATH_ = 0x04, MOVE_MOUNT_T_EMPTY_PATH_ = 0x40,
    AT_RECURSIVE_ = 0x8000,
};

struct mount_attributes {
    uint64_t set, clear, propagation, user_namespace;
};

int open_without_links(const char *path) {
    enum { RESOLVE_NO_SYMLINKS_ = 0x04 };
    struct { uint64_t flags, mode, resolve; } how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS_};
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

int tree_clone(int directory, const char *path, int recursive) {
    unsigned flags = API_OPEN_TREE_CLONE | O_CLOEXEC | AT_SYMLINK_NOFOLLOW | (path[0] == '\0' ? AT_EMPTY_PATH : 0);
    return (int)syscall(SYS_open_tree, directory, path, flags | (recursive ? AT_RECURSIVE_ : 0));
}

static int change_attributes(int mount, struct mount_attributes change, int recursive) {
    return (int)syscall(
        SYS_mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE_ : 0), &change, sizeof change);
}

int tree_restrict(int mount, uint64_t attributes, int recursive) {
    return change_attributes(mount, (struct mount_attributes){.set = attributes}, recursive);
}

int tree_release(int mount, uint64_t attributes) {
    return change_attributes(mount, (struct mount_attributes){.clear = attributes}, 0);
}

int tree_attach(int mount, int target) { return tree_attach_at(mount, target, ""); }

int tree_attach_at(int mount, int directory, const char *name) {
    return (int)syscall(
        SYS_move_mount, mount, "", directory, name,
        MOVE_MOUNT_F_EMPTY_PATH_ | (name[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH_ : 0));
}

int filesystem_new(const char *type, const char *const *options, uint64_t attributes) {
    int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC_);
    if (context < 0) return -1;
    int mount = -1;
    for (; options[0] != NULL; options += 2) {
        int flag = options[1][0] == '\0';
        if (syscall(SYS_fsconfig, context, flag ? FSCONFIG_SET_FLAG_ : FSCONFIG_SET_STRING_, options[0],
                    flag ? NULL : options[1], 0) != 0)
            goto out;
    }
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE_, NULL, NULL, 0) != 0) goto out;
    mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC_, attributes);
out:;
    int reason = errno;
    close(context);
    errno = reason;
    return mount;
}

int tmpfs_new(const char *mode, const char *size, uint64_t attributes) {
    const char *const options[] = {"mode", mode, "source", "tmpfs", size != NULL ? "size" : NULL, size, NULL};
    return filesystem_new("tmpfs", options, attributes);
}
