// Attention over pages on disk of which only those are read that can matter.

import CKernels
import Tensors

extension Compute {
    /// Pages that one piece of work looks at.
    private static let pagesPerPiece = 8

    /// More queries read everything: together they need nearly all of it.
    private static let mostSelecting = 16

    /// The most bytes that choosing pages takes.
    package static func selectionBytes(pages: Int, heads: Int) -> Int {
        (1...mostSelecting).reduce(0) { max($0, KVPageSelection.bytes(pages: pages, places: $1 * heads)) }
    }

    /// The pages to choose from; nil where everything is read.
    func selectable(_ cache: KVPages, places: Int, tokens: Int) -> (any KVSparsePages)? {
        guard tokens <= Self.mostSelecting, let stream = cache.paged?.stream,
            stream.end / cache.pageTokens * places <= KVPageSelection.most
        else { return nil }
        return stream.sparse
    }

    /// Goes on from what attention made of everything in memory, and divides by the sums.
    ///
    /// - Parameters:
    ///   - job: of all queries, which see all these pages; `running` and `out` hold the results so far.
    ///   - end: positions on disk.
    func attendSelected(_ pages: any KVSparsePages, layer: Int, end: Int, _ job: ck_attention) {
        let count = unsafe end / job.page_tokens
        let before = unsafe beforeSelection(job)
        let places = unsafe job.tokens * job.heads
        var counts = KVSelectionCounts()
        counts.pages = count
        if unsafe pages.reading.usesCoarseKeys && !makeCoarseKeys(pages, layer: layer, job) {
            unsafe attend(pages, layer: layer, Array(0..<count), job)
            counts.read = count
        } else {
            let (low, high) = unsafe bounds(pages, layer: layer, pages: count, job)
            var selection = KVPageSelection(pages.reading, low: low, high: high, places: places)
            while true {
                let known = (0..<places).map { unsafe (maximum: job.running[2 * $0], sum: job.running[2 * $0 + 1]) }
                let chosen = selection.next(known: known)
                guard !chosen.isEmpty else { break }
                unsafe attend(pages, layer: layer, chosen, job)
                counts.read += chosen.count
            }
            counts.skipped = selection.skipped
        }
        pages.note(counts)
        unsafe finish(job)
        if let before { unsafe check(before, pages, layer: layer, count: count, skipped: counts.skipped, job) }
    }

    /// Divides by the sums.
    func finish(_ job: ck_attention) {
        let none = unsafe UnsafePointer<Float>(job.running)
        unsafe run(job.kv_heads, scratchBytes: 0) { head, _ in
            var job = unsafe job
            unsafe job.is_first = false
            unsafe job.is_last = true
            unsafe ck_attention_merge(table, &job, head, 0, job.tokens, 0, none)
        }
    }

    private func attend(_ pages: any KVSparsePages, layer: Int, _ chosen: [Int], _ job: ck_attention) {
        let tokens = unsafe job.page_tokens
        pages.forEachRun(layer: layer, pages: chosen) { run in
            unsafe attend(run, run.first * tokens..<run.end * tokens, isFirst: false, isLast: false, job)
        }
    }

    /// What each page weighs at least and at most: `[pages][tokens][heads]` each.
    private func bounds(
        _ pages: any KVSparsePages, layer: Int, pages count: Int, _ job: ck_attention
    ) -> (low: [Float], high: [Float]) {
        let places = unsafe job.tokens * job.heads
        var low = [Float](repeating: 0, count: count * places), high = low
        let isCoarse = pages.reading.usesCoarseKeys
        var slack: Float = 1
        if case .budget = pages.reading { slack = 0 }
        var sized = unsafe job
        let bytes = unsafe ck_attention_scratch(&sized, job.tokens)
        unsafe low.withUnsafeMutableBufferPointer { low in
            unsafe high.withUnsafeMutableBufferPointer { high in
                guard let low = low.baseAddress, let high = high.baseAddress else { return }
                pages.forEachKeys(layer: layer, coarse: isCoarse) { run in
                    unsafe withPages(of: run, job) { job in
                        let step = Self.pagesPerPiece
                        let pieces = (run.end - run.first + step - 1) / step
                        unsafe self.run(pieces * job.kv_heads, scratchBytes: bytes) { piece, scratch in
                            var job = unsafe job
                            let first = run.first + piece % pieces * step
                            unsafe ck_attention_bounds(
                                table, &job, isCoarse, slack, piece / pieces, first, min(first + step, run.end),
                                low + first * places, high + first * places, scratch)
                        }
                    }
                }
            }
        }
        return (low, high)
    }

    private func makeCoarseKeys(_ pages: any KVSparsePages, layer: Int, _ job: ck_attention) -> Bool {
        var sized = unsafe job
        let pageBytes = unsafe ck_coarse_bytes(&sized)
        let scratchBytes = unsafe ck_coarse_scratch(&sized)
        return unsafe pages.makeCoarseKeys(layer: layer, pageBytes: pageBytes) { run, memory in
            unsafe withPages(of: run, job) { job in
                let count = run.end - run.first
                unsafe self.run(count * job.kv_heads, scratchBytes: scratchBytes) { piece, scratch in
                    var job = unsafe job
                    unsafe ck_coarse_make(
                        table, &job, piece / count, run.first + piece % count, memory + piece % count * pageBytes,
                        scratch)
                }
            }
        }
    }
}
