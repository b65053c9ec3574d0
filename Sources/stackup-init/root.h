// The root that an instance sees.
#pragma once

/// Whether we are in a user namespace of an unprivileged caller; set before anything else.
extern int unprivileged;

/// Builds the new root: the host's folders (read-only unless `writable`), and /proc, /sys, /dev, /run and the
/// temporary folders of its own.
void build_root(int writable);

/// Mounts on the new root.
void attach_source(unsigned index, const char *target, int read_only);
void attach_tmpfs(const char *target, int read_only, const char *size, const char *mode, unsigned uid, unsigned gid, int executable);
void attach_secrets(void);
void attach_target(int descriptor, const char *target);

/// Puts a file of `content` over `target`.
void attach_text(const char *target, const char *content);

/// Makes the new root the root, and lets go of the host's.
void enter_root(void);
