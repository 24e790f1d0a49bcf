import Documents
import Packing

/// The terms of a corpus: those above each document, and how telling each is. Made once, shared by all questions.
struct CorpusTerms: Sendable {
    /// Judges support with the corpus's own weights.
    let judge: SupportJudge
    /// Positions of documents by hash; the first, where two files have the same content.
    let documents: [String: Int]
    private let titles: [Terms]
    private let paths: [Terms]

    init(_ corpus: [SegmentedDocument]) {
        var statistics = TermStatistics()
        var titles: [Terms] = []
        var paths: [Terms] = []
        var documents: [String: Int] = [:]
        for (index, source) in corpus.enumerated() {
            titles.append(Terms(source.document.title ?? ""))
            paths.append(Terms(source.document.path))
            if documents[source.document.sha256] == nil { documents[source.document.sha256] = index }
            for segment in source.segments { statistics.add(Terms(source.document.text(in: segment.textRange))) }
        }
        judge = SupportJudge(statistics: statistics)
        self.titles = titles
        self.paths = paths
        self.documents = documents
    }

    /// The terms of what stands above a passage: the title of its document and its heading, which bear a sentence out
    /// as the passage itself does.
    func context(of segment: NumberedSegment, in corpus: [SegmentedDocument]) -> [Terms] {
        guard let document = documents[segment.span.sha256] else { return [] }
        var context = [titles[document]]
        if corpus[document].segments.indices.contains(segment.segmentIndex),
            let heading = corpus[document].segments[segment.segmentIndex].heading
        {
            context.append(Terms(heading))
        }
        return context
    }

    /// The same and the document's path, whose words tell what it is about.
    func surroundings(of segment: NumberedSegment, in corpus: [SegmentedDocument]) -> [Terms] {
        context(of: segment, in: corpus) + (documents[segment.span.sha256].map { [paths[$0]] } ?? [])
    }
}
