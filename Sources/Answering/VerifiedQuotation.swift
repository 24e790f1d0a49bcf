/// What `docproc verify` reports about one quotation of a draft.
package struct VerifiedQuotation: Sendable, Equatable, Codable {
    /// 1-based line in the draft where the quotation begins.
    package var line: Int
    /// What was found out.
    package var verdict: QuoteVerdict
    /// The words as the draft has them.
    package var quote: String
    /// How it was found; `failed` for `missing`.
    package var match: QuoteMatch
    /// Where it stands, or where the nearest passage does.
    package var found: Place?
    /// The reference beside the quotation, where there is one.
    package var cited: Cited?
    /// The nearest passage, for `missing`.
    package var nearest: String?
    /// How alike the nearest passage is, 0…1.
    package var similarity: Double?

    /// A place in the corpus.
    package struct Place: Sendable, Equatable, Codable {
        /// Path of the document.
        package var doc: String
        /// 1-based page.
        package var page: Int
        /// Printed label, where the file has one.
        package var label: String?

        package init(doc: String, page: Int, label: String? = nil) {
            self.doc = doc
            self.page = page
            self.label = label
        }
    }

    /// What the draft says about the place.
    package struct Cited: Sendable, Equatable, Codable {
        /// The document as the draft names it.
        package var doc: String?
        /// The page as the draft gives it: a number or a label.
        package var page: String?

        package init(doc: String?, page: String?) {
            self.doc = doc
            self.page = page
        }
    }
}

/// Whether a quotation stands where it should.
package enum QuoteVerdict: String, Sendable, Codable, CaseIterable {
    /// Found, and where a page or document is named, there.
    case ok
    /// Found, but elsewhere.
    case moved
    /// Not found.
    case missing
}
