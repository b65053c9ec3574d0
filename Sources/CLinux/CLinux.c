#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct clinux_open_how {
    uint64_t flags, mode, resolve;
};

int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct clinux_open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    int descriptor = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    // Filters of system calls can't look into `how`, and some refuse the call for that.
    if (descriptor < 0 && errno == ENOSYS && resolve == 0) return openat(directory, path, (int)flags, (mode_t)mode);
    return descriptor;
}

int clinux_syncfs(int descriptor) {
    return syncfs(descriptor);
}

int clinux_start_writeback(int descriptor) {
    return sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void clinux_take_memory_in_large_pieces(void) {
    // The kernel clears a large page in the time of some hundred and fifty faults. Who does little needs none: its memory is small pages.
    const uintptr_t large = 2 << 20, small = 128 << 10;
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    mallopt(M_MMAP_THRESHOLD, 16 << 20);

    struct rlimit data, all;
    if (getrlimit(RLIMIT_DATA, &data) != 0 || getrlimit(RLIMIT_AS, &all) != 0) return;
    // Who may have little must not take much at once.
    if (data.rlim_cur < 64 << 20 || all.rlim_cur < 256 << 20) return;
    char *heap = malloc(14 << 20);
    uintptr_t first = ((uintptr_t)heap + small + large - 1) & ~(large - 1);
    uintptr_t end = (uintptr_t)sbrk(0);
    bool is_in_heap = heap && (uintptr_t)heap < end && first < end;
    if (is_in_heap) madvise((void *)first, end - first, MADV_HUGEPAGE);
    free(heap);
    // What lies before these small pages is left empty. (Volatile, or the compiler takes the call away.)
    static void *volatile gap;
    if (is_in_heap) gap = malloc(first - small - (uintptr_t)heap);
}

int clinux_set_dumpable(int dumpable) {
    return prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
}

int clinux_has_access_list(int descriptor) {
    char path[32];
    // By its name: fgetxattr(2) takes no O_PATH.
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return getxattr(path, "system.posix_acl_access", NULL, 0) >= 0;
}

int clinux_is_delegated(const char *group) {
    char value[2];
    // systemd.resource-control(5), Delegate=.
    return (getxattr(group, "user.delegate", value, sizeof value) == 1 && value[0] == '1') ||
           (getxattr(group, "trusted.delegate", value, sizeof value) == 1 && value[0] == '1');
}

int clinux_file_identity(const char *path, uint64_t *words) {
    struct statx status;
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME | STATX_CTIME, &status) != 0) return -1;
    // Where a filesystem does not know the birth, the last change is a later time than any earlier file's.
    struct statx_timestamp time = status.stx_mask & STATX_BTIME ? status.stx_btime : status.stx_ctime;
    words[0] = makedev(status.stx_dev_major, status.stx_dev_minor);
    words[1] = status.stx_ino;
    words[2] = (uint64_t)time.tv_sec;
    words[3] = time.tv_nsec;
    return 0;
}

int clinux_exchange(int folder, const char *first, const char *second) {
    return (int)syscall(SYS_renameat2, folder, first, folder, second, 1u << 1);
}

int clinux_rename_to_free(int folder, const char *name, const char *other) {
    return (int)syscall(SYS_renameat2, folder, name, folder, other, 1u << 0);
}

ssize_t clinux_read_link(int link, void *target, size_t capacity) { return readlinkat(link, "", target, capacity); }
