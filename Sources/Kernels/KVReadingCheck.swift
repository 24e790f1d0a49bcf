// Whether what is said about pages that were left out is true: attention over all of them beside it. Costs as much as
// reading everything; for measuring.

import CKernels
import Tensors

/// Outputs with pages left out beside exact ones.
package struct KVReadingCheck: Sendable, Equatable {
    /// Outputs of a head that were compared.
    package var heads = 0
    /// The largest length of a difference, and that as a share of what it may be: the share of attention that was left
    /// out times the length of the longest value and of the output together.
    package var largest = 0.0
    package var largestOfBound = 0.0
    /// How many differed by more than they may.
    package var violations = 0

    package init() {}
}

extension Compute {
    /// What attention had before pages on disk, so that it can go on from there again.
    struct BeforeSelection {
        fileprivate var running: [Float]
        fileprivate var out: [Float]
    }

    func beforeSelection(_ job: ck_attention) -> BeforeSelection? {
        guard readingCheck != nil else { return nil }
        let places = unsafe job.tokens * job.heads
        return unsafe BeforeSelection(
            running: Array(UnsafeBufferPointer(start: job.running, count: 2 * places)),
            out: Array(UnsafeBufferPointer(start: job.out, count: places * job.head_dim)))
    }

    /// Compares what is in the job's `out` with attention over all pages.
    func check(
        _ before: BeforeSelection, _ pages: any KVSparsePages, layer: Int, count: Int, skipped: Double,
        _ job: ck_attention
    ) {
        guard var check = readingCheck else { return }
        var (running, exact) = (before.running, before.out)
        var longest = 0.0
        unsafe running.withUnsafeMutableBufferPointer { running in
            unsafe exact.withUnsafeMutableBufferPointer { exact in
                guard let running = running.baseAddress, let exact = exact.baseAddress else { return }
                var job = unsafe job
                unsafe job.running = running
                unsafe job.out = exact
                pages.forEachRun(layer: layer, pages: Array(0..<count)) { run in
                    let tokens = unsafe job.page_tokens
                    unsafe attend(run, run.first * tokens..<run.end * tokens, isFirst: false, isLast: false, job)
                    for page in run.first..<run.end { unsafe longest = max(longest, longestValue(run, page, job)) }
                }
                unsafe finish(job)
            }
        }
        let width = unsafe job.head_dim
        for head in unsafe 0..<job.tokens * job.heads {
            var (difference, length) = (0.0, 0.0)
            for d in head * width..<(head + 1) * width {
                let out = unsafe Double(job.out[d])
                difference += (out - Double(exact[d])) * (out - Double(exact[d]))
                length += out * out
            }
            difference = difference.squareRoot()
            // Sums of floats in another order differ by themselves.
            let bound = skipped * (longest + length.squareRoot()) + 1e-5 * longest
            check.heads += 1
            check.largest = max(check.largest, difference)
            check.largestOfBound = max(check.largestOfBound, difference / bound)
            if !(difference <= bound) { check.violations += 1 }
        }
        readingCheck = check
    }

    private func longestValue(_ run: KVPageRun, _ page: Int, _ job: ck_attention) -> Double {
        guard let view = run[page] else { return 0 }
        let (tokens, width) = unsafe (job.page_tokens, job.head_dim)
        var shape = unsafe ck_kv_shape(
            type: job.kv_type, kv_heads: job.kv_heads, head_dim: width, page_tokens: tokens)
        let room = Buffer<Float>(count: tokens * width)
        var longest = 0.0
        for head in unsafe 0..<job.kv_heads {
            guard let values = unsafe ck_kv_values(table, &shape, view.values, head, tokens, room.pointer) else {
                continue
            }
            for place in 0..<tokens {
                var squares = 0.0
                for d in 0..<width {
                    let value = unsafe Double(values[place * width + d])
                    squares += value * value
                }
                longest = max(longest, squares.squareRoot())
            }
        }
        return longest
    }
}
