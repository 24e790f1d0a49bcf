/// The fixed exit codes of every command.
public enum ExitStatus: Int32, Sendable, Codable {
    /// All that was asked was done.
    case success = 0
    /// Our own mistake.
    case internalError = 1
    /// Bad flag, setting or pipeline.
    case usage = 2
    /// No usable input.
    case noInput = 3
    /// Model missing, damaged, unsupported, or licence not accepted.
    case model = 4
    /// Refused: the plan exceeds a limit; nothing was started.
    case refused = 5
    /// Finished, but some documents or questions failed.
    case partial = 6
    /// A check failed.
    case checkFailed = 7
    /// Remote failure after retries.
    case remote = 8
    /// Another run holds the lock.
    case locked = 9
    /// `--max-time` reached.
    case timeout = 124
    /// Interrupted.
    case interrupted = 130
    /// Terminated.
    case terminated = 143
}
