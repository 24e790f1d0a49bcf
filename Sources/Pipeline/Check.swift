// The checks of a pipeline as values, and what they are applied to. How each is decided is in `CheckEngine`.

/// One check with the place that asked for it.
package struct Check: Sendable, Equatable {
    /// What must hold.
    package var rule: CheckRule
    /// Line of the check in its file.
    package var line: Int

    /// Joins a rule and its line.
    package init(_ rule: CheckRule, line: Int = 0) {
        self.rule = rule
        self.line = line
    }
}

/// What one answer or summary must be like.
package enum CheckRule: Sendable, Equatable {
    case contains(String)
    case containsAny([String])
    case notContains([String])
    case regex(String)
    case equals(String)
    case number(value: Double, tolerance: Double)
    case notFound(Bool)
    case cites(doc: String, pages: PageSelection?)
    case citations(min: Int, verified: VerifiedCount?)
    case coverage(CoverageFloor)
    case minWords(Int)
    case maxWords(Int)
    case secondsPerQuestion(max: Double)

    /// The check's key in the file.
    package var name: String {
        switch self {
        case .contains: "contains"
        case .containsAny: "contains_any"
        case .notContains: "not_contains"
        case .regex: "regex"
        case .equals: "equals"
        case .number: "number"
        case .notFound: "not_found"
        case .cites: "cites"
        case .citations: "citations"
        case .coverage: "coverage"
        case .minWords: "min_words"
        case .maxWords: "max_words"
        case .secondsPerQuestion: "seconds_per_question"
        }
    }
}

/// How many citations must be verified.
package enum VerifiedCount: Sendable, Equatable {
    case all
    case atLeast(Int)
}

/// Least shares that must have been read; 1 is everything.
package struct CoverageFloor: Sendable, Equatable {
    /// Share of documents.
    package var documents: Double?
    /// Share of pages.
    package var pages: Double?

    /// Sets the floors.
    package init(documents: Double? = nil, pages: Double? = nil) {
        self.documents = documents
        self.pages = pages
    }
}

/// What a whole step must be like.
package struct StepCheck: Sendable, Equatable {
    /// What must hold.
    package var rule: StepRule
    /// Line of the check in its file.
    package var line: Int
}

/// The checks under `assert:`.
package enum StepRule: Sendable, Equatable {
    case each(CheckRule)
    case coverage(CoverageFloor)
    case passRate(min: Double)
    case failures(max: FailureLimit)
    case baseline(file: String, allowDrop: Double)
    case tokensPerSecond(min: Double)
    case peakMemory(max: Int)
    case secondsPerQuestion(max: Double)

    /// The check's key in the file.
    package var name: String {
        switch self {
        case .each(let rule): rule.name
        case .coverage: "coverage"
        case .passRate: "pass_rate"
        case .failures: "failures"
        case .baseline: "baseline"
        case .tokensPerSecond: "tokens_per_second"
        case .peakMemory: "peak_memory"
        case .secondsPerQuestion: "seconds_per_question"
        }
    }
}

/// A number of records or a share of them.
package enum FailureLimit: Sendable, Equatable {
    case count(Int)
    case share(Double)
}

/// An answer or a summary as the checks see it.
package struct CheckedRecord: Sendable, Equatable {
    /// Question id or document path.
    package var id: String
    /// The answer's or summary's text, with or without markers such as `[1]`.
    package var text: String
    /// How it ended.
    package var status: Status
    /// Its printed citations.
    package var citations: [CheckedCitation]
    /// Citations that code could not find in the source.
    package var rejected: Int
    /// What was read for it; nil when only the step knows.
    package var coverage: CheckedCoverage?
    /// Wall time.
    package var seconds: Double
    /// Why it failed, for `status == .failed`.
    package var failure: String?

    /// How a record ended. A summary that worked is `answered`.
    package enum Status: String, Sendable, Equatable {
        case answered, partial
        case notFound = "not_found"
        case failed
    }

    /// Describes a record.
    package init(
        id: String, text: String, status: Status, citations: [CheckedCitation] = [], rejected: Int = 0,
        coverage: CheckedCoverage? = nil, seconds: Double = 0, failure: String? = nil
    ) {
        self.id = id
        self.text = text
        self.status = status
        self.citations = citations
        self.rejected = rejected
        self.coverage = coverage
        self.seconds = seconds
        self.failure = failure
    }
}

/// A citation as the checks see it.
package struct CheckedCitation: Sendable, Equatable {
    /// The document's path as shown to the user.
    package var doc: String
    /// 1-based page.
    package var page: Int
    /// Whether the quote was found in the source (`exact` or `normalized`).
    package var verified: Bool

    /// Describes a citation.
    package init(doc: String, page: Int, verified: Bool) {
        self.doc = doc
        self.page = page
        self.verified = verified
    }
}

/// What was read, as the checks see it.
package struct CheckedCoverage: Sendable, Equatable {
    /// Files by fate.
    package var filesRead = 0, filesSkipped = 0, filesFailed = 0
    /// Pages by fate.
    package var pagesRead = 0, pagesSkipped = 0

    /// Counts nothing yet.
    package init(
        filesRead: Int = 0, filesSkipped: Int = 0, filesFailed: Int = 0, pagesRead: Int = 0, pagesSkipped: Int = 0
    ) {
        self.filesRead = filesRead
        self.filesSkipped = filesSkipped
        self.filesFailed = filesFailed
        self.pagesRead = pagesRead
        self.pagesSkipped = pagesSkipped
    }
}

/// How a check ended.
package struct CheckResult: Sendable, Equatable {
    /// The check's key in the file.
    package var name: String
    /// The step, empty outside a pipeline.
    package var step: String
    /// The record; nil for a check of the whole step.
    package var record: String?
    /// Whether it held.
    package var passed: Bool
    /// One sentence with what was expected and what was found.
    package var message: String
    /// The file that asked for it.
    package var file: String
    /// The line that asked for it; 0 if unknown.
    package var line: Int
}
