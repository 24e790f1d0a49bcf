// From what an extractor found to the document that the rest of docproc reads.
//
// The work is `DocumentBuilder`'s, page by page; here is what needs no pages.

package import Documents

/// Turns extractions into documents.
package enum Normalizer {
    /// A document and what became of its pages.
    package struct Result: Sendable, Equatable {
        /// The document.
        package var document: Document
        /// Pages read, skipped (a scan, or not asked for) and failed.
        package var pages: PageCounts
        /// Why the first of those that failed did.
        package var failure: ExtractionFailure?
    }

    /// Builds the document of an extraction that has its pages.
    ///
    /// - Parameters:
    ///   - keepsHidden: whether blocks that a reader can't see become elements; otherwise only a note remains.
    ///   - notesHidden: whether that note is made.
    package static func document(
        _ extracted: ExtractedDocument, sha256: String, path: String, format: DocumentFormat, keepsHidden: Bool = false,
        notesHidden: Bool = true
    ) -> Result {
        var builder = DocumentBuilder(format: format, keepsHidden: keepsHidden, notesHidden: notesHidden)
        for page in extracted.pages { builder.add(page) }
        return builder.finish(extracted, sha256: sha256, path: path)
    }

    /// One line of text, folded as document text is.
    package static func folded(_ text: String) -> String {
        var folder = TextFolder()
        folder.begin(.prose)
        folder.feed(text.utf8, raw: 0..<text.utf8.count, isExact: true)
        _ = folder.end()
        return String(decoding: folder.utf8, as: UTF8.self)
    }
}
