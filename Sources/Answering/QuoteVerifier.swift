package import Documents

/// Looks the quotations of a draft up in a corpus; needs no model.
package struct QuoteVerifier: Sendable {
    /// The kinds of draft.
    package enum DraftFormat: String, Sendable, CaseIterable {
        /// `docproc.answer/1` or `docproc.summary/1` records: one document of JSON, or JSONL.
        case record
        case markdown, html, text

        /// Goes by the file's ending, and by the content where that says nothing.
        package static func of(path: String, text: String) -> DraftFormat {
            let lower = path.lowercased()
            if [".json", ".jsonl", ".ndjson"].contains(where: { lower.hasSuffix($0) }) { return .record }
            if [".html", ".htm", ".xhtml"].contains(where: { lower.hasSuffix($0) }) { return .html }
            if [".md", ".markdown"].contains(where: { lower.hasSuffix($0) }) { return .markdown }
            let start = text.prefix(400).lowercased()
            if DraftRecords.matches(text) || start.contains("\"schema\":\"docproc.") { return .record }
            return start.contains("<html") || start.contains("<!doctype html") ? .html : .text
        }
    }

    /// Alikeness below this says nothing: some trigrams are in any text.
    static let leastSimilarity = 0.4

    let documents: [Document]

    /// Prepares a corpus.
    package init(_ documents: [Document]) {
        self.documents = documents
    }

    /// The line of a draft that is cut off or no JSON, where it should be records; nil where it can be read.
    package static func fault(in draft: String, format: DraftFormat) -> Int? {
        format == .record ? DraftRecords.fault(draft) : nil
    }

    /// The quotations of a draft in order, each with what was found out.
    package func verify(_ draft: String, format: DraftFormat) -> [VerifiedQuotation] {
        var wanted: [Wanted]
        switch format {
        case .record:
            wanted = DraftRecords.citations(draft).map { citation in
                Wanted(
                    line: citation.line, quote: citation.quote,
                    cited: .init(doc: citation.doc, page: citation.page.map(String.init)), sha256: citation.sha256,
                    isRecord: true)
            }
        case .html: wanted = DraftMarkup.quotations(draft).map(Wanted.init)
        case .markdown, .text: wanted = DraftQuotations.inMarkdown(draft).map(Wanted.init)
        }
        // A document is folded once and let go again: a corpus may be far larger than memory allows to keep.
        for document in documents {
            let matcher = QuoteMatcher(document)
            for index in wanted.indices {
                let hits = matcher.find(wanted[index].quote)
                if !hits.isEmpty { wanted[index].places += hits.map { Found(document: document, hit: $0) } }
            }
        }
        let lost = wanted.indices.filter { wanted[$0].places.isEmpty }
        if !lost.isEmpty {
            for document in documents {
                let matcher = QuoteMatcher(document)
                for index in lost {
                    guard let nearest = matcher.nearest(wanted[index].quote),
                        nearest.similarity >= Self.leastSimilarity,
                        nearest.similarity > (wanted[index].nearest?.nearest.similarity ?? 0)
                    else { continue }
                    wanted[index].nearest = (document, nearest)
                }
            }
        }
        return wanted.map(verdict)
    }

    private struct Found {
        var document: Document
        var hit: QuoteMatcher.Hit
    }

    private struct Wanted {
        var line: Int
        var quote: String
        var cited: VerifiedQuotation.Cited?
        var sha256: String?
        /// Whether a record has it, not a draft for people.
        var isRecord: Bool
        var places: [Found] = []
        var nearest: (document: Document, nearest: QuoteMatcher.Nearest)?

        init(line: Int, quote: String, cited: VerifiedQuotation.Cited?, sha256: String?, isRecord: Bool) {
            self.line = line
            self.quote = quote
            self.cited = cited
            self.sha256 = sha256
            self.isRecord = isRecord
        }

        init(_ quotation: DraftQuotations.Quotation) {
            self.init(
                line: quotation.line, quote: quotation.quote, cited: quotation.cited, sha256: nil, isRecord: false)
        }
    }

    private func verdict(_ wanted: Wanted) -> VerifiedQuotation {
        guard !wanted.places.isEmpty else {
            let found = wanted.nearest.map { place($0.document, at: $0.nearest.textRange) }
            return VerifiedQuotation(
                line: wanted.line, verdict: .missing, quote: wanted.quote, match: .failed, found: found,
                cited: wanted.cited, nearest: wanted.nearest.map { SourceQuote.oneLine($0.nearest.text) },
                similarity: wanted.nearest?.nearest.similarity)
        }
        let inDocument = wanted.places.filter { names(wanted, $0.document) }
        let onPage = inDocument.filter { isOn(wanted.cited?.page, $0) }
        let chosen = onPage.first ?? inDocument.first ?? wanted.places[0]
        return VerifiedQuotation(
            line: wanted.line, verdict: onPage.isEmpty ? .moved : .ok, quote: wanted.quote, match: chosen.hit.match,
            found: place(chosen.document, at: chosen.hit.textRange), cited: wanted.cited)
    }

    private func place(_ document: Document, at range: Range<Int>) -> VerifiedQuotation.Place {
        let page = document.page(at: range.lowerBound)
        return VerifiedQuotation.Place(doc: document.path, page: page?.number ?? 1, label: page?.label)
    }

    /// Whether the draft means this document, or names none.
    private func names(_ wanted: Wanted, _ document: Document) -> Bool {
        if let sha256 = wanted.sha256, sha256 == document.sha256 { return true }
        guard let name = wanted.cited?.doc else { return wanted.sha256 == nil }
        if document.path == name || document.path.hasSuffix("/" + name) || name.hasSuffix("/" + document.path) {
            return true
        }
        // A record means what it says, and so does a name with a page. In prose a name alone that no document has may be
        // something else that stands near the quotation.
        if wanted.isRecord || wanted.cited?.page != nil { return false }
        let known = documents.contains {
            $0.path == name || $0.path.hasSuffix("/" + name) || name.hasSuffix("/" + $0.path)
        }
        return !known && wanted.sha256 == nil
    }

    /// Whether a place is on the page that the draft gives, by number or label; a range of pages will do.
    private func isOn(_ page: String?, _ found: Found) -> Bool {
        guard let page else { return true }
        let first = found.document.page(at: found.hit.textRange.lowerBound)
        let last = found.document.page(at: max(found.hit.textRange.lowerBound, found.hit.textRange.upperBound - 1))
        guard let first, let last else { return false }
        if [first.label, last.label].contains(where: { $0?.lowercased() == page.lowercased() }) { return true }
        let numbers = page.split { $0 == "-" || $0 == "–" }.compactMap { Int($0) }
        guard let from = numbers.first, let to = numbers.last, from <= to else { return false }
        return (from...to).overlaps(first.number...max(first.number, last.number))
    }
}
