/// What a model with a context of some length will take: upper bounds, known before any weight is read.
///
/// Weights are mapped, not copied: their pages come and go. Those that every token needs are counted as if all of them
/// were resident, unless there is no room: then some layers are read again for every pass over the layers.
package struct MemoryPlan: Sendable, Equatable, Codable {
    /// Tokens that the cache is sized for.
    package var contextTokens: Int
    /// Weights in memory at a time.
    package var weightBytes: Int
    /// Weights that are read again for each prefill chunk and each token of the output; 0 where all have room.
    package var streamedBytes: Int
    /// Keys and values in memory: of `contextTokens` tokens, or of `residentTokens` where some have to be on disk.
    package var cacheBytes: Int
    /// Of layers that see everything, the positions whose keys and values are in memory at a time.
    package var residentTokens: Int
    /// Keys and values on disk that have no room in memory.
    package var pagedBytes: Int
    /// Activations of one prefill chunk, logits, tables, tokenizer.
    package var scratchBytes: Int
    /// What outputs that are written together may take beside, for what they do not share: as much as is left. Without
    /// it they take room that the cache does not use, or are written one by one.
    package var batchBytes: Int
    /// All that is needed.
    package var totalBytes: Int { weightBytes + cacheBytes + scratchBytes }

    package init(
        contextTokens: Int, weightBytes: Int, streamedBytes: Int = 0, cacheBytes: Int, residentTokens: Int? = nil,
        pagedBytes: Int = 0, scratchBytes: Int, batchBytes: Int = 0
    ) {
        self.batchBytes = batchBytes
        self.residentTokens = residentTokens ?? contextTokens
        self.pagedBytes = pagedBytes
        self.contextTokens = contextTokens
        self.weightBytes = weightBytes
        self.streamedBytes = streamedBytes
        self.cacheBytes = cacheBytes
        self.scratchBytes = scratchBytes
    }
}
