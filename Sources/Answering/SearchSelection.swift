import Documents
import Packing

/// Turns a ranked list of passages into the passages of one window, and their order in it.
struct SearchSelection {
    /// How many hits are looked at.
    static let hits = 40

    let corpus: [SegmentedDocument]
    let terms: CorpusTerms

    /// The order in which passages are put into the window until it is full: hits by rank, the passages around the
    /// best ones soon after them, since an answer often stands in the sentence after the one that has the words.
    func ranked(_ hits: [SegmentHit], question: String) -> [SegmentReference] {
        let asked = Terms(question)
        var found: [(reference: SegmentReference, score: Double)] = []
        let best = hits.first?.score ?? 1
        for hit in hits {
            guard let document = terms.documents[hit.sha256],
                let segment = corpus[document].segments.firstIndex(where: { $0.index == hit.segment })
            else { continue }
            let reference = SegmentReference(document: document, segment: segment)
            // BM25 likes one word often; an answer stands where most words of the question meet.
            let passage = Terms(text(reference))
            let meeting = terms.judge.relevance(asked, passages: [passage], context: context(reference))
            found.append((reference, hit.score / max(best, 1e-9) + meeting))
        }
        let order = found.enumerated().sorted {
            ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
        }.map(\.element.reference)
        var result: [SegmentReference] = []
        func add(_ reference: SegmentReference) {
            if !result.contains(reference) { result.append(reference) }
        }
        for (rank, reference) in order.enumerated() {
            add(reference)
            if rank < 2 {
                for neighbour in neighbours(of: reference) { add(neighbour) }
            }
        }
        return result
    }

    /// The order in a window: passages of one document that follow each other stay together, and the best group comes
    /// last, next to the question.
    func arranged(_ chosen: [SegmentReference]) -> [SegmentReference] {
        var groups: [[SegmentReference]] = []
        for reference in chosen {
            if let group = groups.firstIndex(where: { group in
                group.contains { $0.document == reference.document && abs($0.segment - reference.segment) == 1 }
            }) {
                groups[group].append(reference)
            } else {
                groups.append([reference])
            }
        }
        return groups.reversed().flatMap { $0.sorted { $0.segment < $1.segment } }
    }

    private func neighbours(of reference: SegmentReference) -> [SegmentReference] {
        [reference.segment + 1, reference.segment - 1]
            .filter { corpus[reference.document].segments.indices.contains($0) }
            .map { SegmentReference(document: reference.document, segment: $0) }
    }

    private func text(_ reference: SegmentReference) -> String {
        let source = corpus[reference.document]
        return source.document.text(in: source.segments[reference.segment].textRange)
    }

    private func context(_ reference: SegmentReference) -> [Terms] {
        let source = corpus[reference.document]
        let above = source.document.path + "\n" + (source.document.title ?? "") + "\n"
        return [Terms(above + (source.segments[reference.segment].heading ?? ""))]
    }
}
