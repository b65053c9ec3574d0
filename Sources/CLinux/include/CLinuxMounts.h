/// The kernel's mount API: fsopen(2), fspick(2), open_tree(2), move_mount(2), mount_setattr(2), setns(2).
/// Each returns a descriptor or 0, or -1 with errno set.
#pragma once
#include <stdint.h>

/// Attributes of a mount.
enum { CLINUX_MOUNT_RDONLY = 1, CLINUX_MOUNT_NOSUID = 2, CLINUX_MOUNT_NODEV = 4, CLINUX_MOUNT_NOEXEC = 8 };

/// A new detached tmpfs, nosuid, nodev and noexec, of `size` bytes, whose root has the octal `mode`; `noswap`
/// keeps it off the swap (tmpfs(5)).
int clinux_tmpfs(const char *size, const char *mode, int noswap);
/// A new detached devpts, nosuid and noexec: terminals of which nobody else has any.
int clinux_terminals(void);
/// A new detached proc, read-only, nosuid, nodev and noexec, with the processes of this pid namespace.
int clinux_processes(void);
/// Gives a tmpfs another size.
int clinux_tmpfs_resize(int mount, const char *size);
/// The type of the filesystem that an open file lies on: the magic number of statfs(2); 0 where it can't be told.
uint32_t clinux_filesystem_type(int descriptor);

/// How many bytes a filesystem can hold, and how many of them are left (fstatfs(2)).
int clinux_room(int descriptor, uint64_t *total, uint64_t *left);
/// Whether a descriptor stands for the root of a mount (STATX_ATTR_MOUNT_ROOT): 1 or 0.
int clinux_is_mount_root(int descriptor);
/// A detached copy of what lies at `path`, with what is mounted below where it is `recursive`; symbolic links at its end
/// are not followed.
int clinux_tree_clone(int directory, const char *path, int recursive);
/// Sets and clears attributes of one mount.
int clinux_tree_change(int mount, uint64_t set, uint64_t clear);
/// Sets attributes of a mount and of all that is mounted below; all of them, or none.
int clinux_tree_restrict(int mount, uint64_t set);
/// Attaches a detached mount onto what `target` is a descriptor of, on top, or beneath what is mounted there.
int clinux_tree_attach(int mount, int target, int beneath);
/// Takes off what is mounted on an entry of the working directory; lazily, and without following a link.
int clinux_detach(const char *path);
/// Makes every mount of this namespace private (MS_PRIVATE).
int clinux_make_mounts_private(void);
/// Makes the working directory, the root of a mount, the root of this namespace, and takes all else off
/// (pivot_root(2), umount2(2)).
int clinux_make_directory_root(void);
/// Makes a directory the process's root (fchdir(2), chroot(2)).
int clinux_change_root(int directory);
/// Enters the mount namespace that a namespace's descriptor or a pidfd stands for.
int clinux_join_mounts(int descriptor);
/// Enters namespaces of a process (setns(2)), by their CLONE_NEW*.
int clinux_join(int pidfd, uint64_t kinds);
/// Enters the user namespace of a process.
int clinux_join_user(int pidfd);
