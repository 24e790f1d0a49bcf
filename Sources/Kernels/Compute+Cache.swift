// Keys and values on their way into pages.

import CKernels

extension Compute {
    /// Rows that one piece of work stores at most.
    private static let storedRows = 16

    /// Writes keys and values of consecutive positions into their pages.
    ///
    /// - Parameters:
    ///   - keys, values: `[tokens, kvHeads, headDim]`; keys are not read where the cache has none.
    ///   - firstPosition: the position of token 0.
    /// - Precondition: the pages of all these positions are there.
    package func storeKV(
        keys: UnsafePointer<Float>, values: UnsafePointer<Float>, tokens: Int, firstPosition: Int, into cache: KVPages
    ) {
        guard tokens > 0 else { return }
        let width = cache.kvHeads * cache.headDim
        let (keyShape, valueShape) = (cache.shape.keyKernels, cache.shape.valueKernels)
        // Pieces end where pages do.
        let size = min(Self.storedRows, cache.pageTokens)
        let (first, last) = (firstPosition / size, (firstPosition + tokens - 1) / size)
        var bytes = 0
        unsafe withUnsafePointer(to: valueShape) { unsafe bytes = ck_kv_store_scratch($0) }
        unsafe run(last - first + 1, scratchBytes: bytes) { piece, scratch in
            let start = max((first + piece) * size, firstPosition)
            let count = min((first + piece + 1) * size, firstPosition + tokens) - start
            guard let page = cache.run[start / cache.pageTokens] else {
                preconditionFailure("no page for position \(start)")
            }
            let row = (start - firstPosition) * width
            var (keyShape, valueShape) = (keyShape, valueShape)
            let place = start % cache.pageTokens
            if cache.hasKeys { unsafe ck_kv_store_keys(table, &keyShape, keys + row, count, place, page.keys, scratch) }
            unsafe ck_kv_store_values(table, &valueShape, values + row, count, place, page.values, scratch)
        }
    }
}
