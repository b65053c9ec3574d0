#define _GNU_SOURCE
#include "CLinuxKeyring.h"
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// KEY_POS_VIEW, KEY_POS_READ and KEY_POS_SEARCH of the kernel's linux/key.h, which is not for programs.
enum { POSSESSOR_MAY_READ = 0x0b000000 };

int32_t clinux_keyring_add(const char *description, const void *payload, uint64_t count) {
    return (int32_t)syscall(SYS_add_key, "user", description, payload, (size_t)count, KEY_SPEC_USER_KEYRING);
}

int clinux_keyring_possess(void) {
    return (int)syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
}

int32_t clinux_keyring_search(const char *description) {
    return (int32_t)syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", description, 0);
}

int64_t clinux_keyring_read(int32_t key, void *payload, uint64_t count) {
    return syscall(SYS_keyctl, KEYCTL_READ, key, payload, (size_t)count);
}

int clinux_keyring_expire(int32_t key, uint32_t seconds) {
    return (int)syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, key, seconds);
}

int clinux_keyring_protect(int32_t key) {
    return (int)syscall(SYS_keyctl, KEYCTL_SETPERM, key, POSSESSOR_MAY_READ);
}

int clinux_keyring_drop(int32_t key) { return (int)syscall(SYS_keyctl, KEYCTL_INVALIDATE, key); }
