// A seccomp filter that refuses rather than kills, so that a library which merely asks gets an error and goes on.
//
// A list of what is forbidden, not of what is allowed: the libraries' harmless calls differ from one version of
// glibc to the next, and the file fence and the limits stand behind this one.

#define _GNU_SOURCE
#include "fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef THIS_ARCHITECTURE

static const int refused[] = {
    // network and talk to other processes
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg,
    SYS_sendmmsg, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
    SYS_kill, SYS_tkill, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pidfd_getfd, SYS_kcmp,
    SYS_shmget, SYS_shmat, SYS_msgget, SYS_semget, SYS_mq_open,
    // programs and privileges
    SYS_execve, SYS_execveat, SYS_unshare, SYS_setns, SYS_chroot, SYS_pivot_root, SYS_mount, SYS_umount2,
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_capset,
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
    SYS_reboot, SYS_swapon, SYS_swapoff, SYS_personality, SYS_acct, SYS_quotactl, SYS_sethostname, SYS_settimeofday,
    SYS_clock_settime, SYS_clock_adjtime, SYS_open_by_handle_at,
    // changing files
    SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_memfd_create, SYS_unlinkat, SYS_renameat2, SYS_linkat,
    SYS_symlinkat, SYS_mkdirat, SYS_mknodat, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat,
    SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef __x86_64__
    SYS_fork, SYS_vfork, SYS_creat, SYS_unlink, SYS_rmdir, SYS_rename, SYS_link, SYS_symlink, SYS_mkdir, SYS_mknod,
    SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat, SYS_ioperm, SYS_iopl, SYS_modify_ldt,
#endif
};

enum { LIST = sizeof refused / sizeof *refused, ROOM = 2 * LIST + 40 };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE(code) RETURN(SECCOMP_RET_ERRNO | (code))
// The low half of an argument; both architectures are little-endian.
#define ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define UNLESS_EQUAL(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define UNLESS_BITS(value, skip) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, value, 0, skip)

int fence_system_calls(void) {
    const unsigned writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
    struct sock_filter code[ROOM];
    unsigned short n = 0;
#define ADD(...) code[n++] = (struct sock_filter)__VA_ARGS__

    ADD(LOAD(arch));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0));
    ADD(RETURN(SECCOMP_RET_KILL_PROCESS));
    ADD(LOAD(nr));
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1));  // the x32 numbering of the same calls
    ADD(REFUSE(EPERM));
    for (int i = 0; i < LIST; i++) {
        ADD(UNLESS_EQUAL((unsigned)refused[i], 1));
        ADD(REFUSE(EPERM));
    }
    // ENOSYS sends glibc back to clone and openat, whose flags a filter can see.
    ADD(UNLESS_EQUAL(SYS_clone3, 1));
    ADD(REFUSE(ENOSYS));
    ADD(UNLESS_EQUAL(SYS_openat2, 1));
    ADD(REFUSE(ENOSYS));
    ADD(UNLESS_EQUAL(SYS_clone, 3));  // threads, not processes
    ADD(ARGUMENT(0));
    ADD(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
    ADD(REFUSE(EPERM));
    ADD(LOAD(nr));
    ADD(UNLESS_EQUAL(SYS_openat, 4));
    ADD(ARGUMENT(2));
    ADD(UNLESS_BITS(writing, 1));
    ADD(REFUSE(EACCES));
    ADD(RETURN(SECCOMP_RET_ALLOW));
#ifdef SYS_open
    ADD(UNLESS_EQUAL(SYS_open, 4));
    ADD(ARGUMENT(1));
    ADD(UNLESS_BITS(writing, 1));
    ADD(REFUSE(EACCES));
    ADD(RETURN(SECCOMP_RET_ALLOW));
#endif
    ADD(UNLESS_EQUAL(SYS_tgkill, 4));  // abort() signals its own process
    ADD(ARGUMENT(0));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)getpid(), 1, 0));
    ADD(REFUSE(EPERM));
    ADD(RETURN(SECCOMP_RET_ALLOW));
    ADD(RETURN(SECCOMP_RET_ALLOW));

    struct sock_fprog program = {n, code};
    // TSYNC: also for threads that libraries started before us.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0) return 0;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -1;
}

#else

int fence_system_calls(void) {
    return -1;
}

#endif
