// Attention and the cache pages it reads.

import CKernels
import Tensors

extension Compute {
    /// Attention of consecutive queries over cached positions, grouped-query heads included.
    ///
    /// - Parameter out: `[tokens, heads, headDim]`
    /// - Precondition: all pages that a query sees are there.
    package func attention(_ request: AttentionRequest, into out: UnsafeMutablePointer<Float>) {
        let cache = request.cache
        guard request.tokens > 0 else { return }
        let (first, end) = (request.firstPosition, request.firstPosition + request.tokens)
        let paged = cache.paged?.stream.end ?? 0
        let visible = max(request.kind.lowerBound(first), paged) / cache.pageTokens...(end - 1) / cache.pageTokens
        precondition(cache.run[visible.lowerBound] != nil && cache.run[visible.upperBound] != nil, "visible pages")
        precondition(paged == 0 || request.kind == .full, "only layers that see everything page")
        let running = unsafe attentionState.reserve(2 * request.tokens * request.heads * MemoryLayout<Float>.stride)
            .assumingMemoryBound(to: Float.self)
        let (window, chunk) = request.kind.bounds
        let job = unsafe ck_attention(
            queries: request.queries, tokens: request.tokens, heads: request.heads, kv_heads: cache.kvHeads,
            head_dim: cache.headDim, scale: request.scale, window: window, chunk: chunk, first_position: first,
            keys: nil, values: nil, page_tokens: cache.pageTokens, first_page: 0, kv_type: cache.type.code,
            rebuilt: request.rebuilding?.kernels(before: end) ?? ck_rebuilt_keys(), begin: 0, end: 0, is_first: false,
            is_last: false, running: running, out: out)
        if let (stream, layer) = cache.paged, paged > 0 {
            stream.forEachRun(layer: layer) { run in
                let positions = run.first * cache.pageTokens..<run.end * cache.pageTokens
                unsafe attend(run, positions, isFirst: positions.lowerBound == 0, isLast: false, job)
            }
        }
        unsafe attend(cache.run, paged..<end, isFirst: paged == 0, isLast: true, job)
    }

    /// One block of pages; the results of those before are in the job's `running` and `out`.
    private func attend(_ run: KVPageRun, _ positions: Range<Int>, isFirst: Bool, isLast: Bool, _ job: ck_attention) {
        unsafe run.keys.withUnsafeBufferPointer { keys in
            unsafe run.values.withUnsafeBufferPointer { values in
                var job = unsafe job
                unsafe job.keys = keys.baseAddress
                unsafe job.values = values.baseAddress
                unsafe job.first_page = run.first
                unsafe job.begin = positions.lowerBound
                unsafe job.end = positions.upperBound
                unsafe job.is_first = isFirst
                unsafe job.is_last = isLast
                unsafe job.tokens >= 8 ? manyQueries(job) : fewQueries(job)
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
