// The kernel's mount API (fsopen(2), open_tree(2), move_mount(2), mount_setattr(2)), and openat2(2), which musl has no wrappers for.
#pragma once
#include <stdint.h>

enum {
    API_OPEN_TREE_CLONE = 1,
    API_MOUNT_RDONLY = 0x01,
    API_MOUNT_NOSUID = 0x02,
    API_MOUNT_NODEV = 0x04,
    API_MOUNT_NOEXEC = 0x08,
};

/// A descriptor (O_PATH) of what lies at a path that leads through no symbolic link. Returns -1 with errno set.
int open_without_links(const char *path);

/// A detached copy of what is mounted at `path`; `recursive` takes what is mounted below along.
/// Symbolic links at the end of the path are not followed. Returns -1 with errno set.
int tree_clone(int directory, const char *path, int recursive);

/// Sets attributes of a detached tree, or of an attached mount given by descriptor.
int tree_restrict(int mount, uint64_t attributes, int recursive);

/// Clears attributes of one mount.
int tree_release(int mount, uint64_t attributes);

/// Attaches a detached tree onto what `target` is a descriptor of.
int tree_attach(int mount, int target);

/// The same onto `name` in `directory`, a folder that nobody else can change.
int tree_attach_at(int mount, int directory, const char *name);

/// A new detached filesystem. `options` are NAME, VALUE pairs (VALUE "" for a flag), NULL-terminated.
int filesystem_new(const char *type, const char *const *options, uint64_t attributes);

/// A new detached tmpfs.
int tmpfs_new(const char *mode, const char *size, uint64_t attributes);
