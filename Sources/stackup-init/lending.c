#include "parts/lending.h"

#include "parts/kernel_file.h"

int keeps_memory_closed(const char *text, size_t length) {
    return length == 2 && (text[0] == '0' || text[0] == '2') && text[1] == '\n';
}

int kernel_keeps_memory_closed(void) {
    char text[16];
    ssize_t length = read_kernel_file("/proc/sys/fs/suid_dumpable", text, sizeof text);
    return length > 0 && keeps_memory_closed(text, (size_t)length);
}
