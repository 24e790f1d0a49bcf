import Documents
import Packing

/// Numbers citations [1], [2] … in order of first use, one for each quote, and checks each against its source.
struct CitationNumbering {
    private let documents: [String: Document]
    private var numbers: [Place: Int] = [:]
    /// Citations so far, in order of their numbers.
    private(set) var citations: [Citation] = []
    /// Quotes that did not stand in their source after all.
    private(set) var rejected: [RejectedCitation] = []

    private struct Place: Hashable {
        var sha256: String
        var path: String
        var range: Range<Int>
    }

    init(_ corpus: [SegmentedDocument]) {
        documents = Dictionary(corpus.map { ($0.document.sha256, $0.document) }) { first, _ in first }
    }

    /// A sentence with its marks, and the citations that are new in it; nil when none of its quotes held.
    mutating func number(_ sentence: CheckedAnswer.Sentence) -> (text: String, new: [Citation])? {
        var marks: [Int] = []
        var new: [Citation] = []
        for evidence in sentence.evidence {
            let span = evidence.segment.span
            let place = Place(sha256: span.sha256, path: span.path, range: evidence.quote)
            if let known = numbers[place] {
                if !marks.contains(known) { marks.append(known) }
                continue
            }
            let id = citations.count + 1
            guard let document = documents[span.sha256],
                let citation = SourceQuote.citation(id: id, of: document, at: evidence.quote, support: evidence.support)
            else {
                rejected.append(
                    RejectedCitation(
                        doc: span.path, page: span.page, quote: SourceQuote.oneLine(evidence.segment.text),
                        sentence: sentence.text, reason: .quoteNotFound))
                continue
            }
            numbers[place] = id
            citations.append(citation)
            new.append(citation)
            marks.append(id)
        }
        if marks.isEmpty, !sentence.evidence.isEmpty { return nil }
        return (AnswerText.render(sentence.text, marks: marks), new)
    }
}
