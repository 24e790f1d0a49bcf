import Glibc
import SystemPackage

/// The three standard descriptors: whether they were open, whether they are terminals, how wide.
///
/// A descriptor that was closed before the program started is filled with `/dev/null`, so that no file opened
/// later gets its number and receives what was meant for a reader.
struct StandardStreams: Sendable {
    /// False when standard output was closed before the start.
    let outputIsOpen: Bool
    /// Whether standard input is a terminal.
    let inputIsTerminal: Bool
    /// Whether standard output is a terminal.
    let outputIsTerminal: Bool
    /// Whether standard error is a terminal.
    let errorIsTerminal: Bool

    /// Looks at the descriptors and fills the closed ones. Call before anything opens a file.
    static func prepare() -> StandardStreams {
        // A write to a pipe without a reader returns EPIPE instead of ending the program.
        signal(SIGPIPE, SIG_IGN)
        var open = [true, true, true]
        for number in Int32(0)...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
            open[Int(number)] = false
            _ = Glibc.open("/dev/null", number == 0 ? O_RDONLY : O_WRONLY)
        }
        return StandardStreams(
            outputIsOpen: open[1], inputIsTerminal: isatty(0) == 1, outputIsTerminal: isatty(1) == 1,
            errorIsTerminal: isatty(2) == 1)
    }

    /// Columns of the terminal on standard error; 80 where it will not say.
    static func terminalWidth() -> Int {
        var size = winsize()
        guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
