import Documents
import Packing

/// What one window gave: sentences whose passages bear them out, and what was refused.
struct CheckedAnswer: Sendable {
    /// A sentence with its evidence.
    struct Sentence: Sendable {
        var text: String
        var evidence: [Evidence]
    }

    /// A passage that bears a sentence out.
    struct Evidence: Sendable {
        /// Where the passage stands.
        var segment: NumberedSegment
        /// The words to quote: UTF-8 range in the document's text.
        var quote: Range<Int>
        /// 0…1.
        var support: Double
    }

    /// In order.
    var sentences: [Sentence] = []
    /// In order.
    var rejected: [RejectedCitation] = []
    /// Whether the model itself said that there is nothing.
    var saidNotFound = false
    /// Whether the model came to an end by itself.
    var complete = true
    /// What the model thought, call by call.
    var thoughts: [String] = []
    /// JSON that satisfies the schema asked for, in place of sentences.
    var json: String?
    /// Tokens spent.
    var usage = TokenUsage()
}

/// Checks a model's text against the window that it was written from.
struct AnswerChecker {
    let corpus: [SegmentedDocument]
    let terms: CorpusTerms
    let citations: AskOptions.CitationMode

    /// Takes the text apart, finds evidence for each sentence and refuses those without.
    ///
    /// A mark of the model counts if its passage bears the sentence out. If none does, the passage of the window that
    /// does so best takes its place: small models are better at saying what they read than where.
    func check(
        _ text: String, complete: Bool, sentences limit: Int = .max, question: String, window: ContextWindow
    ) -> CheckedAnswer {
        var result = CheckedAnswer()
        result.complete = complete
        let trimmed = SourceQuote.oneLine(text)
        if trimmed.isEmpty || Self.saysNotFound(trimmed) {
            result.saidNotFound = true
            return result
        }
        let asked = Terms(question)
        let passages = window.segments.map { Terms($0.text) }
        for sentence in AnswerText(text, complete: complete).sentences.prefix(limit) {
            if Self.saysNotFound(sentence.text) { continue }
            check(sentence, asked: asked, window: window, passages: passages, into: &result)
        }
        if result.sentences.isEmpty, result.rejected.isEmpty { result.saidNotFound = true }
        return result
    }

    /// Whether a sentence is the agreed one, or one of the ways in which models put it.
    static func saysNotFound(_ sentence: String) -> Bool {
        let plain = sentence.lowercased()
        if plain.hasPrefix("not in the document") { return true }
        let denials = ["does not", "do not", "doesn't", "don't", "no information", "not mentioned", "not provided"]
        let sources = ["passage", "document", "text provided", "provided text", "information is not", "context"]
        return denials.contains { plain.contains($0) } && sources.contains { plain.contains($0) }
            && ["mention", "answer", "provide", "contain", "specify", "state", "information", "say"].contains {
                plain.contains($0)
            }
    }

    private func check(
        _ sentence: AnswerText.Sentence, asked: Terms, window: ContextWindow, passages: [Terms],
        into result: inout CheckedAnswer
    ) {
        let said = Terms(sentence.text)
        func verdict(_ numbers: [Int]) -> SupportJudge.Verdict {
            terms.judge.verdict(
                said, question: asked, passages: numbers.map { passages[$0 - 1] },
                context: numbers.compactMap { window.segment($0) }.flatMap { terms.context(of: $0, in: corpus) })
        }
        let marks = sentence.marks.filter { window.segment($0) != nil }
        guard citations != .off else {
            result.sentences.append(CheckedAnswer.Sentence(text: sentence.text, evidence: []))
            return
        }
        var chosen: [Int] = []
        let named = verdict(marks)
        if !marks.isEmpty, named.isSupported {
            // Marks that add nothing are dropped; the first one always stays.
            let single = marks.map { ($0, verdict([$0])) }
            let strongest = single.max { ($0.1.support, -$0.0) < ($1.1.support, -$1.0) }
            chosen = single.filter { $0.1.support >= 0.3 || $0.0 == strongest?.0 }.map(\.0)
            if let strongest, strongest.1.support >= named.support - 0.001, strongest.1.isSupported {
                chosen = single.filter { $0.1.isSupported }.map(\.0)
            }
        } else {
            // Best passage of the window: most support, then closest to the question, then the earlier.
            let ranked = window.segments.map { ($0.number, verdict([$0.number])) }.filter { $0.1.isSupported }
                .max {
                    ($0.1.support + $0.1.relevance, -$0.0) < ($1.1.support + $1.1.relevance, -$1.0)
                }
            for mark in marks {
                guard let segment = window.segment(mark) else { continue }
                result.rejected.append(
                    rejection(segment, said: said, asked: asked, sentence: sentence.text, reason: .unsupported))
            }
            if let ranked { chosen = [ranked.0] }
        }
        guard !chosen.isEmpty else {
            if marks.isEmpty {
                result.rejected.append(
                    RejectedCitation(quote: "", sentence: sentence.text, reason: .uncited))
            }
            if citations == .auto {
                result.sentences.append(CheckedAnswer.Sentence(text: sentence.text, evidence: []))
            }
            return
        }
        let evidence = chosen.compactMap { number -> CheckedAnswer.Evidence? in
            guard let segment = window.segment(number) else { return nil }
            return CheckedAnswer.Evidence(
                segment: segment, quote: quote(said, asked, segment), support: verdict([number]).support)
        }
        result.sentences.append(CheckedAnswer.Sentence(text: sentence.text, evidence: evidence))
    }

    /// The range of a passage to quote, in the document's text.
    private func quote(_ said: Terms, _ asked: Terms, _ segment: NumberedSegment) -> Range<Int> {
        let range = terms.judge.quote(for: said, question: asked, in: segment.text)
        let base = segment.span.textRange.lowerBound
        return base + range.lowerBound..<base + range.upperBound
    }

    func rejection(
        _ segment: NumberedSegment, said: Terms, asked: Terms, sentence: String, reason: RejectionReason
    ) -> RejectedCitation {
        var text = ""
        if let document = terms.documents[segment.span.sha256] {
            text = SourceQuote.oneLine(corpus[document].document.text(in: quote(said, asked, segment)))
        }
        return RejectedCitation(
            doc: segment.span.path, page: segment.span.page, quote: text, sentence: sentence, reason: reason)
    }
}
