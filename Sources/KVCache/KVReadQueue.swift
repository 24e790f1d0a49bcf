// Threads that bring pages from disk while others compute.

import Kernels
import Synchronization
import Tensors

/// Memory for the pages of one read, and what is or was read into it.
///
/// `@unchecked`: everything here belongs to whoever asks for reads, but between `KVReadQueue.append` and the return of
/// `wait` to the reading thread. The queue's lock and the semaphore order the two.
final class KVReadSlot: @unchecked Sendable {
    private let memory: Buffer<UInt8>
    private let finished = Semaphore()
    private let isDone = Atomic(false)
    private var request: KVReadRequest?
    private var error: (any Error)?
    private var isPending = false

    init(bytes: Int) { memory = Buffer(count: bytes) }

    /// Bytes that the pages of a request take.
    private static func bytes(_ request: KVReadRequest) -> Int {
        request.ordinals.count * (request.keyBytes + request.valueBytes)
    }

    func begin(_ request: KVReadRequest) {
        precondition(!isPending && Self.bytes(request) <= memory.count, "a free slot that is large enough")
        self.request = request
        isDone.store(false, ordering: .relaxed)
        isPending = true
    }

    /// On the reading thread.
    func read() {
        guard let request else { return }
        do {
            for part in [KVPageSource.Part.keys, .values] {
                let bytes = unsafe part == .keys ? keys : values
                try unsafe request.source.read(part, layer: request.layer, ordinals: request.ordinals, into: bytes)
            }
            error = nil
        } catch {
            self.error = error
        }
        isDone.store(true, ordering: .releasing)
        finished.post()
    }

    /// Whether `wait` would return at once.
    var isReady: Bool { !isPending || isDone.load(ordering: .acquiring) }

    /// Waits for the read. Where it failed, the memory holds zeros.
    ///
    /// - Returns: what went wrong.
    func wait() -> (any Error)? {
        guard isPending else { return error }
        finished.wait()
        isPending = false
        if error != nil { memory.fill(0) }
        return error
    }

    /// The pages that were read; valid until the slot is used again.
    var run: KVPageRun {
        guard let request else { return KVPageRun() }
        var run = KVPageRun(first: request.ordinals.lowerBound)
        guard let keys = unsafe keys.baseAddress else { return run }
        for page in 0..<request.ordinals.count {
            unsafe run.append(
                KVPageView(
                    keys: keys + page * request.keyBytes,
                    values: keys + request.ordinals.count * request.keyBytes + page * request.valueBytes))
        }
        return run
    }

    private var keys: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: memory.pointer, count: (request?.ordinals.count ?? 0) * (request?.keyBytes ?? 0))
    }

    private var values: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: memory.pointer + keys.count, count: (request?.ordinals.count ?? 0) * (request?.valueBytes ?? 0))
    }
}

/// Consecutive pages of one layer on disk.
struct KVReadRequest: Sendable {
    var source: KVPageSource
    var layer: Int
    var ordinals: Range<Int>
    /// Of one page.
    var keyBytes, valueBytes: Int
}

/// Reads wait here for a thread. The threads end with the last owner.
final class KVReadQueue: Sendable {
    /// Two reads at a time keep a disk busy while one of them is being checked.
    static let threads = 2

    private final class State: Sendable {
        let slots = Mutex<(waiting: [KVReadSlot], isClosed: Bool)>(([], false))
        let signal = Semaphore()
    }

    private let state = State()

    init() {
        for _ in 0..<Self.threads {
            let started = WorkerThread.start { [state] in Self.run(state) }
            precondition(started, "no thread could be started for reading")
        }
    }

    deinit {
        state.slots.withLock { $0.isClosed = true }
        for _ in 0..<Self.threads { state.signal.post() }
    }

    func append(_ slot: KVReadSlot) {
        state.slots.withLock { $0.waiting.append(slot) }
        state.signal.post()
    }

    private static func run(_ state: State) {
        while true {
            state.signal.wait()
            let slot = state.slots.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
            if let slot { slot.read() } else if state.slots.withLock({ $0.isClosed }) { return }
        }
    }
}
