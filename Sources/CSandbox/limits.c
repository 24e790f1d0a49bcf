// Limits that the kernel enforces on this process, and the order in which the sandbox is built.

#define _GNU_SOURCE
#include "csandbox.h"
#include "fence.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int limit(int resource, rlim_t value) {
    struct rlimit old;
    if (getrlimit(resource, &old) != 0) return -1;
    if (old.rlim_max != RLIM_INFINITY && old.rlim_max < value) value = old.rlim_max;
    struct rlimit new = {value, value};
    return setrlimit(resource, &new);
}

static void volunteer_for_oom(void) {
    // When memory ends the kernel takes the process with the highest score; better us than the user's editor.
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t ignored = write(fd, "900", 3);
    (void)ignored;
    close(fd);
}

static void close_the_rest(void) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return;
#endif
    long last = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (last > 0 && last < 65536 ? last : 65536); fd++) close(fd);
}

int csandbox_enter(uint64_t memory_bytes) {
    close_the_rest();
    volunteer_for_oom();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return 0;
    if (limit(RLIMIT_AS, memory_bytes) != 0 || limit(RLIMIT_NOFILE, 64) != 0 || limit(RLIMIT_FSIZE, 0) != 0 ||
        limit(RLIMIT_CORE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return 0;
    int done = CSANDBOX_LIMITS;
    if (fence_files() == 0) done |= CSANDBOX_LANDLOCK;
    if (fence_system_calls() == 0) done |= CSANDBOX_SECCOMP;
    return done;
}

void csandbox_cpu_budget(unsigned seconds) {
    struct rusage used;
    struct rlimit now;
    if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &now) != 0) return;
    // The kernel compares whole seconds; one more covers the part of a second already spent.
    rlim_t until = (rlim_t)used.ru_utime.tv_sec + (rlim_t)used.ru_stime.tv_sec + seconds + 1;
    now.rlim_cur = now.rlim_max == RLIM_INFINITY || until < now.rlim_max ? until : now.rlim_max;
    setrlimit(RLIMIT_CPU, &now);
}

int csandbox_probe(void) {
    int possible = 0;
    long fd = syscall(SYS_socket, 2 /* AF_INET */, 1 /* SOCK_STREAM */, 0);
    if (fd >= 0) possible |= 1;
    if (open("/dev/null", O_WRONLY) >= 0) possible |= 2;
    char *const arguments[] = {"/bin/true", NULL};
    char *const environment[] = {NULL};
    // A refused execve returns; one that is allowed would replace us, so try a program that is not there.
    execve("/nonexistent/program", arguments, environment);
    if (errno != EPERM) possible |= 4;
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) {
        possible |= 8;
        waitpid(child, NULL, 0);
    }
    if (open("/etc/passwd", O_RDONLY) >= 0) possible |= 16;
    if (kill(getppid(), 0) == 0) possible |= 32;
    return possible;
}
