package import Inference

/// The record `docproc.summary/1`: one per document or corpus, appended as it finishes.
package struct SummaryRecord: Sendable, Equatable, Codable {
    /// `docproc.summary/1`.
    package var schema: String = "docproc.summary/1"
    /// The document's path; nil for a summary of the corpus.
    package var doc: String?
    /// The document's content hash; of a corpus, the hash over those of its documents.
    package var sha256: String
    /// Whether there is a summary.
    package var status: SummaryStatus
    /// The summary with marks `[1]` in order of first use.
    package var text: String
    /// Checked quotes, in order of their marks.
    package var citations: [Citation]
    /// What was not let through.
    package var rejected: [RejectedCitation]
    /// Pages of the document, or of all documents.
    package var pages: Int
    /// Prompt tokens over all calls.
    package var inputTokens: Int
    /// Tokens written.
    package var outputTokens: Int
    /// How they read keys and values; nil where no model was asked.
    package var keyValues: KeyValueUse?
    /// What the model thought, call by call; nil where it did not.
    package var thinking: [String]?
    /// Wall time; the program's to fill in.
    package var seconds: Double?
    /// Whether it was taken from an earlier run.
    package var cached: Bool
    /// What it depends on, hashed: an equal key means that nothing changed.
    package var key: String
    /// What was read.
    package var coverage: Coverage
    /// The model that wrote it.
    package var model: AnswerModel
    /// Sentences a reader should know; the cause, where `status` is `failed`.
    package var warnings: [String]

    enum CodingKeys: String, CodingKey {
        case schema, doc, sha256, status, text, citations, rejected, pages
        case inputTokens = "input_tokens"
        case outputTokens = "output_tokens"
        case keyValues = "kv_read"
        case thinking, seconds, cached, key, coverage, model, warnings
    }

    package init(
        doc: String?, sha256: String, status: SummaryStatus, text: String, citations: [Citation] = [],
        rejected: [RejectedCitation] = [], pages: Int = 0, inputTokens: Int = 0, outputTokens: Int = 0,
        cached: Bool = false, key: String, coverage: Coverage = Coverage(), model: AnswerModel,
        warnings: [String] = []
    ) {
        self.doc = doc
        self.sha256 = sha256
        self.status = status
        self.text = text
        self.citations = citations
        self.rejected = rejected
        self.pages = pages
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cached = cached
        self.key = key
        self.coverage = coverage
        self.model = model
        self.warnings = warnings
    }
}

/// Whether there is a summary.
package enum SummaryStatus: String, Sendable, Codable, CaseIterable {
    /// Every sentence has a checked citation.
    case ok
    /// Some sentences were left out.
    case partial
    /// The document has no text to summarize.
    case empty
    /// It could not be made.
    case failed
}

/// What a caller can set about summaries.
package struct SummaryOptions: Sendable, Hashable, Codable {
    /// One record per document, or one over all.
    package var per: Scope
    /// Length to aim at, in words.
    package var words: Int
    /// The user's own instruction, in place of ours; nil for none.
    package var prompt: String?
    /// Language to write in, as the user put it; nil keeps the document's.
    package var language: String?
    /// Whether sentences need citations.
    package var citations: AskOptions.CitationMode
    /// Upper limit of a window in tokens; nil takes the model's reliable window.
    package var contextTokens: Int?
    /// 0 decodes greedily.
    package var temperature: Double
    /// Seed of the sampler.
    package var seed: UInt64

    /// What one summary covers.
    package enum Scope: String, Sendable, Codable, CaseIterable { case document, corpus }

    package init(
        per: Scope = .document, words: Int = 150, prompt: String? = nil, language: String? = nil,
        citations: AskOptions.CitationMode = .required, contextTokens: Int? = nil, temperature: Double = 0,
        seed: UInt64 = 0
    ) {
        self.per = per
        self.words = words
        self.prompt = prompt
        self.language = language
        self.citations = citations
        self.contextTokens = contextTokens
        self.temperature = temperature
        self.seed = seed
    }
}
