/// What a caller can set about an answer.
package struct AskOptions: Sendable, Hashable, Codable {
    /// How documents are brought before the model.
    package var strategy: AskStrategy
    /// Whether sentences need citations.
    package var citations: CitationMode
    /// Upper limit of a window in tokens, answer included; nil takes the model's reliable window.
    package var contextTokens: Int?
    /// Tokens of passages that `search` puts before the model; instructions, examples and answer come on top.
    package var searchTokens: Int
    /// Tokens that an answer may take.
    package var maxOutputTokens: Int
    /// 0 decodes greedily.
    package var temperature: Double
    /// Seed of the sampler; without meaning at temperature 0.
    package var seed: UInt64
    /// A JSON Schema that the answer satisfies, without citations then; nil for sentences.
    package var schema: String?
    /// Ask the model, for every citation, how well the quote bears out the sentence.
    package var checkSupport: Bool

    /// How citations are handled.
    package enum CitationMode: String, Sendable, Codable, CaseIterable {
        /// A sentence without a checked citation is left out.
        case required
        /// Sentences without one stay, and the status says `partial`.
        case auto
        /// No citations are asked for or added.
        case off
    }

    package init(
        strategy: AskStrategy = .auto, citations: CitationMode = .required, contextTokens: Int? = nil,
        searchTokens: Int = 1200, maxOutputTokens: Int = 160, temperature: Double = 0, seed: UInt64 = 0,
        schema: String? = nil, checkSupport: Bool = false
    ) {
        self.schema = schema
        self.strategy = strategy
        self.citations = citations
        self.contextTokens = contextTokens
        self.searchTokens = searchTokens
        self.maxOutputTokens = maxOutputTokens
        self.temperature = temperature
        self.seed = seed
        self.checkSupport = checkSupport
    }
}
