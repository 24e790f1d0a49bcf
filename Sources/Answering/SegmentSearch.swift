/// A ranked list of passages for a question; the store's full-text index is one.
package protocol SegmentSearch: Sendable {
    /// The best passages of the named documents, best first.
    ///
    /// - Parameter documents: content hashes, in the order of the corpus.
    func search(_ question: String, documents: [String], limit: Int) async throws -> [SegmentHit]
}

/// A passage that was found.
package struct SegmentHit: Sendable, Hashable {
    /// `Document.sha256`.
    package var sha256: String
    /// `Segment.index`.
    package var segment: Int
    /// Higher is better.
    package var score: Double

    package init(sha256: String, segment: Int, score: Double) {
        self.sha256 = sha256
        self.segment = segment
        self.score = score
    }
}
