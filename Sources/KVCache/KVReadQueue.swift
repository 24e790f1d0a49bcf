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
    private var error: KVReadSlotError?
    private var isPending = false

    init(bytes: Int) { memory = Buffer(count: bytes) }

    var byteCount: Int { memory.count }

    /// Bytes that the pages of a request take.
    private static func bytes(_ request: KVReadRequest) -> Int {
        request.pages * (request.keyBytes + request.valueBytes)
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
        error = nil
        var page = 0
        for piece in request.pieces {
            do {
                for part in [KVPageSource.Part.keys, .values] {
                    let size = part == .keys ? request.keyBytes : request.valueBytes
                    let plane = unsafe part == .keys ? keys : values
                    guard size > 0 else { continue }
                    let bytes = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: plane[page * size..<(page + piece.ordinals.count) * size])
                    try unsafe piece.source.read(part, layer: request.layer, ordinals: piece.ordinals, into: bytes)
                }
            } catch {
                self.error = KVReadSlotError(ordinal: piece.ordinals.lowerBound, error: error)
                break
            }
            page += piece.ordinals.count
        }
        isDone.store(true, ordering: .releasing)
        finished.post()
    }

    /// Whether `wait` would return at once.
    var isReady: Bool { !isPending || isDone.load(ordering: .acquiring) }

    /// Waits for the read. Where it failed, the memory holds zeros.
    ///
    /// - Returns: what went wrong.
    func wait() -> KVReadSlotError? {
        guard isPending else { return error }
        finished.wait()
        isPending = false
        if error != nil { memory.fill(0) }
        return error
    }

    /// The pages that were read; valid until the slot is used again. Pages between them are missing.
    var run: KVPageRun {
        guard let request, let first = request.pieces.first else { return KVPageRun() }
        var run = KVPageRun(first: first.ordinals.lowerBound)
        guard let keys = unsafe keys.baseAddress else { return run }
        let values = unsafe keys + request.pages * request.keyBytes
        var page = 0
        for piece in request.pieces {
            while run.end < piece.ordinals.lowerBound { run.append(nil) }
            for _ in piece.ordinals {
                unsafe run.append(
                    KVPageView(keys: keys + page * request.keyBytes, values: values + page * request.valueBytes))
                page += 1
            }
        }
        return run
    }

    private var keys: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: memory.pointer, count: (request?.pages ?? 0) * (request?.keyBytes ?? 0))
    }

    private var values: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: memory.pointer + keys.count, count: (request?.pages ?? 0) * (request?.valueBytes ?? 0))
    }
}

/// Pages of one layer on disk.
struct KVReadRequest: Sendable {
    /// Consecutive pages in one file.
    struct Piece: Sendable {
        var source: KVPageSource
        var ordinals: Range<Int>
    }

    var layer: Int
    /// Ascending.
    var pieces: [Piece]
    /// Of one page; 0 for what is not wanted.
    var keyBytes, valueBytes: Int

    var pages: Int { pieces.reduce(0) { $0 + $1.ordinals.count } }
}

/// Why a read failed.
struct KVReadSlotError: Error {
    /// A page of the segment that has the failure.
    var ordinal: Int
    var error: any Error
}

/// Reads wait here for a thread. The threads end with the last owner.
final class KVReadQueue: Sendable {
    /// Two reads at a time keep a disk busy while one of them is being checked.
    private static let threads = 2

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
