package import Documents

/// Looks the quotations of a draft up in a corpus; needs no model.
package struct QuoteVerifier: Sendable {
    /// The kinds of draft.
    package enum DraftFormat: String, Sendable, CaseIterable {
        /// `docproc.answer/1` or `docproc.summary/1` records: one document of JSON, or JSONL.
        case record
        case markdown, html, text

        /// Guesses from the file's name and content.
        package static func of(path: String, text: String) -> DraftFormat { .text }
    }

    let documents: [Document]

    /// Prepares a corpus.
    package init(_ documents: [Document]) {
        self.documents = documents
    }

    /// The quotations of a draft in order, each with what was found out.
    package func verify(_ draft: String, format: DraftFormat) -> [VerifiedQuotation] { [] }
}
