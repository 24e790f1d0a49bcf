// The one thread on which an engine computes. Swift's own pool is left to everything else: on two cores, two tasks
// that compute for seconds would keep progress and cancellation waiting for as long.

import Kernels
import Synchronization

/// Runs the jobs of one actor in order on a thread of its own. The thread ends when its last owner lets go.
final class EngineThread: SerialExecutor {
    private let queue = JobQueue()

    init() {
        let started = WorkerThread.start(stackBytes: 8 << 20) { [queue] in queue.run() }
        precondition(started, "no thread could be started for the engine")
    }

    deinit { queue.close() }

    func enqueue(_ job: consuming ExecutorJob) {
        queue.append(UnownedJob(job), for: asUnownedSerialExecutor())
    }
}

/// Jobs between whoever asks and the thread that runs them. The thread holds the queue, not the executor, so that the
/// executor's end ends the thread.
private final class JobQueue: Sendable {
    private struct Entry: Sendable {
        var job: UnownedJob
        var executor: UnownedSerialExecutor
    }
    private struct State: Sendable {
        var entries: [Entry] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let signal = Semaphore()

    func append(_ job: UnownedJob, for executor: UnownedSerialExecutor) {
        state.withLock { $0.entries.append(Entry(job: job, executor: executor)) }
        signal.post()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        signal.post()
    }

    /// Runs jobs until the queue is closed and empty.
    func run() {
        while true {
            signal.wait()
            let (entries, isClosed) = state.withLock { state in
                defer { state.entries.removeAll() }
                return (state.entries, state.isClosed)
            }
            for entry in entries { entry.job.runSynchronously(on: entry.executor) }
            if isClosed, entries.isEmpty { return }
            if isClosed { signal.post() }
        }
    }
}
