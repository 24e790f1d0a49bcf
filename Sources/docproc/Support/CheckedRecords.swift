import Answering
import Pipeline

/// Answers and summaries as the check engine sees them.
extension CheckedRecord {
    /// From an answer.
    init(_ answer: Answer, id: String) {
        let status: Status =
            switch answer.status {
            case .answered: .answered
            case .partial: .partial
            case .notFound: .notFound
            }
        self.init(
            id: id, text: answer.answer, status: status, citations: answer.citations.map(CheckedCitation.init),
            rejected: answer.rejected.count { $0.reason == .quoteNotFound }, coverage: CheckedCoverage(answer.coverage),
            seconds: answer.seconds ?? 0)
    }

    /// From a summary.
    init(_ summary: SummaryRecord, id: String) {
        let status: Status =
            switch summary.status {
            case .ok: .answered
            case .partial: .partial
            case .empty: .notFound
            case .failed: .failed
            }
        self.init(
            id: id, text: summary.text, status: status, citations: summary.citations.map(CheckedCitation.init),
            rejected: summary.rejected.count { $0.reason == .quoteNotFound },
            coverage: CheckedCoverage(summary.coverage), seconds: summary.seconds ?? 0,
            failure: summary.status == .failed ? summary.warnings.first ?? "it failed" : nil)
    }
}

extension CheckedCitation {
    init(_ citation: Citation) {
        self.init(doc: citation.doc, page: citation.page, verified: citation.verified != .failed)
    }
}

extension CheckedCoverage {
    init(_ coverage: Coverage) {
        self.init(
            filesRead: coverage.files.read, filesSkipped: coverage.files.skipped, filesFailed: coverage.files.failed,
            pagesRead: coverage.pages.read, pagesSkipped: coverage.pages.skipped)
    }
}

/// How many questions of a file were answered as expected, those without an answer in the documents apart.
struct PassRates: Sendable, Equatable {
    /// Questions asked and passed.
    struct Count: Sendable, Equatable {
        var asked = 0
        var passed = 0

        /// `18/20 (90 %)`.
        var text: String { "\(passed)/\(asked) (\(Format.percent(passed, of: asked)))" }
    }

    var answerable = Count()
    var notFound = Count()

    /// Counts questions that expect something; one passes if all of its checks do.
    init(_ questions: [Pipeline.Question], results: [String: [CheckResult]]) {
        for question in questions where !question.expect.isEmpty {
            let passed = results[question.id]?.allSatisfy(\.passed) ?? false
            let absent = question.expect.contains { $0.rule == .notFound(true) }
            if absent {
                notFound.asked += 1
                notFound.passed += passed ? 1 : 0
            } else {
                answerable.asked += 1
                answerable.passed += passed ? 1 : 0
            }
        }
    }
}
