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
        let (first, last) = (request.firstPosition, request.firstPosition + request.tokens - 1)
        let visible = request.kind.lowerBound(first) / cache.pageTokens...last / cache.pageTokens
        precondition(
            visible.upperBound < cache.pages.count && visible.allSatisfy { cache.pages[$0] != nil }, "visible pages")
        let keys: [UnsafeRawPointer?] = unsafe cache.pages.map { unsafe $0.map { unsafe UnsafeRawPointer($0.keys) } }
        let values: [UnsafeRawPointer?] = unsafe cache.pages.map {
            unsafe $0.map { unsafe UnsafeRawPointer($0.values) }
        }
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe values.withUnsafeBufferPointer { values in
                let (window, chunk) = request.kind.bounds
                let job = unsafe ck_attention(
                    queries: request.queries, tokens: request.tokens, heads: request.heads, kv_heads: cache.kvHeads,
                    head_dim: cache.headDim, scale: request.scale, window: window, chunk: chunk, first_position: first,
                    keys: keys.baseAddress, values: values.baseAddress, page_tokens: cache.pageTokens,
                    kv_type: cache.type.code, out: out)
                unsafe request.tokens >= 8 ? manyQueries(job) : fewQueries(job)
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
        let firstSpan = unsafe ck_lower_bound(job.first_position, job.window, job.chunk) / span
        let spans = unsafe (job.first_position + job.tokens - 1) / span - firstSpan + 1
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
        unsafe run(job.kv_heads, scratchBytes: bytes) { head, scratch in
            var job = unsafe job
            unsafe ck_attention_merge(
                table, &job, head, 0, job.tokens, spans, partials + head * spans * floats, scratch)
        }
    }
}
