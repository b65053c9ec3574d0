#define _GNU_SOURCE
#include "CLinuxDevices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BEFORE = 5, EACH = 10, BEHIND = 2 };

static struct bpf_insn instruction(int code, int destination, int source, int offset, int value) {
    return (struct bpf_insn){
        .code = (uint8_t)code, .dst_reg = (uint8_t)destination & 15, .src_reg = (uint8_t)source & 15, .off = (int16_t)offset, .imm = value};
}

int clinux_device_program(const struct clinux_device_rule *rules, int count, int are_allowed) {
    if (count < 0 || count > CLINUX_DEVICE_RULES) {
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
        struct bpf_insn *to_next[4];
        int jumps = 0;
        *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_2, 0, 0);
        *next++ = instruction(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_6, 0, 0, 0xffff);
        to_next[jumps++] = next;
        *next++ = instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_6, 0, 0, (int)rule->kind);
        if (rule->major != CLINUX_DEVICE_ANY) {
            to_next[jumps++] = next;
            *next++ = instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, (int)rule->major);
        }
        if (rule->minor != CLINUX_DEVICE_ANY) {
            to_next[jumps++] = next;
            *next++ = instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 0, (int)rule->minor);
        }
        // Refused is what asks for any of it, and allowed what asks for nothing else.
        *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_3, 0, 0);
        *next++ = instruction(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_6, 0, 0, (int)(are_allowed ? ~rule->access & 7 : rule->access));
        to_next[jumps++] = next;
        *next++ = instruction(BPF_JMP | (are_allowed ? BPF_JNE : BPF_JEQ) | BPF_K, BPF_REG_6, 0, 0, 0);
        *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, are_allowed);
        *next++ = instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
        for (int jump = 0; jump < jumps; jump++) to_next[jump]->off = (int16_t)(next - to_next[jump] - 1);
    }
    *next++ = instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, !are_allowed);
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
