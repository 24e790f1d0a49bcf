// The door to the arithmetic: one object per engine thread, with its threads, its instruction set and its scratch
// memory. Matrix products are in Compute+Products, attention in Compute+Attention, the rest of a layer in
// Compute+Rows.
//
// Every operation gives the same bits for any number of threads, and products, attention and norms give a token the
// same bits whatever tokens are computed with it.

import CKernels
import Tensors

/// Typed operations on activations (32-bit floats) and weights (any type of a model file).
///
/// Not Sendable: the thread that owns it calls; the pool's threads help during the call.
@safe
package final class Compute {
    package let pool: ThreadPool
    package let kernels: KernelSet
    package let numerics: Numerics
    /// Scratch of each thread, grown to the largest need so far.
    private var scratch: [ScratchMemory]
    /// Quantized inputs of a product and other memory that all threads share during one operation.
    var shared = ScratchMemory()
    /// Maxima and sums of the queries of one attention, between blocks of pages.
    let attentionState = ScratchMemory()
    /// Where set, attention that leaves out pages is compared with that over all of them.
    package var readingCheck: KVReadingCheck?
    /// By the first weights of a product of few tokens, the ones that followed last time.
    var followers: [UnsafeRawPointer: [UnsafeRawBufferPointer]] = unsafe [:]
    var lastProduct: UnsafeRawPointer?

    var table: UnsafePointer<ck_table> { unsafe kernels.table }

    /// Combines the three; memory is taken when needed.
    package init(pool: ThreadPool, kernels: KernelSet = .best(), numerics: Numerics = .fast) {
        self.pool = pool
        self.kernels = kernels
        self.numerics = numerics
        scratch = (0..<pool.threads).map { _ in ScratchMemory() }
    }

    /// Bytes of scratch held at present.
    package var scratchBytes: Int { scratch.reduce(shared.byteCount + attentionState.byteCount) { $0 + $1.byteCount } }

    /// Runs pieces, each with `scratchBytes` of private memory.
    func run(_ pieces: Int, scratchBytes: Int, _ body: (_ piece: Int, _ scratch: UnsafeMutableRawPointer) -> Void) {
        unsafe withScratch(scratchBytes) { pointers in
            pool.parallel(pieces) { piece, thread in
                if let scratch = unsafe pointers[thread] { unsafe body(piece, scratch) }
            }
        }
    }

    /// Private memory of every thread, by its number.
    func withScratch(_ bytes: Int, _ body: (_ scratch: UnsafePointer<UnsafeMutableRawPointer?>) -> Void) {
        unsafe withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: scratch.count) { pointers in
            guard let first = pointers.baseAddress else { return }
            for (thread, memory) in scratch.enumerated() {
                unsafe (first + thread).initialize(to: memory.reserve(bytes))
            }
            unsafe body(first)
        }
    }

    /// Splits `count` rows among the threads in pieces of at least `grain`.
    func forRanges(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        let size = max(grain, (count + 4 * pool.threads - 1) / (4 * pool.threads))
        pool.parallel((count + size - 1) / size) { piece, _ in body(piece * size..<min((piece + 1) * size, count)) }
    }
}

/// Memory that grows and never shrinks; contents are lost when it grows.
final class ScratchMemory {
    private var buffer = Buffer<UInt8>(count: 0)

    var byteCount: Int { buffer.count }

    /// At least `bytes`, aligned to cache lines.
    func reserve(_ bytes: Int) -> UnsafeMutableRawPointer {
        if buffer.count < bytes { buffer = Buffer(count: bytes) }
        return unsafe UnsafeMutableRawPointer(buffer.pointer)
    }
}
