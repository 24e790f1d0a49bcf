package import Inference

/// The answer record `docproc.answer/1`: fields as PRODUCT.md section 4 shows them.
///
/// Everything here is a plain value. `run` and `seconds` are the program's to fill in.
package struct Answer: Sendable, Equatable, Codable {
    /// `docproc.answer/1`.
    package var schema: String = "docproc.answer/1"
    /// The run's identifier.
    package var run: String?
    /// The identifier of the question in a question file.
    package var id: String?
    /// The question as asked.
    package var question: String
    /// Whether there is an answer.
    package var status: AnswerStatus
    /// The answer with marks `[1]`, numbered in order of first use; a plain sentence when nothing was found.
    package var answer: String
    /// The strategy that was used.
    package var strategy: AskStrategy
    /// Checked quotes, in order of their marks.
    package var citations: [Citation]
    /// Quotes that were not found in the source, or passages that do not support the answer.
    package var rejected: [RejectedCitation]
    /// What was read.
    package var coverage: Coverage
    /// Tokens spent.
    package var usage: TokenUsage
    /// What the model thought before its answers, call by call; nil where it did not.
    package var thinking: [String]?
    /// Wall time.
    package var seconds: Double?
    /// The model that answered.
    package var model: AnswerModel
    /// Sentences a reader should know.
    package var warnings: [String]

    package init(
        question: String, status: AnswerStatus, answer: String, strategy: AskStrategy, citations: [Citation] = [],
        rejected: [RejectedCitation] = [], coverage: Coverage = Coverage(), usage: TokenUsage = TokenUsage(),
        model: AnswerModel, warnings: [String] = []
    ) {
        self.question = question
        self.status = status
        self.answer = answer
        self.strategy = strategy
        self.citations = citations
        self.rejected = rejected
        self.coverage = coverage
        self.usage = usage
        self.model = model
        self.warnings = warnings
    }
}

/// Whether there is an answer.
package enum AnswerStatus: String, Sendable, Codable, CaseIterable {
    /// Every sentence has a checked citation.
    case answered
    /// Some sentences had none and were left out, or the answer broke off.
    case partial
    /// The documents that were read do not say.
    case notFound = "not_found"
}

/// How documents are brought before the model.
package enum AskStrategy: String, Sendable, Codable, CaseIterable {
    /// `full` up to the model's reliable window, else `map`. Never `search`.
    case auto
    /// Everything in one window.
    case full
    /// Every window is read for evidence; the answer comes from the evidence.
    case map
    /// Only passages picked by keyword ranking are read.
    case search
}

/// A quote that code found in its source.
package struct Citation: Sendable, Equatable, Codable {
    /// The number of its mark in the answer, from 1.
    package var id: Int
    /// The document's path.
    package var doc: String
    /// The document's content hash.
    package var sha256: String
    /// 1-based page.
    package var page: Int
    /// The printed page label, where the file has one.
    package var pageLabel: String?
    /// The words of the source.
    package var quote: String
    /// What stands before it.
    package var prefix: String
    /// What stands behind it.
    package var suffix: String
    /// Start and end in bytes of the raw text.
    package var offset: [Int]
    /// Rectangles on the page, `[x0, y0, x1, y1]` in points from the top left corner.
    package var boxes: [[Double]]
    /// Path of the element, for HTML.
    package var element: String?
    /// How the quote was found.
    package var verified: QuoteMatch
    /// How well the quote bears out its sentence, 0…1.
    package var support: Double?
    /// Whether the text is invisible in the source.
    package var hidden: Bool

    enum CodingKeys: String, CodingKey {
        case id, doc, sha256, page
        case pageLabel = "page_label"
        case quote, prefix, suffix, offset, boxes, element, verified, support, hidden
    }

    package init(
        id: Int, doc: String, sha256: String, page: Int, pageLabel: String? = nil, quote: String, prefix: String,
        suffix: String, offset: [Int], boxes: [[Double]] = [], element: String? = nil, verified: QuoteMatch,
        support: Double? = nil, hidden: Bool = false
    ) {
        self.id = id
        self.doc = doc
        self.sha256 = sha256
        self.page = page
        self.pageLabel = pageLabel
        self.quote = quote
        self.prefix = prefix
        self.suffix = suffix
        self.offset = offset
        self.boxes = boxes
        self.element = element
        self.verified = verified
        self.support = support
        self.hidden = hidden
    }
}

/// How a quote was found in its source.
package enum QuoteMatch: String, Sendable, Codable, CaseIterable {
    /// Byte for byte.
    case exact
    /// After folding white space, hyphenation, ligatures, quotation marks, dashes or case.
    case normalized
    /// Not at all.
    case failed
}

/// Something that was not let through as a citation.
package struct RejectedCitation: Sendable, Equatable, Codable {
    /// The document, if the quote named one.
    package var doc: String?
    /// Its page.
    package var page: Int?
    /// The quote that was looked for.
    package var quote: String
    /// The sentence of the model that it stood behind.
    package var sentence: String
    /// Why it was refused.
    package var reason: RejectionReason

    package init(doc: String? = nil, page: Int? = nil, quote: String, sentence: String, reason: RejectionReason) {
        self.doc = doc
        self.page = page
        self.quote = quote
        self.sentence = sentence
        self.reason = reason
    }
}

/// Why a citation was refused.
package enum RejectionReason: String, Sendable, Codable {
    /// The quote does not stand in the source.
    case quoteNotFound = "quote_not_found"
    /// The sentence's terms or numbers do not stand in the passage.
    case unsupported
    /// The sentence named no passage and none bears it out.
    case uncited
    /// The passage does not speak about what was asked.
    case offQuestion = "off_question"
}

/// What was read, skipped and cut. Sums equal the input, always.
package struct Coverage: Sendable, Equatable, Codable {
    /// Files by outcome.
    package struct Files: Sendable, Equatable, Codable {
        /// Put before the model in full.
        package var read = 0
        /// Not put before the model, or only in part; see `reasons`.
        package var skipped = 0
        /// Gave no text.
        package var failed = 0
        package init() {}
    }
    /// Pages by outcome.
    package struct Pages: Sendable, Equatable, Codable {
        /// With at least one passage read.
        package var read = 0
        /// Without.
        package var skipped = 0
        package init() {}
    }
    /// Document tokens by outcome.
    package struct Tokens: Sendable, Equatable, Codable {
        /// Put before the model.
        package var read = 0
        /// Not put before the model, under `search`.
        package var skipped = 0
        /// Cut off: always 0, since a prompt is never cut to fit.
        package var cut = 0
        package init() {}
    }
    /// Files.
    package var files = Files()
    /// Pages.
    package var pages = Pages()
    /// Tokens.
    package var tokens = Tokens()
    /// Why files were skipped or failed, reason to number.
    package var reasons: [String: Int] = [:]
    /// A sentence for the reader where less than everything was read.
    package var note: String?

    package init() {}
}

/// Tokens spent on an answer.
package struct TokenUsage: Sendable, Equatable, Codable {
    /// Prompt tokens over all calls.
    package var inputTokens = 0
    /// Those of them that came out of the KV cache.
    package var cachedTokens = 0
    /// Tokens written.
    package var outputTokens = 0
    /// Tokens of thought among them, marks included.
    package var thinkingTokens = 0
    /// Tokens that were guessed ahead.
    package var draftedTokens = 0
    /// Those of them that were right.
    package var acceptedTokens = 0
    /// How they read keys and values; nil where no model was asked.
    package var keyValues: KeyValueUse?

    enum CodingKeys: String, CodingKey {
        case inputTokens = "input_tokens"
        case cachedTokens = "cached_tokens"
        case outputTokens = "output_tokens"
        case thinkingTokens = "thinking_tokens"
        case draftedTokens = "drafted_tokens"
        case acceptedTokens = "accepted_tokens"
        case keyValues = "kv_read"
    }

    package init() {}

    /// Counts that a record of an earlier version lacks are 0.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func count(_ key: CodingKeys) throws -> Int { try values.decodeIfPresent(Int.self, forKey: key) ?? 0 }
        inputTokens = try count(.inputTokens)
        cachedTokens = try count(.cachedTokens)
        outputTokens = try count(.outputTokens)
        thinkingTokens = try count(.thinkingTokens)
        draftedTokens = try count(.draftedTokens)
        acceptedTokens = try count(.acceptedTokens)
        keyValues = try values.decodeIfPresent(KeyValueUse.self, forKey: .keyValues)
    }

    /// Adds another call's tokens.
    package mutating func add(_ other: TokenUsage) {
        inputTokens += other.inputTokens
        cachedTokens += other.cachedTokens
        outputTokens += other.outputTokens
        thinkingTokens += other.thinkingTokens
        draftedTokens += other.draftedTokens
        acceptedTokens += other.acceptedTokens
        if var sum = keyValues, let more = other.keyValues {
            sum.add(more)
            keyValues = sum
        } else {
            keyValues = keyValues ?? other.keyValues
        }
    }
}

/// The model as a record names it.
package struct AnswerModel: Sendable, Hashable, Codable {
    /// Such as `qwen2.5-coder-1.5b-instruct`.
    package var name: String
    /// Such as `q4_k_m`.
    package var quant: String?
    /// Of the weights file.
    package var sha256: String?
    /// SPDX identifier or name.
    package var license: String?

    package init(name: String, quant: String? = nil, sha256: String? = nil, license: String? = nil) {
        self.name = name
        self.quant = quant
        self.sha256 = sha256
        self.license = license
    }
}
