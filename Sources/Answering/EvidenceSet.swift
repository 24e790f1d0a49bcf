import Documents
import Packing

/// Passages that held evidence, each once, as documents that can be packed again.
struct EvidenceSet {
    private var parts: [Place: Segment] = [:]

    private struct Place: Hashable {
        var path: String
        var sha256: String
        var range: Range<Int>
    }

    /// How many passages there are.
    var count: Int { parts.count }

    /// Adds a passage; the part of it that stood in the window, where it was divided.
    mutating func insert(_ segment: NumberedSegment) {
        let span = segment.span
        parts[Place(path: span.path, sha256: span.sha256, range: span.textRange)] = Segment(
            index: segment.segmentIndex, textRange: span.textRange, page: span.page)
    }

    /// The documents of the corpus that have a passage here, with those passages only, in the corpus's order.
    func documents(of corpus: [SegmentedDocument]) -> [SegmentedDocument] {
        corpus.compactMap { source in
            let own = parts.filter { $0.key.path == source.document.path && $0.key.sha256 == source.document.sha256 }
            let segments = own.values.sorted { $0.textRange.lowerBound < $1.textRange.lowerBound }
            return segments.isEmpty ? nil : SegmentedDocument(document: source.document, segments: segments)
        }
    }
}
