// The one thread on which an engine computes. Swift's own pool is left to everything else: on two cores, two tasks
// that compute for seconds would keep progress and cancellation waiting for as long.

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs the jobs of one actor in order on a thread of its own. The thread ends when its last owner lets go.
final class EngineThread: SerialExecutor {
    private let queue = JobQueue()

    init() {
        let queue = Unmanaged.passRetained(queue)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 8 << 20)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<JobQueue>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, queue.toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(failed == 0, "no thread could be started for the engine")
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

/// Counts posts and lets a thread sleep until there is one.
private final class Semaphore: Sendable {
    // Safe to share: sem_t is made for it; the memory is allocated once and freed after the last use.
    nonisolated(unsafe) private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func post() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 {}  // Only a signal handler's return interrupts it.
    }
}
