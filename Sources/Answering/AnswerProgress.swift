/// What happens while an answer is made, in order; the program renders it.
package enum AnswerProgress: Sendable, Equatable {
    /// Before anything is computed.
    case planned(AskPlan)
    /// Several questions are put to the model together; each begins by itself once all have been written about.
    case questionsStarted(Range<Int>, count: Int)
    /// A question begins, or what was written about it is checked; `index` counts from 0.
    case questionStarted(index: Int, count: Int, question: Question)
    /// A model call over a window begins. `of` is the number of windows known so far.
    case windowStarted(index: Int, of: Int, tokens: Int)
    /// Prompt tokens done, of all, and those that came out of the cache.
    case prefill(window: Int, done: Int, total: Int, cached: Int)
    /// What a model thinks before it answers, as it comes; never part of an answer.
    case thought(String)
    /// Checked quotes taken from a window under `map`.
    case evidence(window: Int, quotes: Int)
    /// A sentence of the answer, its marks renumbered and its quotes checked, with the citations that are new in it.
    case sentence(text: String, newCitations: [Citation])
    /// A sentence or citation that was not let through.
    case rejected(RejectedCitation)
    /// Something the reader should know.
    case warning(String)
}

/// What will be done, exact in tokens.
package struct AskPlan: Sendable, Equatable, Codable {
    /// The strategy, never `auto`.
    package var strategy: AskStrategy
    /// Prompt tokens of each window for the longest question.
    package var windows: [Int]
    /// Tokens of a window, answer included.
    package var windowLimit: Int
    /// Tokens kept for the answer.
    package var answerReserve: Int
    /// Tokens that documents have in all windows together.
    package var documentTokens: Int
    /// Prompt tokens over all questions, first answers and evidence steps included where they are known beforehand.
    package var inputTokens: Int
    /// Files and pages that will be read or not.
    package var coverage: Coverage

    package init(
        strategy: AskStrategy, windows: [Int], windowLimit: Int, answerReserve: Int, documentTokens: Int,
        inputTokens: Int, coverage: Coverage
    ) {
        self.strategy = strategy
        self.windows = windows
        self.windowLimit = windowLimit
        self.answerReserve = answerReserve
        self.documentTokens = documentTokens
        self.inputTokens = inputTokens
        self.coverage = coverage
    }
}
