#define _GNU_SOURCE
#include "CLinuxDevices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BEFORE = 5, EACH = 9, BEHIND = 2, MOST = 400 };

static struct bpf_insn instruction(int code, int destination, int source, int offset, int value) {
    return (struct bpf_insn){
        .code = (uint8_t)code, .dst_reg = (uint8_t)destination & 15, .src_reg = (uint8_t)source & 15, .off = (int16_t)offset, .imm = value};
}

int clinux_device_program(const struct clinux_device_rule *rules, int count) {
    if (count < 0 || count > MOST) {
        errno = E2BIG;
        return -1;
    }
    struct bpf_insn *program = calloc((size_t)(BEFORE + EACH * count + BEHIND), sizeof *program), *next = program;
    if (program == NULL) return -1;
    // The kind is the lower half of the first word, and what is asked for the upper one.
    *next++ = instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
    *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
    *next++ = instruction(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
    *next++ = instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
    *next++ = instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
    for (int i = 0; i < count; i++) {
        const struct clinux_device_rule *rule = &rules[i];
        *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_2, 0, 0);
        *next++ = instruction(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_6, 0, 0, 0xffff);
        // To the next rule, unless it is all of that.
        *next++ = instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_6, 0, 6, (int)rule->kind);
        *next++ = instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 5, (int)rule->major);
        *next++ = instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 4, (int)rule->minor);
        *next++ = instruction(BPF_JMP | BPF_JSET | BPF_K, BPF_REG_3, 0, 1, (int)rule->access);
        *next++ = instruction(BPF_JMP | BPF_JA, 0, 0, 2, 0);
        *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
        *next++ = instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    }
    *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
    *next++ = instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = (uint32_t)(next - program), .insns = (uint64_t)(uintptr_t)program,
        .license = (uint64_t)(uintptr_t) "GPL"};
    int descriptor = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
    int error = errno;
    free(program);
    errno = error;
    return descriptor;
}

int clinux_attach_device_program(int program, int group) {
    union bpf_attr attributes = {
        .target_fd = (uint32_t)group, .attach_bpf_fd = (uint32_t)program, .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
    return (int)syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes);
}
