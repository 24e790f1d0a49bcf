// What is asked of the engine and what it answers with: plain values, no behaviour.

package import Tokenization

/// A prompt and how to continue it.
package struct GenerationRequest: Sendable {
    /// Token ids, at least one, with every control token already in its place.
    package var prompt: [Int32]
    /// The most tokens that may be generated. Prompt and output together must fit the context.
    package var maxOutputTokens: Int
    package var sampling: SamplingOptions
    /// Tokens that end the output and are not part of it; `nil` takes the model's own.
    package var stopTokens: Set<Int32>?
    /// Restricts the output to a language; the output ends by itself where the grammar allows nothing more.
    package var grammar: Grammar?
    /// Where the model may think before it answers; `nil` never lets it. Grammars are about the answer alone.
    package var thinking: ThinkingOptions?
    /// The most tokens of the answer, thoughts not counted; `nil` leaves it to `maxOutputTokens`.
    package var maxAnswerTokens: Int?
    /// Asked about the answer so far whenever text was added to it; where it says so, the output ends.
    package var isEnough: (@Sendable (_ answer: String) -> Bool)?
    /// Tries several tokens at once where the text before suggests them. Changes what an output costs, never the
    /// output.
    package var speculation: Bool
    /// So many tokens of the prompt are worth keeping for later requests and processes, where the engine has a store.
    package var keptTokens: Int
    /// The documents in the kept tokens, by the SHA-256 of their content, each with the position from which on the
    /// prompt may depend on it, so that what is kept can be found again and removed; empty where they are not known.
    package var keptDocuments: [String: Int] = [:]

    package init(
        prompt: [Int32], maxOutputTokens: Int, sampling: SamplingOptions = .greedy, stopTokens: Set<Int32>? = nil,
        grammar: Grammar? = nil, thinking: ThinkingOptions? = nil, speculation: Bool = true, keptTokens: Int = 0
    ) {
        self.keptTokens = keptTokens
        self.prompt = prompt
        self.maxOutputTokens = maxOutputTokens
        self.sampling = sampling
        self.stopTokens = stopTokens
        self.grammar = grammar
        self.thinking = thinking
        self.speculation = speculation
    }
}

/// How a model may think.
package struct ThinkingOptions: Sendable, Equatable {
    /// From the chat template.
    package var markers: ThinkingMarkers
    /// The prompt ends inside a thought.
    package var isOpen: Bool
    /// After so many tokens of thought the closing mark is put in its place; `nil` is without limit.
    package var budget: Int?

    package init(markers: ThinkingMarkers, isOpen: Bool = false, budget: Int? = nil) {
        self.markers = markers
        self.isOpen = isOpen
        self.budget = budget
    }
}

/// What a token of an output belongs to.
package enum OutputChannel: String, Sendable, Equatable, Codable {
    case answer, thinking
}

/// What happens while a request runs, in order: prefill steps, tokens, one `finished`.
package enum GenerationEvent: Sendable, Equatable {
    /// `done` of `total` prompt tokens are in the cache, `cached` of them were there before.
    case prefill(done: Int, total: Int, cached: Int)
    /// One generated token. `text` is what became complete UTF-8 with it, often empty inside a character.
    /// `logProbability` is the model's own, at temperature 1 and before any grammar. The marks around a thought are
    /// tokens of the thought without text.
    case token(id: Int32, text: String, logProbability: Float, channel: OutputChannel)
    case finished(FinishReason, Usage)
}

/// Why an output ended.
package enum FinishReason: String, Sendable, Equatable, Codable {
    /// The model produced a stop token.
    case stop
    /// `maxOutputTokens` or `maxAnswerTokens` was reached.
    case length
    /// The request had enough.
    case enough
    /// The grammar is complete and allows nothing more.
    case grammar
}

/// What a request cost.
package struct Usage: Sendable, Equatable, Codable {
    package var promptTokens: Int
    /// Prompt tokens whose keys and values were reused.
    package var cachedTokens: Int
    package var outputTokens: Int
    /// Tokens of thought among them, marks not counted.
    package var thinkingTokens = 0
    package var prefillSeconds: Double
    package var decodeSeconds: Double
    /// Tokens that were guessed, and those among them that became output.
    package var draftedTokens: Int
    package var acceptedTokens: Int

    package init(
        promptTokens: Int, cachedTokens: Int, outputTokens: Int, prefillSeconds: Double, decodeSeconds: Double,
        draftedTokens: Int = 0, acceptedTokens: Int = 0
    ) {
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
        self.outputTokens = outputTokens
        self.prefillSeconds = prefillSeconds
        self.decodeSeconds = decodeSeconds
        self.draftedTokens = draftedTokens
        self.acceptedTokens = acceptedTokens
    }
}

/// How likely the model holds one continuation of a prompt.
package struct ScoredContinuation: Sendable, Equatable {
    /// Natural logarithm of each token's probability given everything before it.
    package var tokenLogProbabilities: [Float]
    /// Their sum: the log-probability of the whole continuation.
    package var logProbability: Float { tokenLogProbabilities.reduce(0, +) }

    package init(tokenLogProbabilities: [Float]) {
        self.tokenLogProbabilities = tokenLogProbabilities
    }
}
