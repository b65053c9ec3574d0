#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "filter.h"
#include "kept.h"
#include "parts/kernel_file.h"
#include "report.h"
#include "root.h"
#include "specification.h"

enum { LAST_CAPABILITY = 63 };

void read_identity(struct identity *identity) {
    while (take_word("limit")) {
        if (identity->limit_count == 32) fail_because("read", "specification", "too many limits");
        struct limit *limit = &identity->limits[identity->limit_count++];
        limit->resource = (int)next_number();
        limit->soft = next_number();
        limit->hard = next_number();
    }
    if (take_word("oom")) identity->oom_score_adjustment = next_text();
    identity->keeps_groups = take_word("keepgroups");
    // Whoever keeps them has to say so, and whoever doesn't.
    if (!identity->keeps_groups && !take_word("setgroups")) fail_because("read", "specification", "it says nothing of groups");
    identity->uid = (unsigned)next_number();
    identity->gid = (unsigned)next_number();
    identity->groups = next_list();
    identity->capabilities = next_number();
    identity->directory = next_text();
    identity->environment = next_list();
    identity->arguments = next_list();
    if (identity->arguments[0] == NULL) fail_because("read", "specification", "there is no command");
}

void guard_process(void) {
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail("prctl", "PR_SET_DUMPABLE");
}

static uint64_t permitted_capabilities(void) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2];
    if (syscall(SYS_capget, &header, data) != 0) fail("capget", "own");
    return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

void keep_capabilities(uint64_t kept) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2] = {
        {(uint32_t)kept, (uint32_t)kept, 0}, {(uint32_t)(kept >> 32), (uint32_t)(kept >> 32), 0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail("prctl", "PR_CAP_AMBIENT");
    if (syscall(SYS_capset, &header, data) != 0) fail("capset", "own");
}

static void set_limits(const struct identity *identity) {
    for (unsigned i = 0; i < identity->limit_count; i++) {
        const struct limit *wanted = &identity->limits[i];
        struct rlimit limit = {
            .rlim_cur = wanted->soft == UINT64_MAX ? RLIM_INFINITY : wanted->soft,
            .rlim_max = wanted->hard == UINT64_MAX ? RLIM_INFINITY : wanted->hard};
        char number[24];
        snprintf(number, sizeof number, "resource %d", wanted->resource);
        if (setrlimit(wanted->resource, &limit) != 0) {
            if (errno == EPERM)
                fail_because("ulimits", number, "raising a hard limit needs CAP_SYS_RESOURCE, which stackup was started without");
            fail("ulimits", number);
        }
    }
}

/// Of the service only: pid 1 has next to no memory, and is no gain to anybody.
static void adjust_oom_score(const char *adjustment) {
    // As long as nobody may look into this process, its files in /proc are root's, whom a user namespace need not have.
    if (unprivileged) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    guard_process();
    size_t length = strlen(adjustment);
    if (file >= 0 && write(file, adjustment, length) == (ssize_t)length) {
        close(file);
        return;
    }
    if (errno == EACCES || errno == EPERM)
        fail_because("oom_score_adj", adjustment, "a lower score than the caller's needs CAP_SYS_RESOURCE, which stackup was started without");
    fail("oom_score_adj", adjustment);
}

/// Whether this process's user namespace has one group, and no more.
static int has_one_group(void) {
    char text[128];
    // What has asked this is what is told of.
    int refusal = errno;
    ssize_t length = read_kernel_file("/proc/self/gid_map", text, sizeof text);
    errno = refusal;
    // One line, and its last number, how many there are, is 1.
    return length > 3 && memcmp(text + length - 3, " 1\n", 3) == 0 && memchr(text, '\n', (size_t)length) == text + length - 1;
}

static void set_groups(const struct identity *identity) {
    if (identity->keeps_groups) return;
    size_t count = 0;
    while (identity->groups[count] != NULL) count++;
    gid_t *groups = keep((count + 1) * sizeof *groups);
    for (size_t i = 0; i < count; i++) groups[i] = (gid_t)strtoul(identity->groups[i], NULL, 10);
    // A user namespace that maps one group only may not change them (user_namespaces(7)): everybody in it has those of whoever made it.
    if (setgroups(count, groups) != 0 && !(unprivileged && errno == EPERM && has_one_group())) fail("setgroups", "own");
}

static void limit_capabilities(uint64_t wanted) {
    uint64_t permitted = permitted_capabilities();
    // What stackup does not hold itself it cannot give; only root's services hold any.
    if (!unprivileged && geteuid() == 0 && (wanted & ~permitted) != 0)
        fail_because("cap_add", "capabilities", "stackup was started without one of those that the service asks for");
    for (int capability = 0; capability <= LAST_CAPABILITY; capability++) {
        if (wanted & 1ULL << capability) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        // The first that this kernel doesn't have: they are numbered in a row.
        if (errno == EINVAL) break;
        fail("prctl", "PR_CAPBSET_DROP");
    }
}

/// The folder that services have of their own, in which a path of the host leads nowhere; NULL for any other path.
static const char *own_folder(const char *path) {
    static const char *own[] = {"/tmp", "/var/tmp", "/dev/shm"};
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++) {
        size_t length = strlen(own[i]);
        if (strncmp(path, own[i], length) == 0 && path[length] == '/') return own[i];
    }
    return NULL;
}

static int is_null(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

void use_own_null(void) {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (!is_null(descriptor)) continue;
        int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (null < 0) fail("open", "/dev/null");
        if (!is_null(null)) fail_because("open", "/dev/null", "something else lies there");
        if (fcntl(null, F_SETFL, O_RDWR) != 0 || dup2(null, descriptor) < 0) fail("dup2", "/dev/null");
        close(null);
    }
}

/// Enters the working directory as the service itself: nothing that only root could reach.
static void enter_directory(const char *path) {
    if (chdir(path) == 0) return;
    const char *own = own_folder(path);
    if (errno == ENOENT && own != NULL) {
        char reason[160];
        snprintf(reason, sizeof reason, "there is no such folder; services have a %s of their own, which is empty at first: "
                 "mount the host's folder as a volume", own);
        fail_because("working_dir", path, reason);
    }
    switch (errno) {
    case ENOENT: fail_because("working_dir", path, "there is no such folder in the service; make it, mount it, or name another one");
    case ENOTDIR: fail_because("working_dir", path, "it is not a folder; name another one");
    case EACCES: fail_because("working_dir", path, "the service's user may not enter this folder; open it to that user (chmod, chown), "
                              "or name another folder or user");
    default: fail("working_dir", path);
    }
}

/// Says why a program that is named by a path isn't found: PATH has nothing to do with it.
static _Noreturn void fail_not_found(const char *path) {
    const char *own = own_folder(path);
    char reason[200] = "there is no such file in the service; is it installed on this host?";
    if (access(path, F_OK) == 0)
        snprintf(reason, sizeof reason, "it is there, but what it is run by is not: the program of its first line (#!), or its loader");
    else if (own != NULL)
        snprintf(reason, sizeof reason, "there is no such file; services have a %s of their own, which is empty at first: "
                 "put the program elsewhere, or mount its folder as a volume", own);
    else if (path[0] != '/')
        snprintf(reason, sizeof reason, "there is no such file in the service's working directory; give its absolute path, or set working_dir");
    fail_with(EXIT_NOT_FOUND, "exec", path, reason);
}

/// execvp(3) by the service's own PATH and with its own environment.
static _Noreturn void execute(char **arguments, char **environment) {
    const char *name = arguments[0], *search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (char **variable = environment; *variable != NULL; variable++)
        if (strncmp(*variable, "PATH=", 5) == 0) search = *variable + 5;
    int reason = ENOENT;
    if (strchr(name, '/') != NULL) {
        execve(name, arguments, environment);
        reason = errno;
        if (reason == ENOENT) fail_not_found(name);
    } else {
        while (*search != '\0') {
            char path[4096];
            size_t length = strcspn(search, ":");
            if ((size_t)snprintf(path, sizeof path, "%.*s/%s", (int)length, search, name) < sizeof path) {
                execve(path, arguments, environment);
                if (errno != ENOENT && errno != ENOTDIR) reason = errno;
            }
            search += length + (search[length] == ':');
        }
    }
    if (reason == ENOENT) fail_with(EXIT_NOT_FOUND, "exec", name, "the command was not found; is it installed on this host, and is its folder in PATH?");
    fail_with(EXIT_NOT_EXECUTABLE, "exec", name, strerror(reason));
}

_Noreturn void become(const struct identity *identity, int is_filtered) {
    set_limits(identity);
    if (identity->oom_score_adjustment != NULL) adjust_oom_score(identity->oom_score_adjustment);
    limit_capabilities(identity->capabilities);
    set_groups(identity);
    if (setresgid(identity->gid, identity->gid, identity->gid) != 0) fail("setresgid", "own");
    // Who becomes somebody else may be opened to that user's other processes (fs.suid_dumpable). As long as one of the three ids is root's, none of them
    // can look into this one (ptrace(2)); the last step takes that away and opens nothing again. It is the caller's in a user namespace.
    uid_t former = getuid();
    if (setresuid(identity->uid, identity->uid, former) != 0) fail("setresuid", "own");
    guard_process();
    if (setresuid(identity->uid, identity->uid, identity->uid) != 0) fail("setresuid", "own");
    keep_capabilities(identity->uid == 0 ? identity->capabilities & permitted_capabilities() : 0);
    // A change of who one is takes it off.
    if (identity->ends_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail("prctl", "PR_SET_PDEATHSIG");
    enter_directory(identity->directory);
    umask(022);
    for (int signal_number = 1; signal_number < 65; signal_number++) signal(signal_number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    long refused = is_filtered ? 0 : install_filter(identity);
    if (refused < 0) fail_by(refused, "seccomp", "filter");
    execute(identity->arguments, identity->environment);
}
