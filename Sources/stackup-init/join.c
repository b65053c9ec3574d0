// `stackup exec`: joins an instance's namespaces and runs a command there with the service's privileges.
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "groups.h"
#include "privileges.h"
#include "report.h"
#include "root.h"
#include "specification.h"
#include "terminal.h"

enum { INSTANCE_FD = OUTPUT_READ_FD, KEYCTL_JOIN_SESSION_KEYRING = 1 };

/// A session, and with it a process group, of its own: who is in the caller's can signal it, from within another pid
/// namespace too, and has its terminal (setsid(2)).
static void leave_session(void) {
    if (setsid() < 0) fail("setsid", "command");
}

/// Waits for the command to end, and passes on the signals that come from `stackup exec` meanwhile. A supervisor, and `stackup watch`, have
/// nothing to pass on: their signal, which also comes when they die, ends the command with what it has started.
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
    int outside = !supervised || take_word("outside");
    if (supervised && prctl(PR_SET_PDEATHSIG, SIGALRM) != 0) fail("prctl", "PR_SET_PDEATHSIG");
    int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    if (take_word("namespaces")) namespaces = (int)next_number();
    int has_group_namespace = take_word("cgroupns");
    struct groups groups = take_groups();
    struct identity identity = {0};
    read_filter(&identity);
    read_identity(&identity);
    // With the user namespace come the capabilities that the others ask for.
    if (unprivileged && outside) namespaces |= CLONE_NEWUSER;
    if (setns(INSTANCE_FD, namespaces) != 0) {
        if (errno == ESRCH) fail_because("join", "instance", "it has just ended");
        fail("join", "instance");
    }
    if (!has_group_namespace) close(INSTANCE_FD);
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    // The pid namespace is for children only (setns(2)).
    pid_t child = fork();
    if (child < 0) fail("fork", "command");
    if (child == 0) {
        leave_session();
        // This process itself stays where it was: it outlives the groups.
        enter_groups(groups);
        // From within, the way to the group may not be to be had any more (cgroup_namespaces(7), nsdelegate).
        if (has_group_namespace && setns(INSTANCE_FD, CLONE_NEWCGROUP) != 0) fail("join", "the cgroup namespace");
        if (has_group_namespace) close(INSTANCE_FD);
        if (terminal) open_terminal(&identity, SIGN_FD, NULL);
        use_own_null();
        become(&identity, 0);
    }
    if (has_group_namespace) close(INSTANCE_FD);
    close(REPORT_FD);
    close(SIGN_FD);
    attend(child, supervised);
}
