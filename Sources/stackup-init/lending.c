#include "parts/lending.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <unistd.h>

int keeps_memory_closed(const char *text, size_t length) {
    return length == 2 && (text[0] == '0' || text[0] == '2') && text[1] == '\n';
}

int kernel_keeps_memory_closed(void) {
    // A volume may lie there: no service is to be waited for, nor believed.
    int file = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return 0;
    char text[16];
    struct statfs filesystem;
    int is_kernels = fstatfs(file, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
    ssize_t length = is_kernels ? read(file, text, sizeof text) : -1;
    close(file);
    return length > 0 && keeps_memory_closed(text, (size_t)length);
}
