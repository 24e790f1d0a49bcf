/// How the next token is chosen from the logits. Owns only the settings; `Sampler` acts on them.
package struct SamplingOptions: Sendable, Equatable {
    /// 0 takes the most likely token every time.
    package var temperature: Float
    /// Keeps the k most likely tokens; 0 keeps all.
    package var topK: Int
    /// Keeps the smallest set of tokens whose probability reaches this; 1 keeps all.
    package var topP: Float
    /// Drops tokens less likely than this share of the most likely one; 0 drops none.
    package var minP: Float
    /// The same seed, prompt and options give the same tokens.
    package var seed: UInt64

    /// Greedy unless told otherwise.
    package init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
    }

    /// Always the most likely token.
    package static let greedy = SamplingOptions()
}
