import Diagnostics
import Glibc
import Synchronization
import SystemPackage

/// The reader of standard output has gone. Ends the command quietly: nobody is left to be told.
struct OutputClosed: Error {}

/// Where the result goes: standard output, or the file of `--output`, which appears under its name only when complete.
final class ResultOutput: Sendable {
    private struct State {
        var descriptor: FileDescriptor
        var partial: FilePath?
        var finished = false
    }

    private let target: FilePath?
    private let isOpen: Bool
    private let state: Mutex<State>

    /// Writes to standard output.
    init(streams: StandardStreams) {
        target = nil
        isOpen = streams.outputIsOpen
        state = Mutex(State(descriptor: .standardOutput, partial: nil))
    }

    /// Writes to a file beside `path` that takes its name in `finish()`.
    init(path: String) throws(UserError) {
        target = FilePath(path)
        isOpen = true
        let partial = FilePath(path + ".partial-\(getpid())")
        do {
            let file = try FileDescriptor.open(
                partial, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            state = Mutex(State(descriptor: file, partial: partial))
        } catch {
            throw Self.failure(error, target: path)
        }
    }

    /// Writes all of a text.
    ///
    /// - Throws: `OutputClosed` when the reader has gone, `UserError` when the text could not be written.
    func write(_ text: String) throws {
        guard isOpen else {
            throw UserError(.noPermission, "standard output is closed, so the result has no place to go")
        }
        try state.withLock { state in
            do {
                try state.descriptor.writeAll(text.utf8)
            } catch Errno.brokenPipe where target == nil {
                throw OutputClosed()
            } catch {
                throw Self.failure(error, target: target?.string)
            }
        }
    }

    /// Writes a text and a newline.
    func line(_ text: String) throws {
        try write(text + "\n")
    }

    /// Makes a file complete: synced, then renamed. Does nothing for standard output.
    func finish() throws(UserError) {
        guard let target else { return }
        let outcome: UserError? = state.withLock { state in
            guard !state.finished, let partial = state.partial else { return nil }
            state.finished = true
            do {
                guard fsync(state.descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
                try state.descriptor.close()
                guard rename(partial.string, target.string) == 0 else { throw Errno(rawValue: errno) }
                return nil
            } catch {
                unlink(partial.string)
                return Self.failure(error, target: target.string)
            }
        }
        if let outcome { throw outcome }
    }

    /// Removes an unfinished file.
    func abandon() {
        state.withLock { state in
            guard !state.finished, let partial = state.partial else { return }
            state.finished = true
            try? state.descriptor.close()
            unlink(partial.string)
        }
    }

    private static func failure(_ error: any Error, target: String?) -> UserError {
        let place = target ?? "standard output"
        let number = error as? Errno
        switch number {
        case Errno.noSpace:
            return UserError(
                .diskFull, "the disk is full: the result could not be written", places: [.init("file", place)],
                remedies: [.init("--output FILE", "write to a file on another disk")])
        default:
            let reason = number.map { "\($0)" } ?? "\(error)"
            return UserError(
                .noPermission, "the result could not be written: \(reason)", places: [.init("file", place)],
                remedies: [.init("--output FILE", "write to a file elsewhere")])
        }
    }
}
