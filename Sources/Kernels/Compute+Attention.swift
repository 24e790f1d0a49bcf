// Attention and the cache pages it reads.

import CKernels
import Tensors

extension Compute {
    /// Attention of consecutive queries over cached positions, grouped-query heads included.
    ///
    /// - Parameter out: `[tokens, heads, headDim]`
    /// - Precondition: all pages that a query sees are there.
    package func attention(_ request: AttentionRequest, into out: UnsafeMutablePointer<Float>) {
        unsafe attention([request], into: out)
    }

    /// The same for several sequences with the same heads, whose queries follow each other in memory. Pages that they
    /// share are read once for all of them.
    ///
    /// - Parameter out: `[tokens of all, heads, headDim]`
    package func attention(_ requests: [AttentionRequest], into out: UnsafeMutablePointer<Float>) {
        guard let first = requests.first else { return }
        let tokens = requests.reduce(0) { $0 + $1.tokens }
        guard tokens > 0 else { return }
        let cache = first.cache
        let end = requests.reduce(0) { max($0, $1.firstPosition + $1.tokens) }
        let running = unsafe attentionState.reserve(2 * tokens * first.heads * MemoryLayout<Float>.stride)
            .assumingMemoryBound(to: Float.self)
        let (window, chunk) = first.kind.bounds
        // Whatever is shared lies before all queries.
        let paged = cache.paged?.stream.end ?? 0
        let shared = first.kind == .full ? max(cache.shared?.end ?? 0, paged) : 0
        precondition(paged == 0 || first.kind == .full, "only layers that see everything page")
        var job = unsafe ck_attention(
            queries: first.queries, tokens: tokens, heads: first.heads, kv_heads: cache.kvHeads,
            head_dim: cache.headDim, scale: first.scale, window: window, chunk: chunk, first_position: shared,
            keys: nil, values: nil, page_tokens: cache.pageTokens, first_page: 0, kv_type: cache.type.code,
            rebuilt: first.rebuilding?.kernels(before: end) ?? ck_rebuilt_keys(), begin: 0, end: 0, is_first: false,
            is_last: false, running: running, out: out)
        let selected = paged > 0 ? selectable(cache, places: tokens * first.heads, tokens: tokens) : nil
        if selected == nil, let (stream, layer) = cache.paged, paged > 0 {
            stream.forEachRun(layer: layer) { run in
                let positions = run.first * cache.pageTokens..<run.end * cache.pageTokens
                unsafe attend(run, positions, isFirst: positions.lowerBound == 0, isLast: false, job)
            }
        }
        let all = unsafe job
        if let run = cache.shared?.run, shared > paged {
            unsafe attend(run, paged..<shared, isFirst: paged == 0 || selected != nil, isLast: false, job)
        }
        var row = 0
        for request in requests {
            let end = request.firstPosition + request.tokens
            let run = request.cache.run
            let lowest = max(request.kind.lowerBound(request.firstPosition), shared)
            precondition(
                run[lowest / cache.pageTokens] != nil && run[(end - 1) / cache.pageTokens] != nil, "visible pages")
            precondition(
                unsafe request.queries == first.queries + row * first.heads * cache.headDim, "queries in a row")
            unsafe job.queries = request.queries
            unsafe job.tokens = request.tokens
            unsafe job.first_position = request.firstPosition
            unsafe job.running = running + 2 * row * first.heads
            unsafe job.out = out + row * first.heads * cache.headDim
            let isFirst = shared == 0 || (selected != nil && shared == paged)
            unsafe attend(run, shared..<end, isFirst: isFirst, isLast: selected == nil, job)
            row += request.tokens
        }
        if let selected, let layer = cache.paged?.layer {
            unsafe attendSelected(selected, layer: layer, end: paged, all)
        }
    }

    /// One block of pages; the results of those before are in the job's `running` and `out`.
    func attend(_ run: KVPageRun, _ positions: Range<Int>, isFirst: Bool, isLast: Bool, _ job: ck_attention) {
        unsafe withPages(of: run, job) { job in
            var job = unsafe job
            unsafe job.begin = positions.lowerBound
            unsafe job.end = positions.upperBound
            unsafe job.is_first = isFirst
            unsafe job.is_last = isLast
            unsafe job.tokens >= 8 ? manyQueries(job) : fewQueries(job)
        }
    }

    /// The job with these pages, which are valid during the call.
    func withPages(of run: KVPageRun, _ job: ck_attention, _ body: (ck_attention) -> Void) {
        unsafe run.keys.withUnsafeBufferPointer { keys in
            unsafe run.values.withUnsafeBufferPointer { values in
                var job = unsafe job
                unsafe job.keys = keys.baseAddress
                unsafe job.values = values.baseAddress
                unsafe job.first_page = run.first
                unsafe body(job)
            }
        }
    }

    /// Prefill: a piece is one KV head and some queries. The last ones see most and go first.
    private func manyQueries(_ job: ck_attention) {
        // 32 queries times the heads of a KV head make enough rows to pay for converting a tile of keys and values, and
        // with their scores and outputs still fit the second-level cache (measured: 16 and 85 are slower).
        let queries = unsafe min(32, (job.tokens + 3) / 4)
        let tiles = unsafe (job.tokens + queries - 1) / queries
        var job = unsafe job
        let bytes = unsafe ck_attention_scratch(&job, queries)
        unsafe run(tiles * job.kv_heads, scratchBytes: bytes) { piece, scratch in
            var job = unsafe job
            let tile = unsafe tiles - 1 - piece / job.kv_heads
            let end = unsafe min((tile + 1) * queries, job.tokens)
            unsafe ck_attention_queries(table, &job, piece % job.kv_heads, tile * queries, end, scratch)
        }
    }

    /// Decode: a piece is one KV head and one span of positions; the spans are merged in order afterwards.
    private func fewQueries(_ job: ck_attention) {
        var job = unsafe job
        let span = CK_SPAN
        let firstSpan = unsafe max(ck_lower_bound(job.first_position, job.window, job.chunk), job.begin) / span
        let spans = unsafe (min(job.first_position + job.tokens, job.end) - 1) / span - firstSpan + 1
        let bytes = unsafe ck_attention_scratch(&job, job.tokens)
        if spans == 1 {
            unsafe run(job.kv_heads, scratchBytes: bytes) { head, scratch in
                var job = unsafe job
                unsafe ck_attention_queries(table, &job, head, 0, job.tokens, scratch)
            }
            return
        }
        let floats = unsafe ck_partial_floats(&job, job.tokens)
        let partials = unsafe shared.reserve(job.kv_heads * spans * floats * MemoryLayout<Float>.stride)
            .assumingMemoryBound(to: Float.self)
        unsafe run(job.kv_heads * spans, scratchBytes: bytes) { piece, scratch in
            var job = unsafe job
            unsafe ck_attention_span(
                table, &job, piece / spans, 0, job.tokens, firstSpan + piece % spans, partials + piece * floats, scratch
            )
        }
        unsafe run(job.kv_heads, scratchBytes: 0) { head, _ in
            var job = unsafe job
            unsafe ck_attention_merge(table, &job, head, 0, job.tokens, spans, partials + head * spans * floats)
        }
    }
}
