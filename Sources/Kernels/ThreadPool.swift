// The threads that share the matrix work. They belong to the engine, apart from Swift's own pool, which computation
// must never block.

import CKernels

/// A fixed set of threads that run the pieces of one job at a time. Idle ones sleep.
@safe
package final class ThreadPool: Sendable {
    /// Threads that take part, the caller of `parallel` included.
    package let threads: Int
    /// Guards itself: the C pool serializes its callers.
    private nonisolated(unsafe) let pool: OpaquePointer

    /// Starts the threads; fewer when the system refuses to start that many.
    ///
    /// - Parameter threads: the caller included; at least 1.
    package init(threads: Int) {
        var count = max(threads, 1)
        var pool = unsafe ck_pool_create(count)
        while unsafe pool == nil && count > 1 {
            count -= 1
            unsafe pool = unsafe ck_pool_create(count)
        }
        guard let pool = unsafe pool else { fatalError("no memory for a thread pool") }
        self.threads = count
        unsafe self.pool = unsafe pool
    }

    deinit {
        unsafe ck_pool_destroy(pool)
    }

    /// Runs `body` once for every piece and returns when all are done. Results must not depend on which thread takes
    /// which piece; `thread` only picks private scratch.
    package func parallel(_ pieces: Int, _ body: (_ piece: Int, _ thread: Int) -> Void) {
        guard pieces > 1 else {
            if pieces == 1 { body(0, 0) }
            return
        }
        withoutActuallyEscaping(body) { body in
            unsafe withUnsafePointer(to: body) { context in
                unsafe ck_pool_run(
                    pool, pieces,
                    { context, piece, thread in
                        guard let context = unsafe context else { return }
                        unsafe context.assumingMemoryBound(to: ((Int, Int) -> Void).self).pointee(piece, thread)
                    }, context)
            }
        }
    }

    /// The same for a function in C: without the cost of a Swift closure per piece.
    func parallel(
        _ pieces: Int, _ body: @convention(c) (UnsafeRawPointer?, Int, Int) -> Void, _ context: UnsafeRawPointer
    ) {
        unsafe ck_pool_run(pool, pieces, body, context)
    }

    /// Names weights that the operation after the next one will probably read, for threads that would only wait.
    func announce(_ weights: [UnsafeRawBufferPointer]) {
        for index in 0..<Int(CK_ANNOUNCED) {
            let bytes = unsafe index < weights.count ? weights[index] : UnsafeRawBufferPointer(start: nil, count: 0)
            unsafe ck_pool_announce(pool, index, bytes.baseAddress, bytes.count)
        }
    }
}
