/// What the supervisor's event loop needs of the kernel: epoll, signalfd, pidfds, peer credentials.
#pragma once
#include <stdint.h>

/// Bits of epoll_ctl(2)'s `events`.
enum {
    CLINUX_EPOLLIN = 0x001,
    CLINUX_EPOLLOUT = 0x004,
    CLINUX_EPOLLERR = 0x008,
    CLINUX_EPOLLHUP = 0x010,
    CLINUX_EPOLLRDHUP = 0x2000,
};

/// One ready descriptor: what epoll_wait(2) says, unpacked.
struct clinux_ready {
    uint64_t token;
    uint32_t events;
    uint32_t reserved;
};

/// epoll_create1(2) with EPOLL_CLOEXEC.
int clinux_epoll_create(void);
/// epoll_ctl(2): adds, changes or (`events` 0) removes a descriptor.
int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);
int clinux_epoll_change(int epoll, int descriptor, uint32_t events, uint64_t token);
int clinux_epoll_remove(int epoll, int descriptor);
/// epoll_wait(2) for at most `capacity` (up to 64) descriptors; `timeout` in milliseconds, -1 for ever.
int clinux_epoll_wait(int epoll, struct clinux_ready *ready, int capacity, int timeout);

/// Blocks the signals (a zero ends the list) and returns a non-blocking signalfd(2) for them.
int clinux_signal_descriptor(const int32_t *signals);
/// The number of the next signal that waits, 0 where none does, -1 with errno set.
int clinux_next_signal(int descriptor);

/// pidfd_send_signal(2).
int clinux_signal_process(int pidfd, int signal);
/// waitid(2) on an own child, without blocking: 1 and the status as a shell has it (128 + signal), 0 where it
/// still runs, -1 with errno set.
int clinux_reap(int32_t pid, int32_t *exit_code);

/// A non-blocking timerfd(2) that goes on while the machine sleeps (CLOCK_BOOTTIME).
int clinux_timer_create(void);
/// Sets it to go off after so many milliseconds; 0 turns it off.
int clinux_timer_set(int timer, int64_t milliseconds);
/// A non-blocking timerfd(2) that is readable once somebody has set the clock (TFD_TIMER_CANCEL_ON_SET), and never else.
int clinux_clock_watch(void);
/// Takes note of what made one of the two readable: a clock's watch goes on watching.
void clinux_timer_acknowledge(int timer);

/// accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK.
int clinux_accept(int socket);
/// SO_PEERCRED of unix(7).
int clinux_peer(int socket, int32_t *pid, uint32_t *uid);

/// prctl(2) PR_SET_NAME: what ps(1) shows of the process; the first 15 bytes count.
int clinux_name_process(const char *name);
/// sched_setattr(2): asks for short turns on the CPU, of a tenth of a millisecond, so that it comes soon to this process, which has little to do at
/// a time; since Linux 6.12. Its children have what is usual (SCHED_FLAG_RESET_ON_FORK). A process of another policy, or a favoured one, stays as it is.
void clinux_ask_for_short_turns(void);
/// close_range(2) from `first` on.
int clinux_close_from(unsigned first);
