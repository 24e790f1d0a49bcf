// `docproc-pdf --check`: puts up the sandbox and then tries to leave it. `docproc doctor` shows the result.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CSandbox
import Glibc

enum SandboxCheck {
    /// Prints a line for each barrier; returns 0 if all hold.
    static func run() -> Int32 {
        // With output to a file the limit on file sizes would end the check; the exit status tells all the same.
        signal(SIGXFSZ, SIG_IGN)
        let raised = csandbox_enter(2 << 30)
        let open = csandbox_probe()
        var text = ""
        func line(_ name: String, _ holds: Bool, _ meaning: String) {
            text += "\(holds ? "ok  " : "open") \(name): \(meaning)\n"
        }
        line("limits", raised & Int32(CSANDBOX_LIMITS) != 0, "memory, processor time, file size, open files")
        line("landlock", raised & Int32(CSANDBOX_LANDLOCK) != 0, "only system libraries, fonts and encodings")
        line("seccomp", raised & Int32(CSANDBOX_SECCOMP) != 0, "system calls")
        let attempts = [
            (1, "network", "opens no socket"), (2, "writing", "opens no file for writing"),
            (4, "programs", "runs no program"), (8, "processes", "starts no process"),
            (16, "files", "reads no file of the user"), (32, "signals", "signals no other process"),
        ]
        for (bit, name, meaning) in attempts { line(name, open & Int32(bit) == 0, meaning) }
        say(text, to: STDOUT_FILENO)
        return raised == 7 && open == 0 ? 0 : 1
    }
}
