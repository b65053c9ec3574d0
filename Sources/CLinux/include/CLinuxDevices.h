/// Which devices the processes of a control group of version 2 may use: there is no file for it, but a program (BPF_PROG_TYPE_CGROUP_DEVICE,
/// the kernel's Documentation/admin-guide/cgroup-v2.rst).
#pragma once
#include <stdint.h>

/// What may not be done with one device.
struct clinux_device_rule {
    /// CLINUX_DEVICE_*.
    uint32_t kind, major, minor, access;
};

/// BPF_DEVCG_DEV_* and BPF_DEVCG_ACC_* of linux/bpf.h.
enum {
    CLINUX_DEVICE_BLOCK = 1, CLINUX_DEVICE_CHARACTER = 2,
    CLINUX_DEVICE_READ = 2, CLINUX_DEVICE_WRITE = 4,
};

/// A program that refuses what the rules say, and allows all else. Returns its descriptor, or -1 with errno set.
int clinux_device_program(const struct clinux_device_rule *rules, int count);

/// Has it decide for a group, a folder's descriptor, besides those of the groups above, as long as that is there. Returns 0, or -1 with errno set.
int clinux_attach_device_program(int program, int group);
