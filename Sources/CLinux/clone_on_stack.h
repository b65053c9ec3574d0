// A process that goes on in its parent's memory; for the supervisor and for stackup-init.
#pragma once
#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>

/// clone3(2) as clone(3) has it: a function in the child, on a stack of its own. It must not return.
///
/// \return the child's pid, or a negative errno(3), which itself stays as it is: child and parent may share it.
static inline long clone_on_stack(struct clone_args *arguments, int (*function)(void *), void *argument) {
#if defined(__x86_64__)
    register long result __asm__("rax") = SYS_clone3;
    register struct clone_args *first __asm__("rdi") = arguments;
    register long second __asm__("rsi") = sizeof *arguments;
    register int (*called)(void *) __asm__("r8") = function;
    register void *with __asm__("r9") = argument;
    __asm__ volatile(
        "syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tmov %%r9, %%rdi\n\tcall *%%r8\n\thlt\n1:"
        : "+r"(result) : "r"(first), "r"(second), "r"(called), "r"(with) : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
    register long result __asm__("x0") = (long)arguments;
    register long second __asm__("x1") = sizeof *arguments;
    register long number __asm__("x8") = SYS_clone3;
    register int (*called)(void *) __asm__("x9") = function;
    register void *with __asm__("x10") = argument;
    __asm__ volatile(
        "svc #0\n\tcbnz x0, 1f\n\tmov x29, #0\n\tmov x0, x10\n\tblr x9\n\tbrk #0\n1:"
        : "+r"(result) : "r"(second), "r"(number), "r"(called), "r"(with) : "memory", "cc");
#else
    long result = -ENOSYS;
    (void)arguments, (void)function, (void)argument;
#endif
    return result;
}
