package import Documents

/// The input of one model call: token ids, and the way from a number in it back to the source.
package struct ContextWindow: Sendable, Equatable {
    /// 0-based position among the windows of a packing.
    package var index: Int
    /// The documents with a part in this window, in order.
    package var documents: [WindowDocument]
    /// The numbered segments in order; numbers count from 1 in each window.
    package var segments: [NumberedSegment]
    /// The documents as the model reads them, between the two parts of a frame.
    package var body: String
    /// The whole prompt for the frame that the window was packed with.
    package var tokens: [Int32]
    /// What the edges of chunks cut, where the model has local layers that see such.
    package var cuts: ChunkCuts?

    /// Describes a window.
    package init(
        index: Int, documents: [WindowDocument], segments: [NumberedSegment], body: String, tokens: [Int32],
        cuts: ChunkCuts? = nil
    ) {
        self.index = index
        self.documents = documents
        self.segments = segments
        self.body = body
        self.tokens = tokens
        self.cuts = cuts
    }

    /// For each document, by the SHA-256 of its content, the end of what stands before it: nothing before that token
    /// depends on it.
    package var firstTokens: [String: Int] {
        Dictionary(
            documents.map { ($0.sha256, segment($0.numbers.lowerBound - 1)?.tokenRange.upperBound ?? 0) },
            uniquingKeysWith: min)
    }

    /// The segment of a number that stands in the window.
    package func segment(_ number: Int) -> NumberedSegment? {
        segments.indices.contains(number - 1) ? segments[number - 1] : nil
    }
}

/// A document's part in a window.
package struct WindowDocument: Sendable, Equatable, Codable {
    /// `Document.sha256`.
    package var sha256: String
    /// `Document.path`.
    package var path: String
    /// The numbers of its segments in the window.
    package var numbers: ClosedRange<Int>

    /// Describes a part.
    package init(sha256: String, path: String, numbers: ClosedRange<Int>) {
        self.sha256 = sha256
        self.path = path
        self.numbers = numbers
    }
}

/// A segment under the number that a citation names it by.
package struct NumberedSegment: Sendable, Equatable, Codable {
    /// From 1 in each window.
    package var number: Int
    /// Where it stands in its document.
    package var span: SourceSpan
    /// `Segment.index` of the segment that it is, or is a part of.
    package var segmentIndex: Int
    /// Its text as the document has it.
    package var text: String
    /// Where it stands in `ContextWindow.tokens`.
    package var tokenRange: Range<Int>

    /// Describes a numbered segment.
    package init(number: Int, span: SourceSpan, segmentIndex: Int, text: String, tokenRange: Range<Int>) {
        self.number = number
        self.span = span
        self.segmentIndex = segmentIndex
        self.text = text
        self.tokenRange = tokenRange
    }
}
