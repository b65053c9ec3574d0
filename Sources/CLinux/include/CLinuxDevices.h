/// Which devices the processes of a control group of version 2 may use: there is no file for it, but a program (BPF_PROG_TYPE_CGROUP_DEVICE,
/// the kernel's Documentation/admin-guide/cgroup-v2.rst).
#pragma once
#include <stdint.h>

/// What may, or may not, be done with one device, or with many.
struct clinux_device_rule {
    /// CLINUX_DEVICE_*; either number may be CLINUX_DEVICE_ANY.
    uint32_t kind, major, minor, access;
};

/// BPF_DEVCG_DEV_* and BPF_DEVCG_ACC_* of linux/bpf.h.
enum {
    CLINUX_DEVICE_BLOCK = 1, CLINUX_DEVICE_CHARACTER = 2,
    CLINUX_DEVICE_MAKE = 1, CLINUX_DEVICE_READ = 2, CLINUX_DEVICE_WRITE = 4,
    CLINUX_DEVICE_ANY = 0x7fffffff,
    /// As many as a program takes.
    CLINUX_DEVICE_RULES = 400,
};

/// A program that refuses what the rules say, and allows all else; or, where they say what is allowed, refuses all else. Returns its
/// descriptor, or -1 with errno set.
int clinux_device_program(const struct clinux_device_rule *rules, int count, int are_allowed);

/// Has it decide for a group, a folder's descriptor, besides those of the groups above, as long as that is there. Returns 0, or -1 with errno set.
int clinux_attach_device_program(int program, int group);
