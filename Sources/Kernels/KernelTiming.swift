// How fast the arithmetic is by itself, on shapes like those of a model: what `docproc bench` and developers compare
// with the time of whole forward passes.

package import Tensors

/// Rates of single operations on this machine.
package struct KernelTiming {
    private let compute: Compute

    /// Uses the threads, level and numerics of `compute`.
    package init(_ compute: Compute) {
        self.compute = compute
    }

    /// Multiply-adds per second, in units of 10^9, of a weight matrix times some tokens: the best of a few runs.
    ///
    /// For one token the matrix is as large as given; make it larger than the caches to see the memory's limit.
    package func product(_ type: DataType, rows: Int, columns: Int, tokens: Int, runs: Int = 3) -> Double {
        guard let rowBytes = type.rowBytes(columns) else { preconditionFailure("columns are whole blocks") }
        // Small numbers in every format, whatever a byte means there.
        let weights = Buffer<UInt8>(count: rows * rowBytes)
        weights.fill(0x11)
        let x = Buffer<Float>(count: tokens * columns)
        x.fill(0.5)
        let y = Buffer<Float>(count: tokens * rows)
        let view = unsafe TensorView(
            name: "timing", type: type, shape: [columns, rows], bytes: weights.pointer, byteCount: weights.count)
        let seconds = shortest(runs) { unsafe compute.matmul(view, x.pointer, tokens: tokens, into: y.pointer) }
        return Double(rows) * Double(columns) * Double(tokens) / seconds * 1e-9
    }

    /// Multiply-adds per second, in units of 10^9, of attention: `tokens` queries at the end of `length` positions that
    /// see everything before them.
    package func attention(
        heads: Int, kvHeads: Int, headDim: Int, tokens: Int, length: Int, runs: Int = 3
    ) -> Double {
        precondition(tokens <= length && tokens > 0, "queries are among the positions")
        var cache = KVPages(run: KVPageRun(), pageTokens: 64, kvHeads: kvHeads, headDim: headDim, type: .f16)
        let pages = (length + 63) / 64
        let memory = Buffer<UInt8>(count: pages * cache.shape.bytes)
        for page in 0..<pages {
            let keys = unsafe UnsafeMutableRawPointer(memory.pointer) + page * cache.shape.bytes
            unsafe cache.run.append(KVPageView(keys: keys, values: keys + cache.shape.keyBytes))
        }
        let queries = Buffer<Float>(count: tokens * heads * headDim)
        queries.fill(0.1)
        let out = Buffer<Float>(count: queries.count)
        let request = unsafe AttentionRequest(
            queries: queries.pointer, tokens: tokens, heads: heads, scale: 0.1, kind: .full,
            firstPosition: length - tokens, cache: cache)
        let seconds = shortest(runs) { unsafe compute.attention(request, into: out.pointer) }
        let seen = Double(tokens) * (Double(length) - Double(tokens - 1) / 2)
        return 2 * seen * Double(heads * headDim) / seconds * 1e-9
    }

    /// Rates of the types that model files are mostly made of, on shapes like those of a model.
    package func weightTypes() -> [WeightTypeRate] {
        [DataType.q4_0, .q4_K, .q6_K, .q8_0, .f16].map { type in
            let columns = 1536, rows = (64 << 20) / (type.rowBytes(columns) ?? 1)  // more than caches hold
            let decode = product(type, rows: rows, columns: columns, tokens: 1, runs: 15)
            return WeightTypeRate(
                name: type.name, prefill: product(type, rows: columns, columns: columns, tokens: 512),
                decodeBytes: decode * Double(type.blockBytes) / Double(type.blockElements),
                usesIntegers: compute.numerics == .fast && type.blockElements > 1)
        }
    }
}

/// How fast products with one type of weights are.
package struct WeightTypeRate: Sendable, Equatable {
    /// As in `Q4_K`.
    package var name: String
    /// Multiply-adds per second, in units of 10^9, for 512 tokens.
    package var prefill: Double
    /// Bytes of weights per second, in units of 10^9, for one token.
    package var decodeBytes: Double
    /// Whether products are of integers; of floats otherwise.
    package var usesIntegers: Bool

    /// For values that were measured elsewhere.
    package init(name: String, prefill: Double, decodeBytes: Double, usesIntegers: Bool) {
        self.name = name
        self.prefill = prefill
        self.decodeBytes = decodeBytes
        self.usesIntegers = usesIntegers
    }
}
