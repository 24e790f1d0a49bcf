/// What a model with a context of some length will take: upper bounds, known before any weight is read.
///
/// Weights are mapped, not copied: their pages come and go, and are counted as if all of them were resident.
package struct MemoryPlan: Sendable, Equatable, Codable {
    /// Tokens that the cache is sized for.
    package var contextTokens: Int
    /// Size of the model file.
    package var weightBytes: Int
    /// Keys and values of `contextTokens` tokens.
    package var cacheBytes: Int
    /// Activations of one prefill chunk, logits, tables, tokenizer.
    package var scratchBytes: Int
    package var totalBytes: Int { weightBytes + cacheBytes + scratchBytes }

    package init(contextTokens: Int, weightBytes: Int, cacheBytes: Int, scratchBytes: Int) {
        self.contextTokens = contextTokens
        self.weightBytes = weightBytes
        self.cacheBytes = cacheBytes
        self.scratchBytes = scratchBytes
    }
}
