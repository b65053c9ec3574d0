// Pid 1 of an instance: builds its surroundings, starts the service, reaps, forwards signals, and ends as it ends.
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beside.h"
#include "caller.h"
#include "filter.h"
#include "groups.h"
#include "masks.h"
#include "kernel.h"
#include "parts/lending.h"
#include "loopback.h"
#include "mountpoint.h"
#include "privileges.h"
#include "report.h"
#include "root.h"
#include "sources.h"
#include "specification.h"
#include "status.h"
#include "uncovered.h"

enum { CAPABILITY_KILL = 5, KEYCTL_JOIN_SESSION_KEYRING = 1 };

static void build_surroundings(struct surroundings surroundings) {
    open_root();
    // Before anything is mounted from there.
    for (int is_here = is_in_root(); take_word("maskagain");) mask_again(next_text(), is_here);
    while (take_word("hideagain")) {
        char *path = next_text();
        cover(open_in_root(path), path);
    }
    while (take_word("distrust")) distrust(next_text());
    while (take_word("pin")) pin(next_text());
    for (;;) {
        if (take_word("source")) add_source(next_text(), 0);
        else if (take_word("devicesource")) add_source(next_text(), 1);
        else break;
    }
    while (take_word("processes")) add_processes(next_text());
    open_sources();
    while (take_word("sysctl")) {
        char *name = next_text();
        add_setting(name, next_text());
    }
    complete_root(take_word("shm") ? next_text() : "64m", &surroundings);
    for (int target = FIRST_TARGET_FD;;) {
        if (take_word("bind")) {
            unsigned index = (unsigned)next_number();
            int read_only = (int)next_number();
            attach_source(index, next_text(), read_only);
        } else if (take_word("tmpfs")) {
            int read_only = (int)next_number();
            char *size = next_text(), *mode = next_text();
            unsigned uid = (unsigned)next_number(), gid = (unsigned)next_number();
            int executable = (int)next_number();
            attach_tmpfs(next_text(), read_only, size, mode, uid, gid, executable);
        } else if (take_word("secrets")) {
            attach_secrets();
        } else if (take_word("target")) {
            attach_target(target++, next_text());
        } else if (take_word("hide")) {
            hide_in_root(next_text());
        } else if (take_word("text")) {
            char *path = next_text();
            attach_text(path, next_text());
        } else {
            break;
        }
    }
    int is_checked = take_word("checkprocesses");
    enter_root();
    if (is_checked) cover_remaining_processes();
}

/// What becomes the service. It goes on in our memory, which we have no use for until it executes something: a copy would be thrown away at once.
struct service {
    struct identity identity;
    int filters_first;
};

static int serve(void *argument) {
    struct service *service = argument;
    struct identity *identity = &service->identity;
    // The kernel takes long to translate it: meanwhile others mount.
    long refused = service->filters_first ? install_filter(identity) : 0;
    await_turn();
    if (refused < 0) fail_by(refused, "seccomp", "filter");
    if (has_caller()) meet_caller(identity);
    use_own_null();
    become(identity, service->filters_first);
}

/// Ends whatever the service has left behind: orphans are ours (PR_SET_CHILD_SUBREAPER), one generation after the other.
static void end_descendants(void) {
    char path[64], line[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (;;) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = file < 0 ? -1 : read(file, line, sizeof line - 1);
        if (file >= 0) close(file);
        // A kernel without that file (CONFIG_PROC_CHILDREN): the control group is left to do it.
        if (length <= 0) return;
        line[length] = '\0';
        for (char *next = line, *rest; *next != '\0'; next = rest) {
            long pid = strtol(next, &rest, 10);
            // The last one may be cut off.
            if (rest == next || *rest != ' ') break;
            if (pid > 0) kill((pid_t)pid, SIGKILL);
        }
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) return;
    }
}

/// Waits for signals: children's deaths are reaped, all others go to the service.
static _Noreturn void supervise(pid_t service, int is_among_others) {
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        siginfo_t signal_info;
        int number = sigwaitinfo(&all, &signal_info);
        if (number < 0) continue;
        if (number != SIGCHLD) {
            kill(service, number);
            continue;
        }
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid != service) continue;
            status_record(status);
            tell_caller(status);
            if (is_among_others) end_descendants();
            // Ends every other process of this pid namespace (pid_namespaces(7)).
            _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
}

_Noreturn void launch(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    umask(0);
    unprivileged = take_word("unprivileged");
    if (!take_word("hostname")) fail_because("read", "host name", "it is missing");
    char *hostname = next_text();
    if (setsid() < 0 && errno != EPERM) fail("setsid", "instance");
    // Before anything that would be counted elsewhere.
    enter_groups(take_groups());
    // Its root is the group that this process is in already.
    if (take_word("cgroupns") && unshare(CLONE_NEWCGROUP) != 0) fail("unshare", "the cgroup namespace");
    while (take_word("enter")) {
        int process = (int)next_number(), kinds = (int)next_number();
        if (setns(process, kinds) != 0) fail("setns", "another service's namespaces");
        close(process);
    }
    int is_among_others = take_word("amongothers");
    if (!take_word("keephostname") && sethostname(hostname, strlen(hostname)) != 0) fail("hostname", hostname);
    struct surroundings surroundings = {.shared_memory = -1};
    int has_loopback = take_word("loopback");
    if (has_loopback) raise_loopback();
    surroundings.has_network = has_loopback || take_word("network");
    surroundings.shares_host_ipc = take_word("hostipc");
    if (take_word("shmtree")) surroundings.shared_memory = (int)next_number();
    surroundings.is_privileged = take_word("privileged");
    status_open();
    read_caller();
    // Keys of whoever started the stack stay behind (keyrings(7)).
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    // Not on the stack: it is for two processes.
    static struct service service;
    struct identity *identity = &service.identity;
    read_filter(identity);
    service.filters_first = take_word("filterfirst");
    // Nothing would end it where its pid namespace is another's, and this process fails.
    if (service.filters_first && is_among_others) fail_because("read", "specification", "among others no service has its filter first");
    pid_t pid = service.filters_first ? start_beside(serve, &service) : 0;
    if (pid < 0) fail("clone3", "service");
    build_surroundings(surroundings);
    read_identity(identity);
    identity->ends_with_parent = is_among_others;
    int changes_user = identity->uid != geteuid() || identity->gid != getegid();
    // So that the service may open /dev/stdout again, as container engines allow. What is the caller's stays so.
    if (changes_user && !has_caller() && (fchown(STDOUT_FILENO, identity->uid, identity->gid) != 0 || fchown(STDERR_FILENO, identity->uid, identity->gid) != 0))
        fail("chown", "output");
    // Nothing but a pid namespace of one's own ends all that is in it.
    if (is_among_others && prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail("prctl", "PR_SET_CHILD_SUBREAPER");
    // Who changes its user must not have our memory where that lets others in.
    if (changes_user && service.filters_first) fail_because("read", "specification", "only a service of the same user has its filter first");
    int shares_memory = !changes_user || kernel_keeps_memory_closed();
    if (pid == 0 && shares_memory) pid = start_beside(serve, &service);
    give_turn();
    if (!shares_memory && (pid = fork()) == 0) serve(&service);
    if (pid < 0) fail("clone", "service");
    // Its own one closes when it executes its command, which tells that all went well.
    close(REPORT_FD);
    if (shares_memory) await_departure();
    // Whoever has waited for that may have to wait for this CPU, too, and comes first.
    sched_yield();
    // Who becomes another user changes that for the memory (prctl(2), PR_SET_DUMPABLE).
    guard_process();
    specification_close();
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    // Sources and targets are mounted: from here on they are open for nothing.
    if (has_caller()) keep_caller(KEEPER_FD + 1);
    syscall(SYS_close_range, KEEPER_FD + (has_caller() ? 2 : 1), ~0U, 0);
    // To signal a service that runs as somebody else.
    keep_capabilities(unprivileged && !changes_user ? 0 : 1ULL << CAPABILITY_KILL);
    supervise(pid, is_among_others);
}
