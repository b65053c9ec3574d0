// What the kernel shows of itself in an instance: /proc and /sys.
#pragma once
#include <stdint.h>

/// Has a setting of the namespaces, `kernel.msgmax`, written when /proc is there.
void add_setting(const char *name, const char *value);

/// Mounts /proc, and writes the settings of the namespaces.
///
/// \param is_covered whether it gets the covers that container engines lay.
void attach_proc(int is_covered);

/// Covers parts of /sys.
void cover_sys(void);

/// Mounts a /sys of the network namespace that this process is in: another one shows the interfaces of its own (sysfs(5)).
void attach_own_sys(void);

/// Puts a tree of the host's on the folder of the same name in the new root.
void attach_host(const char *path, uint64_t attributes);
