/// How the next token is chosen from the logits. Owns only the settings; `Sampler` acts on them.
///
/// Order: penalties, grammar, temperature, top-k, top-p, min-p.
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
    /// Divides positive logits of tokens that stand in prompt or output, and multiplies negative ones
    /// (Keskar et al., "CTRL", 2019); above 0, 1 changes nothing.
    package var repetitionPenalty: Float
    /// Taken from a token's logit for each time it stands in the output.
    package var frequencyPenalty: Float
    /// Taken once from the logit of each token that stands in the output.
    package var presencePenalty: Float
    /// The penalties look at so many of the last tokens; `nil` is all of them.
    package var penaltyWindow: Int?
    /// Ids that are never drawn.
    package var suppressed: Set<Int32>

    /// Greedy unless told otherwise.
    package init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0, seed: UInt64 = 0,
        repetitionPenalty: Float = 1, frequencyPenalty: Float = 0, presencePenalty: Float = 0,
        penaltyWindow: Int? = nil, suppressed: Set<Int32> = []
    ) {
        precondition(repetitionPenalty > 0 && (penaltyWindow ?? 0) >= 0, "penalties out of their range")
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
        self.repetitionPenalty = repetitionPenalty
        self.frequencyPenalty = frequencyPenalty
        self.presencePenalty = presencePenalty
        self.penaltyWindow = penaltyWindow
        self.suppressed = suppressed
    }

    /// Always the most likely token.
    package static let greedy = SamplingOptions()
}
