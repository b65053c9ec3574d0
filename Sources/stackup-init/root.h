// The root that an instance sees.
#pragma once

/// Whether we are in a user namespace of an unprivileged caller; set before anything else.
extern int unprivileged;

/// Takes the working directory for the new root: what there is of it.
void open_root(void);

/// Builds what the new roots of instances have in common, in an empty tmpfs: the host's folders (read-only unless
/// `writable`), /sys, devices, and mount points for the rest.
void build_root(int writable);

/// Mounts a new filesystem at a folder that the built root has for it and that nobody else can change: one call, where one that is attached when it
/// is complete takes eight. The working directory is the new root after it. Returns -1 with errno set.
int mount_new(const char *type, const char *name, unsigned long flags, const char *options);

/// Covers a path of the new root, if it is there.
void hide_in_root(const char *path);

/// The same where processes are mounted (proc(5)).
void hide_processes_in_root(const char *path);

/// What is not as in every instance.
struct surroundings {
    int shared_memory;    ///< a mount that becomes /dev/shm; -1: a new one
    int shares_host_ipc;  ///< the host's message queues are the service's
    int has_network;      ///< it is in another network namespace than the host
    int is_privileged;    ///< it has the host's devices, and no covers over /proc and /sys
};

/// Adds what an instance has of its own: processes, terminals, queues, folders for temporary files.
void complete_root(const char *shared_memory_size, const struct surroundings *surroundings);

/// Mounts on the new root.
void attach_source(unsigned index, const char *target, int read_only);
void attach_tmpfs(const char *target, int read_only, const char *size, const char *mode, unsigned uid, unsigned gid, int executable);
void attach_secrets(void);
void attach_target(int descriptor, const char *target);

/// Puts a file of `content` over `target`.
void attach_text(const char *target, const char *content);

/// Makes the new root the root, and lets go of the host's.
void enter_root(void);
