/// Declarations for the Linux calls that Swift cannot reach: variadic ones, those
/// without a glibc wrapper, and those whose arguments are macros. No logic lives here.
#pragma once
// Only fixed-size types: a system header that Swift's Glibc module also owns would be defined twice.
#include <stdint.h>
#include <sys/types.h>
#include "CLinuxDevices.h"
#include "CLinuxKeyring.h"
#include "CLinuxSupervision.h"

#include "CLinuxMounts.h"
#include "CLinuxProcess.h"
#include "CLinuxSandbox.h"

/// openat2(2), or openat(2) where there is no openat2 and `resolve` asks for nothing. Returns a descriptor, or -1 with errno set.
int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// O_PATH of open(2).
enum { CLINUX_O_PATH = 010000000 };

/// RESOLVE_* of openat2(2), which older C library headers lack.
enum {
    CLINUX_RESOLVE_NO_XDEV = 0x01,
    CLINUX_RESOLVE_NO_MAGICLINKS = 0x02,
    CLINUX_RESOLVE_NO_SYMLINKS = 0x04,
    CLINUX_RESOLVE_BENEATH = 0x08,
    CLINUX_RESOLVE_IN_ROOT = 0x10,
};

/// syncfs(2).
int clinux_syncfs(int descriptor);

/// sync_file_range(SYNC_FILE_RANGE_WRITE) of the whole file. Returns 0, or -1 with errno set.
int clinux_start_writeback(int descriptor);

/// mallopt(3): the heap grows by 1 MiB, has pieces of up to 16 MiB, and gives nothing back below that. Its first 14 MiB are
/// transparent huge pages where the host has them (madvise(2)): a fault of a page takes a microsecond or two.
void clinux_take_memory_in_large_pieces(void);

/// prctl(PR_SET_DUMPABLE). Returns 0, or -1 with errno set.
int clinux_set_dumpable(int dumpable);

/// Whether a file that is open, O_PATH will do, has an access control list (acl(5)): 1 or 0.
int clinux_has_access_list(int descriptor);

/// Whether a control group was handed to who runs in it, to be divided as he likes.
int clinux_is_delegated(const char *group);

/// What tells a file from any other, ever: device, inode, and the time of its birth in seconds and nanoseconds
/// (statx(2)). Returns 0, or -1 with errno set.
int clinux_file_identity(const char *path, uint64_t *words);

/// renameat2(2) with RENAME_EXCHANGE. Returns 0, or -1 with errno set.
int clinux_exchange(int folder, const char *first, const char *second);

/// renameat2(2) with RENAME_NOREPLACE. Returns 0, or -1 with errno set.
int clinux_rename_to_free(int folder, const char *name, const char *other);

/// Reads where a symbolic link leads that `link` is a descriptor of (readlinkat(2)). Returns the length, or -1 with errno set.
ssize_t clinux_read_link(int link, void *target, size_t capacity);
