// Mount points in the instance's root, provided without making anything on the host's filesystem.
#pragma once

/// The descriptor of the new root; everything is resolved inside it.
extern int new_root;

/// Whether the new root is the root already.
int is_in_root(void);

/// Remembers a tmpfs of our own by a descriptor of its mount: mount points may be made in it.
/// It is made read-only by `seal_own_filesystems`, unless the service may write to it.
void remember_own(int mount, int service_writes);

/// Makes every tmpfs that only holds mount points read-only.
void seal_own_filesystems(void);

/// From here on, a link in this folder of the new root or below is refused where a mount point is looked for: a service can
/// write to it, by this mount or by another. The path has no links itself.
void distrust(const char *path);

/// The same for a path that may lead through links.
void distrust_target(const char *path);

/// A descriptor (O_PATH) of `path` inside the new root; -1 with errno set where it is missing. The links of the host's
/// folders are followed, within the root; one that a service may have laid is refused.
int open_in_root(const char *path);

/// The same where no link is followed at all.
int open_in_root_without_links(const char *path);

enum mountpoint_kind { MOUNTPOINT_FILE, MOUNTPOINT_DIRECTORY };

/// A descriptor (O_PATH) of `path` inside the new root, made where it is missing. Symbolic links are followed
/// inside the root. Where the directory it would have to be made in is the host's, that directory is
/// replaced by a tmpfs that has each of its entries bound in.
int mountpoint(const char *path, enum mountpoint_kind kind);
