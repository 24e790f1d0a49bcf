// A thread that an actor runs on: talking to a worker blocks, which Swift's own pool must not, and a worker dies with
// the thread that started it (PR_SET_PDEATHSIG), so that thread has to last.

import Glibc
import Synchronization

/// Runs the jobs of one actor, one after the other, on a thread of its own until `stop`.
final class WorkerThread: SerialExecutor {
    private let queue = JobQueue()

    init() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(queue).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<JobQueue>.fromOpaque(context).takeRetainedValue().serve()
                return nil
            }, context)
        precondition(code == 0, "no thread for a worker: errno \(code)")
        pthread_detach(thread)
    }

    deinit {
        queue.stop()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        queue.add(UnownedJob(job), for: asUnownedSerialExecutor())
    }
}

/// Jobs that wait for the thread. A semaphore counts them, so the thread sleeps while there are none.
private final class JobQueue: Sendable {
    private typealias Entry = (job: UnownedJob, executor: UnownedSerialExecutor)
    private let state = Mutex<(entries: [Entry], isStopped: Bool)>(([], false))
    private let semaphore = Semaphore()

    func add(_ job: UnownedJob, for executor: UnownedSerialExecutor) {
        state.withLock { $0.entries.append((job, executor)) }
        semaphore.signal()
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        semaphore.signal()
    }

    func serve() {
        // A worker that died while we write to it must give an error, not end this process.
        var pipeSignal = sigset_t()
        sigemptyset(&pipeSignal)
        sigaddset(&pipeSignal, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipeSignal, nil)
        while true {
            semaphore.wait()
            let entry = state.withLock { $0.entries.isEmpty ? nil : $0.entries.removeFirst() }
            guard let entry else {
                if state.withLock({ $0.isStopped }) { return }
                continue
            }
            entry.job.runSynchronously(on: entry.executor)
        }
    }
}

/// A POSIX semaphore at an address of its own.
// Unchecked: sem_t may be used from any thread, and the pointer never changes.
private final class Semaphore: @unchecked Sendable {
    private let pointer: UnsafeMutablePointer<sem_t>

    init() {
        pointer = .allocate(capacity: 1)
        sem_init(pointer, 0, 0)
    }

    deinit {
        sem_destroy(pointer)
        pointer.deallocate()
    }

    func signal() {
        sem_post(pointer)
    }

    func wait() {
        while sem_wait(pointer) != 0 && errno == EINTR {}
    }
}
