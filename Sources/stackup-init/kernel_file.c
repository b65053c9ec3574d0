#include "parts/kernel_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

ssize_t read_kernel_file(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return -1;
    struct statfs filesystem;
    int is_kernels = fstatfs(file, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
    ssize_t length = is_kernels ? read(file, text, size) : -1;
    close(file);
    return length;
}
