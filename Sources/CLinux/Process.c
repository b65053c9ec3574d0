#define _GNU_SOURCE
#include "CLinuxProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clone_on_stack.h"

enum { WINDOW = 64, MOST_PLACED = WINDOW - 1 };

/// The first of WINDOW numbers that lie side by side and that nothing else gets, because an eventfd(2) keeps each.
///
/// What a child is to get is put there. All else lies above or is not the child's, so that a single close_range(2) gives the child a table
/// of its own with these only. Otherwise each start would copy and close what a supervisor of a thousand instances has open.
///
/// It begins and ends at multiples of 64: kernels before 5.15.33 copy a part of a table right up to such a number only.
static int window = -1;
static int keeper = -1;
static pthread_mutex_t window_lock = PTHREAD_MUTEX_INITIALIZER;

static int keep_window(void) {
    if (window >= 0) return 0;
    int made = eventfd(0, EFD_CLOEXEC);
    if (made < 0) return -1;
    for (int first = WINDOW;; first += WINDOW) {
        int kept = 0, number = 0;
        // Never onto a number that somebody may have got a moment ago: the lowest free one from there on.
        for (; kept < WINDOW; kept++)
            if ((number = fcntl(made, F_DUPFD_CLOEXEC, first + kept)) != first + kept) break;
        if (kept == WINDOW) {
            keeper = made;
            window = first;
            return 0;
        }
        int error = errno;
        if (number >= 0) close(number);
        while (kept-- > 0) close(first + kept);
        if (number >= 0) continue;
        close(made);
        // What lies beyond the limit is an invalid argument (fcntl(2)).
        errno = error == EINVAL ? EMFILE : error;
        return -1;
    }
}

int clinux_keep_window(void) {
    pthread_mutex_lock(&window_lock);
    int result = keep_window();
    pthread_mutex_unlock(&window_lock);
    return result;
}

struct spawn {
    const char *name;
    const struct clinux_descriptor *descriptors;
    int count;
    int keep_capabilities;
    int error;
};

/// Capabilities survive the exec of another user than root only as ambient ones (capabilities(7)).
static int raise_ambient(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    data[0].inheritable = data[0].permitted;
    data[1].inheritable = data[1].permitted;
    if (syscall(SYS_capset, &header, data) != 0) return -1;
    for (int capability = 0; capability < 64; capability++) {
        uint32_t word = data[capability / 32].permitted;
        if (word & 1u << capability % 32 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return -1;
    }
    return 0;
}

/// Runs in the child, in the parent's memory: only system calls. Until the first of them it has the parent's descriptors too.
static int child(void *argument) {
    struct spawn *spawn = argument;
    int executable = window + spawn->count;
    if (syscall(SYS_close_range, window + WINDOW, ~0U, 2 /* CLOSE_RANGE_UNSHARE */) != 0) goto failed;
    for (int i = 0; i < spawn->count; i++)
        if (dup2(window + i, spawn->descriptors[i].number) < 0) goto failed;
    syscall(SYS_close_range, spawn->descriptors[spawn->count - 1].number + 1, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
    if (spawn->keep_capabilities && raise_ambient() != 0) goto failed;
    char *const arguments[] = {(char *)spawn->name, NULL}, *const environment[] = {NULL};
    syscall(SYS_execveat, executable, "", arguments, environment, AT_EMPTY_PATH);
failed:
    spawn->error = errno;
    _exit(127);
}

static int start(struct spawn *spawn, uint64_t namespaces, int group, int *pidfd) {
    enum { STACK = 64 * 1024 };
    // For one child after the other: each has left it when clone(2) returns.
    static char *stack;
    if (stack == NULL) {
        char *made = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (made == MAP_FAILED) return -1;
        stack = made;
    }
    // A handler of ours must not run in the child while it borrows our memory.
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    uint64_t flags = namespaces | CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD;
    int pid;
    if (group < 0) {
        pid = clone(child, stack + STACK, (int)flags | SIGCHLD, spawn, pidfd);
    } else {
        struct clone_args arguments = {
            .flags = flags | CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .pidfd = (uint64_t)(uintptr_t)pidfd,
            .stack = (uint64_t)(uintptr_t)stack, .stack_size = STACK, .cgroup = (uint64_t)group};
        // Only this call can put the child into a group of the v2 hierarchy from its first moment on, and without the wait that moving a
        // process between groups means.
        long made = clone_on_stack(&arguments, child, spawn);
        pid = made < 0 ? -1 : (int)made;
        if (made < 0) errno = (int)-made;
    }
    int error = pid < 0 ? errno : spawn->error;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (error == 0) return pid;
    if (pid >= 0) {
        close(*pidfd);
        siginfo_t ended;
        waitid(P_PID, (id_t)pid, &ended, WEXITED);
    }
    errno = error;
    return -1;
}

int clinux_spawn(int executable, const char *name, uint64_t namespaces, const struct clinux_descriptor *descriptors,
                 int count, int keep_capabilities, int group, int *pidfd) {
    if (count < 1 || count > MOST_PLACED) {
        errno = E2BIG;
        return -1;
    }
    pthread_mutex_lock(&window_lock);
    int pid = -1, placed = 0;
    if (keep_window() == 0) {
        for (; placed <= count; placed++)
            if (dup3(placed < count ? descriptors[placed].source : executable, window + placed, O_CLOEXEC) < 0) break;
        struct spawn spawn = {name, descriptors, count, keep_capabilities, 0};
        if (placed > count) pid = start(&spawn, namespaces, group, pidfd);
        int error = errno;
        while (placed-- > 0) dup3(keeper, window + placed, O_CLOEXEC);
        errno = error;
    }
    pthread_mutex_unlock(&window_lock);
    return pid;
}

int clinux_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_pidfd_getfd(int pidfd, int number) { return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0); }

int clinux_fork(void) { return fork(); }

int clinux_execute_again(char *const *arguments) {
    // Root has them anyway.
    if (geteuid() != 0 && raise_ambient() != 0) return -1;
    return execv("/proc/self/exe", arguments);
}

int clinux_unshare(uint64_t namespaces) { return unshare((int)namespaces); }

int clinux_make_mounts_slave(void) { return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL); }

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_event_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int clinux_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }

int clinux_pipe_size(int end) { return fcntl(end, F_GETPIPE_SZ); }

void clinux_widen_pipe(int end, int size) { (void)fcntl(end, F_SETPIPE_SZ, size); }

int clinux_spawn_close_from(void *actions, int first) { return posix_spawn_file_actions_addclosefrom_np(actions, first); }

int clinux_spawn_change_directory(void *actions, const char *directory) {
    return posix_spawn_file_actions_addchdir_np(actions, directory);
}

int clinux_sealed_copy(int file, const char *name) {
    struct stat status;
    if (fstat(file, &status) != 0) return -1;
    int copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0) return -1;
    off_t offset = 0;
    while (offset < status.st_size)
        if (sendfile(copy, file, &offset, (size_t)(status.st_size - offset)) <= 0) goto failed;
    if (fchmod(copy, 0555) != 0 || fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        goto failed;
    return copy;
failed:;
    int error = errno;
    close(copy);
    errno = error;
    return -1;
}

int clinux_receive_descriptor(int socket) {
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (count == 0 || header == NULL || header->cmsg_type != SCM_RIGHTS) {
        errno = EPIPE;
        return -1;
    }
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

enum { MOST_DESCRIPTORS = 8 };

ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptors, int capacity, int *taken) {
    char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    struct iovec data = {bytes, count};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *taken = 0;
    ssize_t received = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received < 0) return received;
    int overflow = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < number; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof descriptor, sizeof descriptor);
            if (*taken < capacity) {
                descriptors[(*taken)++] = descriptor;
            } else {
                close(descriptor);
                overflow = 1;
            }
        }
    }
    if (overflow) {
        for (int i = 0; i < *taken; i++) close(descriptors[i]);
        *taken = -1;
    }
    return received;
}

ssize_t clinux_send(int socket, const void *bytes, size_t count, const int *descriptors, int number) {
    char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))] = {0};
    struct iovec data = {(void *)bytes, count};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (number > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE((size_t)number * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN((size_t)number * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, (size_t)number * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}
