// How a worker process is started, and what it does to itself before it reads a byte of a document: limits, and a
// fence around the kernel.
//
// Linux only. What a worker has set nobody inside it can undo, except the soft CPU limit, which is raised from
// document to document.

#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stdint.h>
#include <sys/types.h>

/// A started worker and the parent's ends of its pipes, which do not block and are closed on exec.
typedef struct {
    pid_t process;
    int input, output, error;
} csandbox_child;

/// Starts the program at `path`, in a process group of its own, with pipes for its first three descriptors and no other
/// open. Both lists end with NULL. Returns 0 or an errno.
int csandbox_spawn(const char *path, char *const arguments[], char *const environment[], csandbox_child *child);

/// What `csandbox_enter` put in place.
enum {
    CSANDBOX_LIMITS = 1,    // address space, files, core, file size, dies with its parent, first to go when memory ends
    CSANDBOX_LANDLOCK = 2,  // reads only system libraries, fonts and encodings; writes nothing (kernel 5.13 and later)
    CSANDBOX_SECCOMP = 4,   // no sockets, no programs, no processes, no opening for writing
};

/// Closes every descriptor but the first three, sets the limits, then the fence. Returns the bits of what holds now;
/// without CSANDBOX_LIMITS the caller must not go on. Kernels without Landlock or seccomp lack those bits.
int csandbox_enter(uint64_t memory_bytes);

/// Lets the process use `seconds` of processor time from now on; SIGXCPU ends it after that.
void csandbox_cpu_budget(unsigned seconds);

/// Tries what the fence forbids. Returns the bits of what was possible after all: 1 a socket, 2 opening a file for
/// writing, 4 running a program, 8 a new process, 16 reading the user's files, 32 signalling the parent.
int csandbox_probe(void);

#endif
