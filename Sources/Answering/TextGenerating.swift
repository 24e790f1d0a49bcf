package import Packing

/// What answering needs of a language model. `EngineGenerator` is the real one; tests have a scripted one.
package protocol TextGenerating: Sendable {
    /// The model as records name it.
    var model: AnswerModel { get }
    /// Its tokenizer.
    var tokenizer: any PromptTokenizing { get }
    /// How prompts are dressed for it.
    var dialect: PromptDialect { get }
    /// The same for answers without a thought, whose probabilities are asked for.
    var directDialect: PromptDialect { get }
    /// The most tokens that a thought before the answer takes; 0 where there is none.
    var thoughtTokens: Int { get }
    /// Tokens that it accepts, prompt and answer together.
    var contextLength: Int { get }
    /// Tokens up to which it still finds what it is asked for.
    var reliableWindow: Int { get }
    /// What its local layers see.
    var view: LocalView { get }
    /// Continues a prompt under a shape, reporting prefill and text as they come.
    func generate(
        _ request: TextRequest, progress: @escaping @Sendable (TextProgress) -> Void
    ) async throws -> GeneratedText
    /// The same for several requests, at once where that is faster: each text is what it would be alone. Progress tells
    /// whose it is.
    func generate(
        _ requests: [TextRequest], progress: @escaping @Sendable (Int, TextProgress) -> Void
    ) async throws -> [GeneratedText]
    /// So many requests over one window are worth giving at once.
    var together: Int { get }
    /// Log-probabilities of continuations of one prompt, each summed over its tokens.
    func score(prompt: [Int32], continuations: [[Int32]]) async throws -> [Double]
}

extension TextGenerating {
    package var directDialect: PromptDialect { dialect }
    package var thoughtTokens: Int { 0 }
    package var together: Int { 16 }
    package var view: LocalView { LocalView() }

    package func generate(
        _ requests: [TextRequest], progress: @escaping @Sendable (Int, TextProgress) -> Void
    ) async throws -> [GeneratedText] {
        try await oneByOne(requests, progress: progress)
    }

    /// Each request by itself, in order.
    func oneByOne(
        _ requests: [TextRequest], progress: @escaping @Sendable (Int, TextProgress) -> Void
    ) async throws -> [GeneratedText] {
        var texts: [GeneratedText] = []
        for (index, request) in requests.enumerated() {
            texts.append(try await generate(request) { progress(index, $0) })
        }
        return texts
    }
}

/// A call to a model.
package struct TextRequest: Sendable, Equatable {
    /// The whole prompt.
    package var prompt: [Int32]
    /// Upper limit of what may be written, thoughts not counted.
    package var maxOutputTokens: Int
    /// What may be written; nil leaves it free.
    package var shape: AnswerShape?
    /// A JSON Schema that what is written satisfies, in place of a shape.
    package var schema: String?
    /// 0 decodes greedily.
    package var temperature: Double
    /// Seed of the sampler.
    package var seed: UInt64

    /// Writing ends after this many sentences; nil for no limit.
    package var sentences: Int?
    /// So many tokens of the prompt are those of other questions too.
    package var sharedTokens: Int
    /// The documents in those tokens: the first token that may depend on each, by the SHA-256 of its content.
    package var documents: [String: Int] = [:]

    package init(
        prompt: [Int32], maxOutputTokens: Int, shape: AnswerShape?, schema: String? = nil, temperature: Double = 0,
        seed: UInt64 = 0, sentences: Int? = nil, sharedTokens: Int = 0
    ) {
        self.sharedTokens = sharedTokens
        self.schema = schema
        self.sentences = sentences
        self.prompt = prompt
        self.maxOutputTokens = maxOutputTokens
        self.shape = shape
        self.temperature = temperature
        self.seed = seed
    }
}

/// What a call reports while it runs.
package enum TextProgress: Sendable, Equatable {
    /// Prompt tokens done, of all, and those that came out of the cache.
    case prefill(done: Int, total: Int, cached: Int)
    /// Complete characters written since the last report.
    case text(String)
    /// The same of a thought, which is no part of the text.
    case thought(String)
}

/// What a call wrote.
package struct GeneratedText: Sendable, Equatable {
    /// The text.
    package var text: String
    /// What the model thought before it.
    package var thought: String
    /// Whether it ended by itself, and not at the limit of tokens.
    package var complete: Bool
    /// Mean log-probability of a token; 0 when nothing was written.
    package var meanLogProbability: Double
    /// Tokens spent.
    package var usage: TokenUsage

    package init(
        text: String, thought: String = "", complete: Bool, meanLogProbability: Double, usage: TokenUsage
    ) {
        self.text = text
        self.thought = thought
        self.complete = complete
        self.meanLogProbability = meanLogProbability
        self.usage = usage
    }
}
