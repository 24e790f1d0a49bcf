// Starting a worker: three pipes, a clean set of descriptors and signals. The parent's side of the sandbox.

#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <time.h>
#include <unistd.h>

enum { READ = 0, WRITE = 1 };

static int spawn(pid_t *pid, const char *path, char *const arguments[], char *const environment[], const int standard[3]) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    for (int i = 0; code == 0 && i < 3; i++) code = posix_spawn_file_actions_adddup2(&actions, standard[i], i);
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    // A process group of its own, so that Ctrl-C at the terminal reaches the parent alone; no signal is blocked or
    // ignored, whatever the parent does.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (code == 0) code = posix_spawnattr_setpgroup(&attributes, 0);
    if (code == 0) code = posix_spawnattr_setsigmask(&attributes, &none);
    if (code == 0) code = posix_spawnattr_setsigdefault(&attributes, &all);
    if (code == 0)
        code = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (code == 0) {
        // A program that was just written is busy for as long as the child of another thread, not yet at its own
        // program, holds the writer's descriptor.
        const struct timespec pause = {0, 5000000};
        for (int tries = 0; tries < 100; tries++) {
            code = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
            if (code != ETXTBSY) break;
            nanosleep(&pause, NULL);
        }
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

int csandbox_spawn(const char *path, char *const arguments[], char *const environment[], csandbox_child *child) {
    int ends[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int code = 0;
    for (int i = 0; code == 0 && i < 3; i++)
        if (pipe2(ends[i], O_CLOEXEC) != 0) code = errno;
    if (code == 0) {
        const int theirs[3] = {ends[0][READ], ends[1][WRITE], ends[2][WRITE]};
        const int ours[3] = {ends[0][WRITE], ends[1][READ], ends[2][READ]};
        // Only our ends: the flag belongs to the open pipe end, and the worker wants to block.
        for (int i = 0; i < 3; i++) fcntl(ours[i], F_SETFL, fcntl(ours[i], F_GETFL) | O_NONBLOCK);
        pid_t pid = 0;
        code = spawn(&pid, path, arguments, environment, theirs);
        for (int i = 0; i < 3; i++) close(theirs[i]);
        if (code == 0) {
            *child = (csandbox_child){pid, ours[0], ours[1], ours[2]};
        } else {
            for (int i = 0; i < 3; i++) close(ours[i]);
        }
        return code;
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            if (ends[i][j] >= 0) close(ends[i][j]);
    return code;
}
