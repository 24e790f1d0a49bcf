// Decides checks of single answers and summaries.

/// Applies checks to records. Pure: no files, no clocks.
package enum CheckEngine {
    /// The results of a question's `expect`, in order. An answer that failed fails every check.
    package static func results(
        of question: Question, for record: CheckedRecord, step: String = ""
    ) -> [CheckResult] {
        question.expect.map { check in
            result(
                check.rule, record, step: step, file: question.file, line: check.line == 0 ? question.line : check.line)
        }
    }

    /// The result of one check.
    package static func result(
        _ rule: CheckRule, _ record: CheckedRecord, step: String = "", file: String = "", line: Int = 0
    ) -> CheckResult {
        let (passed, message) =
            record.status == .failed
            ? (false, "no answer to check: \(record.failure ?? "it failed")") : verdict(rule, record)
        return CheckResult(
            name: rule.name, step: step, record: record.id, passed: passed, message: message, file: file, line: line)
    }

    private static func verdict(_ rule: CheckRule, _ record: CheckedRecord) -> (Bool, String) {
        let text = record.text
        let found = "found \"\(AnswerText.excerpt(text))\""
        switch rule {
        case .contains(let piece):
            return (AnswerText.contains(text, piece), "expected \"\(piece)\", \(found)")
        case .containsAny(let pieces):
            return (
                pieces.contains { AnswerText.contains(text, $0) },
                "expected one of \(pieces.map { "\"\($0)\"" }.joined(separator: ", ")), \(found)"
            )
        case .notContains(let pieces):
            let present = pieces.filter { AnswerText.contains(text, $0) }
            let names = (present.isEmpty ? pieces : present).map { "\"\($0)\"" }.joined(separator: ", ")
            return (present.isEmpty, "expected no \(names), \(found)")
        case .regex(let pattern):
            return (
                PatternRules.matches(pattern, AnswerText.withoutMarkers(text)),
                "expected a match of /\(pattern)/, \(found)"
            )
        case .equals(let whole):
            return (AnswerText.folded(text) == AnswerText.folded(whole), "expected \"\(whole)\", \(found)")
        case .number(let value, let tolerance): return number(value, tolerance, text)
        case .notFound(let expected):
            let wanted = expected ? "not_found" : "an answer"
            return (
                (record.status == .notFound) == expected, "expected \(wanted), found status \(record.status.rawValue)"
            )
        case .cites(let doc, let pages): return cites(doc, pages, record)
        case .citations(let min, let verified): return citations(min, verified, record)
        case .coverage(let floor):
            guard let coverage = record.coverage else { return (false, "expected coverage, found none recorded") }
            return self.coverage(floor, coverage)
        case .minWords(let least):
            let count = AnswerText.wordCount(text)
            return (count >= least, "expected at least \(least) words, found \(count)")
        case .maxWords(let most):
            let count = AnswerText.wordCount(text)
            return (count <= most, "expected at most \(most) words, found \(count)")
        case .secondsPerQuestion(let most):
            return (
                record.seconds <= most,
                "expected at most \(Shape.short(most)) s, found \(Shape.short((record.seconds * 10).rounded() / 10)) s"
            )
        }
    }

    private static func number(_ value: Double, _ tolerance: Double, _ text: String) -> (Bool, String) {
        let numbers = NumberFinder.numbers(in: text)
        // Room for the rounding of decimal fractions.
        let room = tolerance + 1e-9 * max(1, abs(value))
        let passed = numbers.contains { abs($0 - value) <= room }
        let wanted = Shape.short(value) + (tolerance > 0 ? " ± \(Shape.short(tolerance))" : "")
        let found = numbers.isEmpty ? "no number" : numbers.prefix(8).map(Shape.short).joined(separator: ", ")
        return (passed, "expected the number \(wanted), found \(found)")
    }

    private static func cites(_ doc: String, _ pages: PageSelection?, _ record: CheckedRecord) -> (Bool, String) {
        let passed = record.citations.contains { citation in
            citation.verified && matches(citation.doc, doc) && (pages?.contains(citation.page) ?? true)
        }
        let wanted = doc + (pages.map { " p. \($0.text)" } ?? "")
        let cited = record.citations.map { "\($0.doc) p. \($0.page)\($0.verified ? "" : " (not verified)")" }
        return (
            passed,
            "expected a citation of \(wanted), found \(cited.isEmpty ? "none" : cited.prefix(8).joined(separator: "; "))"
        )
    }

    /// Whether a document's path is the one meant, or ends in it at a folder's border: pipelines are run from
    /// different folders.
    private static func matches(_ path: String, _ wanted: String) -> Bool {
        let wanted = wanted.hasPrefix("./") ? String(wanted.dropFirst(2)) : wanted
        return path == wanted || path.hasSuffix("/" + wanted)
    }

    private static func citations(
        _ min: Int, _ verified: VerifiedCount?, _ record: CheckedRecord
    ) -> (Bool, String) {
        let count = record.citations.count
        let good = record.citations.count { $0.verified }
        let found = "found \(count), \(good) verified, \(record.rejected) rejected"
        switch verified {
        case .all:
            return (
                count >= min && good == count && record.rejected == 0,
                "expected at least \(min) citations, all verified, \(found)"
            )
        case .atLeast(let least):
            return (
                count >= min && good >= least, "expected at least \(min) citations, \(least) verified, \(found)"
            )
        case nil: return (count >= min, "expected at least \(min) citations, \(found)")
        }
    }

    static func coverage(_ floor: CoverageFloor, _ coverage: CheckedCoverage) -> (Bool, String) {
        var passed = true
        var messages: [String] = []
        func check(_ least: Double?, _ read: Int, of all: Int, _ what: String) {
            guard let least else { return }
            // Nothing at all is no coverage, whatever the share would be.
            let holds = all > 0 && Double(read) >= least * Double(all) - 1e-9
            passed = passed && holds
            messages.append("expected \(percent(least)) of \(what), found \(read) of \(all)")
        }
        check(
            floor.documents, coverage.filesRead, of: coverage.filesRead + coverage.filesSkipped + coverage.filesFailed,
            "documents")
        check(floor.pages, coverage.pagesRead, of: coverage.pagesRead + coverage.pagesSkipped, "pages")
        return (passed, messages.joined(separator: "; "))
    }

    static func percent(_ share: Double) -> String {
        Shape.short((share * 1000).rounded() / 10) + " %"
    }
}
