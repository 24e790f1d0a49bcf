package import Inference

/// What the model said to one question.
package struct RecallAnswer: Sendable, Equatable {
    package var question: RecallQuestion
    package var tokens: [Int32]
    /// Of keys with two values: how much more attention the one got than the other. One half is right.
    package var balance: Double?

    /// How far the balance may be off.
    package static let balanceTolerance = 0.02

    package var isRight: Bool {
        tokens == question.expected && abs((balance ?? 0.5) - 0.5) <= Self.balanceTolerance
    }
}

/// What a run found and what it took.
package struct RecallReport: Sendable, Equatable {
    /// Tokens of the context.
    package var tokens: Int
    package var answers: [RecallAnswer]
    /// Tokens of the context that were stored by an earlier run.
    package var cachedTokens: Int
    /// Seconds until the context was read.
    package var prefillSeconds: Double
    /// Seconds of all questions together.
    package var questionSeconds: Double
    /// Where keys and values are after it.
    package var keyValues: KeyValueCounts
    /// Nil where all of them were in memory.
    package var reads: RecallReads?
    /// Most resident bytes of this process.
    package var peakMemory: Int?

    package var found: Int { answers.count { $0.isRight } }

    /// Tokens read per second; nil where all of them were stored.
    package var prefillRate: Double? {
        let read = tokens - cachedTokens
        return read > 0 && prefillSeconds > 0 ? Double(read) / prefillSeconds : nil
    }
}
