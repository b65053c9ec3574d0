// The kernel's floor under `up` and `down`: for each service what no launcher can do without, and nothing else.
//
//   floor N DIRECTORY COMMAND [ARGUMENT…]
//                       starts N commands side by side, each in mount, pid, ipc and uts namespaces of its own with a tmpfs
//                       at DIRECTORY that holds one file of 32 bytes; ends them; prints two times in milliseconds
//   floor rest N …      the same after 50 ms in which it does nothing: what is at rest takes longer to start something
//   floor rss FILE COMMAND [ARGUMENT…]   runs a command, and writes to FILE how many KB it has had resident at most: what a process has had
//                       resident counts for those that it starts, and this one has next to nothing
//   floor               starts and ends: the floor under any command
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void require(int done, const char *what) {
    if (done) return;
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static void become_service(const char *directory, char **command) {
    require(mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) == 0, "make mounts private");
    require(mount("floor", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k") == 0, "mount tmpfs");
    char path[4096];
    snprintf(path, sizeof path, "%s/secret", directory);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    require(file >= 0, "create");
    require(write(file, "0123456789abcdef0123456789abcdef", 32) == 32, "write");
    close(file);
    require(mount("floor", directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0,
            "make the tmpfs read-only");
    execvp(command[0], command);
    require(0, "exec");
}

static int measure(const char *path, char **command) {
    pid_t pid = fork();
    require(pid >= 0, "fork");
    if (pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    int status;
    struct rusage usage;
    require(wait4(pid, &status, 0, &usage) == pid, "wait");
    FILE *file = fopen(path, "w");
    require(file && fprintf(file, "%ld\n", usage.ru_maxrss) > 0 && fclose(file) == 0, "write");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int count, char **arguments) {
    if (count == 1) return 0;
    if (count > 3 && strcmp(arguments[1], "rss") == 0) return measure(arguments[2], arguments + 3);
    int rests = count > 1 && strcmp(arguments[1], "rest") == 0;
    count -= rests;
    arguments += rests;
    if (count < 4) return 64;

    int services = atoi(arguments[1]);
    pid_t *pids = calloc(services, sizeof *pids);
    require(pids != NULL, "allocate");
    // Its writing end is closed by each exec: when nobody holds it any more, all of them run.
    int started[2];
    require(pipe2(started, O_CLOEXEC) == 0, "pipe");

    if (rests) usleep(50000);
    double begin = milliseconds();
    for (int i = 0; i < services; i++) {
        struct clone_args how = {
            // No CLONE_VFORK: they go on side by side.
            .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
            .exit_signal = SIGCHLD,
        };
        pids[i] = syscall(SYS_clone3, &how, sizeof how);
        require(pids[i] >= 0, "clone3");
        if (pids[i] == 0) become_service(arguments[2], arguments + 3);
    }
    close(started[1]);
    char nothing;
    require(read(started[0], &nothing, 1) == 0, "wait for all to start");
    double up = milliseconds();
    for (int i = 0; i < services; i++) kill(pids[i], SIGKILL);
    for (int i = 0; i < services; i++) {
        int status;
        require(waitpid(pids[i], &status, 0) == pids[i], "wait");
        require(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "run a service until it was killed");
    }
    printf("%.3f %.3f\n", up - begin, milliseconds() - up);
    return 0;
}
