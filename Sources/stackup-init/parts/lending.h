// Whether a child may go on in the memory of pid 1 while it becomes the service's user.
#pragma once
#include <stddef.h>

/// Who takes on another user or group makes the memory as open as fs.suid_dumpable says (proc_sys_fs(5)): 0 and 2 keep other processes of the
/// new user out of it, 1 lets them in, and pid 1 with them.
///
/// `text` is the content of that setting's file, `length` bytes long; what makes no sense is no.
int keeps_memory_closed(const char *text, size_t length);

/// The same of this kernel's setting, asked of the instance's own /proc.
int kernel_keeps_memory_closed(void);
