/// Making processes in namespaces of their own, and reaching into those that run.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// One descriptor that a new process gets: `source` of this process becomes `number` there.
struct clinux_descriptor {
    int source;
    int number;
};

/// Starts the program that `executable` is a descriptor of, in namespaces given by CLONE_NEW* `namespaces`.
///
/// The child shares this process's memory only until its exec (CLONE_VM and CLONE_VFORK, as posix_spawn(3)
/// has it), so nothing of it is copied. It gets the descriptors listed, whose numbers ascend from 0, and no others;
/// every signal is blocked. Where `keep_capabilities` is set, it keeps them over the exec although its user is not root.
/// It is born into `group`, a directory of the v2 hierarchy, or, where that is -1, into this process's.
///
/// It costs the same however many descriptors this process has open, as long as they came after `clinux_keep_window`. Calls of several
/// threads come one after the other.
///
/// Returns the pid and stores a pidfd, or returns -1 with errno set.
int clinux_spawn(int executable, const char *name, uint64_t namespaces, const struct clinux_descriptor *descriptors,
                 int count, int keep_capabilities, int group, int *pidfd);

/// Keeps the numbers that `clinux_spawn` puts a child's descriptors to: 64 of them, for good. The first start does so by itself, but the
/// lower they are the better. Returns 0, or -1 with errno set.
int clinux_keep_window(void);

/// pidfd_open(2), pidfd_getfd(2): -1 with errno set when they fail.
int clinux_pidfd_open(int pid);
int clinux_pidfd_getfd(int pidfd, int number);

/// fork(2), for a process that has a single thread.
int clinux_fork(void);

/// Executes this process's program anew, with its environment, all its capabilities, and other arguments; -1 with errno set.
int clinux_execute_again(char *const *arguments);

/// Gives this process namespaces of its own (unshare(2)); one of pids is for its children.
int clinux_unshare(uint64_t namespaces);

/// Makes the whole mount tree of this namespace receive mounts of the host but send none (MS_SLAVE).
int clinux_make_mounts_slave(void);

/// An empty file in memory (memfd_create(2)), close-on-exec.
int clinux_memory_file(const char *name);

/// A counter that events can be told through (eventfd(2)), close-on-exec and never blocking.
int clinux_event_descriptor(void);

/// pipe2(2) with O_CLOEXEC: the read end, then the write end.
int clinux_pipe(int *ends);

/// How many bytes the pipe can hold (F_GETPIPE_SZ, pipe(7)).
int clinux_pipe_size(int end);

/// Has the pipe hold that many bytes where the user may have more (F_SETPIPE_SZ, pipe(7)).
void clinux_widen_pipe(int end, int size);

/// posix_spawn_file_actions_addclosefrom_np(3) and posix_spawn_file_actions_addchdir_np(3); `actions` is a
/// posix_spawn_file_actions_t. Returns 0 or an error's number.
int clinux_spawn_close_from(void *actions, int first);
int clinux_spawn_change_directory(void *actions, const char *directory);

/// A sealed copy of the file that `file` is a descriptor of, in memory; -1 with errno set.
int clinux_sealed_copy(int file, const char *name);

/// CLONE_NEW* of clone(2).
enum {
    CLINUX_NEWNS = 0x00020000, CLINUX_NEWUTS = 0x04000000, CLINUX_NEWIPC = 0x08000000,
    CLINUX_NEWUSER = 0x10000000, CLINUX_NEWPID = 0x20000000,
    CLINUX_NEWNET = 0x40000000,
};

/// Receives one descriptor over a unix socket (SCM_RIGHTS); -1 with errno set, 0 bytes read is EPIPE.
int clinux_receive_descriptor(int socket);

/// recv(2) that never waits, and takes descriptors that come with the bytes (SCM_RIGHTS), close-on-exec.
///
/// `descriptors` has room for `capacity`, 8 at most; `taken` gets how many there are. More than these are closed, and `taken` is -1.
ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptors, int capacity, int *taken);

/// send(2) of bytes with descriptors, 8 at most.
ssize_t clinux_send(int socket, const void *bytes, size_t count, const int *descriptors, int number);
