/// The kernel's key retention service (keyrings(7)), which glibc has no functions for.
#pragma once
#include <stdint.h>

/// add_key(2) of type "user" to the user keyring: the key's serial number, or -1 with errno set.
int32_t clinux_keyring_add(const char *description, const void *payload, uint64_t count);

/// Links the user keyring into the process keyring (KEYCTL_LINK), so that this process possesses what is in it. 0, or -1 with errno set.
int clinux_keyring_possess(void);

/// The serial number of the key of type "user" in the user keyring (KEYCTL_SEARCH), or -1 with errno set.
int32_t clinux_keyring_search(const char *description);

/// The key's size; at most `count` bytes of it are stored (KEYCTL_READ). -1 with errno set.
int64_t clinux_keyring_read(int32_t key, void *payload, uint64_t count);

/// Has the kernel drop the key after so many seconds (KEYCTL_SET_TIMEOUT). 0, or -1 with errno set.
int clinux_keyring_expire(int32_t key, uint32_t seconds);

/// Leaves reading and finding the key to processes that possess it, and nothing to anybody else (KEYCTL_SETPERM). 0, or -1 with errno set.
int clinux_keyring_protect(int32_t key);

/// Drops the key at once (KEYCTL_INVALIDATE). 0, or -1 with errno set.
int clinux_keyring_drop(int32_t key);
