import Diagnostics
// Dispatch says nowhere that its sources may be used from any thread; its documentation does.
@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Why a command is asked to stop before its end.
enum StopReason: Sendable, Equatable {
    case interrupted, terminated
    case timeLimit(String)
    case memory(used: Int, limit: Int)
    /// The reader of standard output has gone; nobody is left to be told.
    case outputClosed

    /// What the user is told.
    var error: UserError {
        switch self {
        case .interrupted:
            UserError(.interrupted, "interrupted; what was finished before is kept")
        case .terminated:
            UserError(.terminated, "terminated; what was finished before is kept")
        case .timeLimit(let limit):
            UserError(
                .timeLimit, "the time limit of \(limit) was reached; what was finished before is kept",
                remedies: [.init("--max-time 2h", "allow more time")])
        case .memory(let used, let limit):
            UserError(
                .memoryLimit,
                "stopped: resident memory reached \(Format.bytes(used)), over the limit of \(Format.bytes(limit))",
                remedies: [.init("--context N", "use a smaller window"), .init("--memory SIZE", "allow more memory")])
        case .outputClosed:
            UserError(.interrupted, "the reader of standard output has gone")
        }
    }
}

/// Turns signals and limits into the cancellation of one task.
///
/// The first signal cancels, so that the engine stops at its next chunk or token; the second ends the process at
/// once. Signals arrive on a queue of their own, never in a handler.
final class StopControl: Sendable {
    private struct State {
        var reason: StopReason?
        var signals = 0
        /// Nothing is at work: the program waits for someone to type.
        var isWaiting = false
        var cancel: (@Sendable () -> Void)?
        var sources: [any DispatchSourceProtocol] = []
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "docproc.signals")

    /// Why the command was stopped, if it was.
    var reason: StopReason? { state.withLock { $0.reason } }

    /// Calls `cancel` when the command should stop; at once if that has been decided already.
    func onStop(_ cancel: @escaping @Sendable () -> Void) {
        let stopped = state.withLock { state in
            state.cancel = cancel
            return state.reason != nil
        }
        if stopped { cancel() }
    }

    /// Does something that waits for a person; Ctrl-C then ends the program at once, as nothing is lost.
    func whileWaiting<T>(_ body: () -> T) -> T {
        state.withLock { $0.isWaiting = true }
        defer { state.withLock { $0.isWaiting = false } }
        return body()
    }

    /// Stops the command. The first reason stays.
    func stop(_ reason: StopReason) {
        let cancel = state.withLock { state in
            if state.reason == nil { state.reason = reason }
            return state.cancel
        }
        cancel?()
    }

    /// Listens to SIGINT, SIGTERM, SIGHUP and SIGUSR1.
    func listen(narrator: Narrator, status: @escaping @Sendable () -> String) {
        for (number, reason) in [
            (SIGINT, StopReason.interrupted), (SIGTERM, .terminated), (SIGHUP, .terminated),
        ] {
            handle(number) { [self] in
                let first = state.withLock { state in
                    state.signals += 1
                    return state.signals == 1 && !state.isWaiting
                }
                guard first else {
                    narrator.clearLine()
                    _exit(reason == .interrupted ? ExitStatus.interrupted.rawValue : ExitStatus.terminated.rawValue)
                }
                if reason == .interrupted { narrator.note("stopping at the next boundary; Ctrl-C again stops at once") }
                stop(reason)
            }
        }
        handle(SIGUSR1) { narrator.printStatus(otherwise: status()) }
    }

    /// Stops the command after a while.
    func limitTime(seconds: Double, label: String) {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now() + seconds)
        timer.setEventHandler { [weak self] in self?.stop(.timeLimit(label)) }
        timer.resume()
        state.withLock { $0.sources.append(timer) }
    }

    /// Stops the command when resident memory passes the limit; looks four times a second.
    func limitMemory(bytes limit: Int) {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now() + 0.25, repeating: 0.25)
        timer.setEventHandler { [weak self] in
            guard let used = ProcessMemory.resident(), used > limit else { return }
            self?.stop(.memory(used: used, limit: limit))
        }
        timer.resume()
        state.withLock { $0.sources.append(timer) }
    }

    private func handle(_ number: Int32, _ action: @escaping @Sendable () -> Void) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler(handler: action)
        source.resume()
        state.withLock { $0.sources.append(source) }
    }
}
