// Files that the kernel answers by.
#pragma once

#include <stddef.h>
#include <sys/types.h>

/// Reads the beginning of a file of proc(5). A volume may lie on its path: no service is to be waited for, nor believed.
///
/// Returns how many bytes there are; -1 where it can't be read, or is not the kernel's.
ssize_t read_kernel_file(const char *path, char *text, size_t size);
