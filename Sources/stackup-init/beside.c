#include "beside.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../CLinux/clone_on_stack.h"

enum { STACK = 64 * 1024, GUARD = 4096 * 16 };

static char *stack;
/// Futexes: the kernel clears the first when the one beside has left our memory, the second is set when it has its turn.
static int is_here, has_turn;

pid_t start_beside(int (*function)(void *), void *argument) {
    // Below it lies what can't be written to.
    char *made = mmap(NULL, GUARD + STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (made == MAP_FAILED || mprotect(made + GUARD, STACK, PROT_READ | PROT_WRITE) != 0) return -1;
    stack = made;
    is_here = 1;
    struct clone_args arguments = {
        .flags = CLONE_VM | CLONE_CHILD_CLEARTID, .exit_signal = SIGCHLD, .child_tid = (uint64_t)(uintptr_t)&is_here,
        .stack = (uint64_t)(uintptr_t)(stack + GUARD), .stack_size = STACK};
    long pid = clone_on_stack(&arguments, function, argument);
    if (pid >= 0) return (pid_t)pid;
    errno = (int)-pid;
    return -1;
}

void give_turn(void) {
    __atomic_store_n(&has_turn, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &has_turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void await_turn(void) {
    while (!__atomic_load_n(&has_turn, __ATOMIC_ACQUIRE)) call_beside(SYS_futex, (long)&has_turn, FUTEX_WAIT, 0, 0, 0);
}

void await_departure(void) {
    // The kernel wakes whoever waits at the address, in any process (set_tid_address(2)).
    while (__atomic_load_n(&is_here, __ATOMIC_ACQUIRE)) syscall(SYS_futex, &is_here, FUTEX_WAIT, 1, NULL, NULL, 0);
    munmap(stack, GUARD + STACK);
}

long call_beside(long number, long first, long second, long third, long fourth, long fifth) {
#if defined(__x86_64__)
    register long result __asm__("rax") = number;
    register long fourth_register __asm__("r10") = fourth, fifth_register __asm__("r8") = fifth;
    __asm__ volatile("syscall" : "+r"(result)
                     : "D"(first), "S"(second), "d"(third), "r"(fourth_register), "r"(fifth_register) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long result __asm__("x0") = first;
    register long second_register __asm__("x1") = second, third_register __asm__("x2") = third, fourth_register __asm__("x3") = fourth;
    register long fifth_register __asm__("x4") = fifth, number_register __asm__("x8") = number;
    __asm__ volatile("svc #0" : "+r"(result)
                     : "r"(second_register), "r"(third_register), "r"(fourth_register), "r"(fifth_register), "r"(number_register) : "memory");
#else
#error "no system calls for this machine"
#endif
    return result;
}
