// `stackup exec`: joins an instance's namespaces and runs a command there with the service's privileges.
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"
#include "privileges.h"
#include "report.h"
#include "root.h"
#include "specification.h"

enum { INSTANCE_FD = OUTPUT_READ_FD, KEYCTL_JOIN_SESSION_KEYRING = 1 };

/// Sends the terminal's master to the command that relays it.
static void send_master(int master) {
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &master, sizeof master);
    if (sendmsg(STATUS_FD, &message, 0) != 1) fail("sendmsg", "terminal");
}

/// Gives the process a terminal from the instance's own devpts.
static void open_terminal(const struct identity *identity) {
    int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int unlocked = 0;
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) != 0) fail("open", "/dev/pts/ptmx");
    int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) fail("open", "terminal");
    if (!unprivileged && fchown(terminal, identity->uid, (gid_t)-1) != 0) fail("chown", "terminal");
    send_master(master);
    close(master);
    // Until it has the caller's size, and somebody reads there.
    char byte;
    while (read(STATUS_FD, &byte, sizeof byte) < 0 && errno == EINTR) continue;
    if (ioctl(terminal, TIOCSCTTY, 0) != 0) fail("TIOCSCTTY", "terminal");
    for (int descriptor = 0; descriptor < 3; descriptor++)
        if (dup2(terminal, descriptor) < 0) fail("dup2", "terminal");
}

/// A session, and with it a process group, of its own: who is in the caller's can signal it, from within another pid
/// namespace too, and has its terminal (setsid(2)).
static void leave_session(void) {
    if (setsid() < 0) fail("setsid", "command");
}

/// Waits for the command to end, and passes on the signals that come from `stackup exec` meanwhile. A supervisor has nothing to pass on:
/// its signal, which also comes when it dies, ends the command with what it has started.
static _Noreturn void attend(pid_t command, int supervised) {
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        siginfo_t signal_info;
        int number = sigwaitinfo(&all, &signal_info), status;
        if (number < 0) continue;
        if (supervised && number == SIGALRM) {
            // Before the command has a session of its own, it has no group either.
            if (kill(-command, SIGKILL) != 0) kill(command, SIGKILL);
        } else if (number != SIGCHLD) {
            kill(command, number);
        } else if (waitpid(command, &status, WNOHANG) == command) {
            _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
}

_Noreturn void join(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    // A caller who ignores it would have the kernel reap our child.
    signal(SIGCHLD, SIG_DFL);
    // What is typed at the caller's terminal goes to `stackup exec`, which decides.
    leave_session();
    unprivileged = take_word("unprivileged");
    int terminal = take_word("terminal"), supervised = take_word("supervised");
    if (supervised && prctl(PR_SET_PDEATHSIG, SIGALRM) != 0) fail("prctl", "PR_SET_PDEATHSIG");
    int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    if (take_word("namespaces")) namespaces = (int)next_number();
    struct groups groups = take_groups();
    struct identity identity;
    read_identity(&identity);
    // With the user namespace come the capabilities that the others ask for.
    if (unprivileged && !supervised) namespaces |= CLONE_NEWUSER;
    if (setns(INSTANCE_FD, namespaces) != 0) {
        if (errno == ESRCH) fail_because("join", "instance", "it has just ended");
        fail("join", "instance");
    }
    close(INSTANCE_FD);
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    // The pid namespace is for children only (setns(2)).
    pid_t child = fork();
    if (child < 0) fail("fork", "command");
    if (child == 0) {
        leave_session();
        // This process itself stays where it was: it outlives the groups.
        enter_groups(groups);
        if (terminal) open_terminal(&identity);
        if (supervised) use_own_null();
        become(&identity);
    }
    close(REPORT_FD);
    close(STATUS_FD);
    attend(child, supervised);
}
