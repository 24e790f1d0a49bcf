// The two fences that csandbox_enter raises; each returns 0 where the kernel has it.

#ifndef CSANDBOX_FENCE_H
#define CSANDBOX_FENCE_H

/// Landlock: leaves only reading of system libraries, fonts and character maps.
int fence_files(void);

/// seccomp: refuses system calls that reach other processes, the network, or change files.
int fence_system_calls(void);

#endif
