package import Documents

/// Finds a quote in a document.
package struct QuoteMatcher: Sendable {
    /// A place where a quote stands.
    package struct Hit: Sendable, Equatable {
        /// Byte for byte, or after folding.
        package var match: QuoteMatch
        /// UTF-8 range in `Document.text`.
        package var textRange: Range<Int>
        /// The page where it starts.
        package var page: Int
        /// The words of the document there.
        package var text: String
    }

    /// The passage most like a quote that was not found.
    package struct Nearest: Sendable, Equatable {
        /// UTF-8 range in `Document.text`.
        package var textRange: Range<Int>
        /// The page where it starts.
        package var page: Int
        /// The words of the document there.
        package var text: String
        /// 0…1.
        package var similarity: Double
    }

    let document: Document

    /// Prepares a document for any number of look-ups.
    package init(_ document: Document) {
        self.document = document
    }

    /// Where a quote stands, the exact places first; empty where it does not.
    package func find(_ quote: String) -> [Hit] { [] }

    /// The passage most like a quote; nil where nothing is at all like it.
    package func nearest(_ quote: String) -> Nearest? { nil }
}
