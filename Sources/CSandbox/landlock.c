// Landlock, through raw system calls: Debian 12's headers know only the second version of its interface.

#define _GNU_SOURCE
#include "fence.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

// include/uapi/linux/landlock.h: struct landlock_ruleset_attr and landlock_path_beneath_attr.
struct ruleset {
    uint64_t files, network, scoped;
};
struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

enum { READ_FILE = 1 << 2, READ_DIR = 1 << 3 };

static const char *const readable[] = {
    "/usr/share", "/usr/lib", "/usr/lib64", "/usr/local/share", "/usr/local/lib", "/lib", "/lib64",
    "/etc/fonts", "/etc/ld.so.cache", "/var/cache/fontconfig", "/dev/null", "/dev/urandom",
};

int fence_files(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u);
    if (version < 1) return -1;
    struct ruleset rules = {.files = (1 << 13) - 1};
    size_t size = sizeof rules.files;
    if (version >= 2) rules.files |= 1 << 13;  // moving between directories
    if (version >= 3) rules.files |= 1 << 14;  // truncating
    if (version >= 5) rules.files |= 1 << 15;  // ioctl on devices
    if (version >= 4) rules.network = 3, size += sizeof rules.network;  // binding and connecting TCP
    if (version >= 6) rules.scoped = 3, size += sizeof rules.scoped;    // abstract sockets, signals to others
    long set = syscall(SYS_landlock_create_ruleset, &rules, size, 0u);
    if (set < 0) return -1;
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) {
        int fd = open(readable[i], O_PATH | O_CLOEXEC);
        if (fd < 0) continue;
        struct stat status;
        int is_directory = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
        struct path_rule rule = {is_directory ? READ_FILE | READ_DIR : READ_FILE, fd};
        syscall(SYS_landlock_add_rule, (int)set, 1u, &rule, 0u);
        close(fd);
    }
    long result = syscall(SYS_landlock_restrict_self, (int)set, 0u);
    close((int)set);
    return result == 0 ? 0 : -1;
}
