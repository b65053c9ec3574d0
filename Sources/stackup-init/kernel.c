// What the kernel shows of itself in an instance: /proc and /sys.
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "masks.h"
#include "mount_api.h"
#include "mountpoint.h"
#include "report.h"
#include "root.h"

/// Settings of the namespaces, to be written while /proc/sys can be.
static struct { const char *name, *value; } settings[64];
static unsigned setting_count;

/// Covers a path of the new root by itself, read-only.
static void restrict_in_root(const char *path) {
    int tree = tree_clone(new_root, path, 1);
    if (tree < 0) {
        if (errno == ENOENT) return;
        fail("open_tree", path);
    }
    if (tree_restrict(tree, API_MOUNT_RDONLY | API_MOUNT_NOSUID | API_MOUNT_NODEV | API_MOUNT_NOEXEC, 1) != 0 ||
        tree_attach_at(tree, new_root, path) != 0)
        fail("read-only", path);
    close(tree);
}

void add_setting(const char *name, const char *value) {
    if (setting_count == sizeof settings / sizeof *settings) fail_because("sysctl", name, "too many settings");
    settings[setting_count].name = name;
    settings[setting_count++].value = value;
}

static void write_settings(void) {
    for (unsigned i = 0; i < setting_count; i++) {
        char path[256];
        int length = snprintf(path, sizeof path, "proc/sys/%s", settings[i].name);
        if (length < 0 || (size_t)length >= sizeof path) fail_because("sysctl", settings[i].name, "the name is too long");
        for (char *byte = path; *byte != '\0'; byte++)
            if (*byte == '.') *byte = '/';
        int file = openat(new_root, path, O_WRONLY | O_CLOEXEC);
        size_t size = strlen(settings[i].value);
        if (file < 0 || write(file, settings[i].value, size) != (ssize_t)size) fail("sysctl", settings[i].name);
        close(file);
    }
}

/// The same lists as container engines have (the OCI runtime's maskedPaths and readonlyPaths of Docker).
void attach_proc(int is_covered) {
    static const char *const masked[] = {
        "proc/acpi", "proc/asound", "proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats",
        "proc/timer_list", "proc/timer_stats", "proc/sched_debug", "proc/scsi", NULL};
    static const char *const read_only[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger", NULL};
    take_cover("proc");
    if (mount_new("proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) fail("mount", "proc");
    write_settings();
    if (!is_covered) return;
    for (const char *const *path = read_only; *path != NULL; path++) restrict_in_root(*path);
    for (const char *const *path = masked; *path != NULL; path++) hide_in_root(*path);
}

void cover_sys(void) {
    hide_in_root("sys/firmware");
    hide_in_root("sys/devices/virtual/powercap");
}

void attach_host(const char *path, uint64_t attributes) {
    int tree = tree_clone(AT_FDCWD, path, 1);
    if (tree < 0 || tree_restrict(tree, attributes, 1) != 0 || tree_attach_at(tree, new_root, path + 1) != 0) fail("bind", path);
    close(tree);
}

void attach_own_sys(void) {
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount_new("sysfs", "sys", flags, NULL) != 0) {
        // In a user namespace the kernel may refuse it: then the host's stays, which says little.
        if (unprivileged) return;
        fail("mount", "sys");
    }
    // This mount, and not the filesystem, which all in the network namespace share.
    if (mount(NULL, "sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) != 0) fail("read-only", "sys");
    cover_sys();
}
