// From what an extractor found to the document that the rest of docproc reads.
//
// Owns the joining of lines and elements, pages and the ledger of pages; the folding of characters is `TextFolder`'s.
// Raw text: for PDF the pages' raw texts parted by form feeds, for HTML the decoded page, for text the file's bytes.

package import Documents

/// Turns extractions into documents.
package enum Normalizer {
    /// A document and what became of its pages.
    package struct Result: Sendable, Equatable {
        /// The document.
        package var document: Document
        /// Pages read, skipped (a scan, or not asked for) and failed.
        package var pages: PageCounts
    }

    /// Builds the document.
    ///
    /// - Parameters:
    ///   - keepsHidden: whether blocks that a reader can't see become elements; otherwise only a note remains.
    ///   - notesHidden: whether that note is made.
    package static func document(
        _ extracted: ExtractedDocument, sha256: String, path: String, format: DocumentFormat, keepsHidden: Bool = false,
        notesHidden: Bool = true
    ) -> Result {
        var folder = TextFolder()
        if format == .pdf || format == .text { folder.vocabulary = hyphenatedWords(extracted) }
        var pages: [DocumentPage] = []
        var elements: [Element] = []
        var links = LinkList()
        var counts = PageCounts()
        var notes = extracted.notes
        var rawBase = 0
        for page in extracted.pages {
            let begin = folder.utf8.count
            var rawOffset = rawBase
            var hasText = false
            for block in page.blocks {
                let start = rawOffset
                rawOffset += block.lines.reduce(0) { $0 + $1.text.utf8.count } + max(block.lines.count - 1, 0) + 2
                if block.isHidden {
                    if notesHidden, !notes.contains(.hiddenText) { notes.append(.hiddenText) }
                    if !keepsHidden { continue }
                }
                feed(block, to: &folder, format: format, rawStart: start)
                guard let range = folder.end() else { continue }
                hasText = true
                links.add(block, range, folder, format, rawStart: start)
                let places = LinePlaces(block.lines, lead: folder.map.raw(range.lowerBound) - start)
                elements.append(
                    Element(
                        kind: block.kind, textRange: range, page: page.number, places: places, path: block.path,
                        hidden: block.isHidden))
            }
            rawBase += page.rawText.utf8.count + 1
            var pageNotes = page.notes
            if page.failure != nil {
                counts.failed += 1
            } else if !hasText, page.notes.contains(.scan) {
                counts.skipped += 1
            } else {
                counts.read += 1
            }
            if !hasText, !pageNotes.contains(.empty) { pageNotes.append(.empty) }
            pages.append(
                DocumentPage(
                    number: page.number, label: page.label, textRange: begin..<folder.utf8.count, width: page.width,
                    height: page.height, notes: pageNotes))
        }
        counts.skipped += max(extracted.pageCount - extracted.pages.count, 0)
        // The line end between two pages belongs to the first: together pages hold all of the text.
        for index in pages.indices.dropLast() {
            pages[index].textRange = pages[index].textRange.lowerBound..<pages[index + 1].textRange.lowerBound
        }
        for note in pages.flatMap(\.notes) where !notes.contains(note) && note != .empty { notes.append(note) }
        if elements.isEmpty, !notes.contains(.empty) { notes.append(.empty) }
        let text = String(decoding: folder.utf8, as: UTF8.self)
        var document = Document(
            sha256: sha256, path: path, format: format, metadata: extracted.metadata, text: text, pages: pages,
            elements: elements, offsets: folder.map, links: links.links, notes: notes)
        document.title = title(extracted, document)
        if format == .pdf { document.metadata["pageCount"] = String(extracted.pageCount) }
        return Result(document: document, pages: counts)
    }

    private static func title(_ extracted: ExtractedDocument, _ document: Document) -> String? {
        if let title = extracted.title.map({ folded($0) }), !title.isEmpty { return title }
        let heading = document.elements.first { if case .heading = $0.kind { true } else { false } }
        return heading.map { document.text(in: $0.textRange) }
    }

    /// One line of text, folded as document text is.
    package static func folded(_ text: String) -> String {
        var folder = TextFolder()
        folder.begin(.prose)
        folder.feed(text.utf8, raw: 0..<text.utf8.count, isExact: true)
        _ = folder.end()
        return String(decoding: folder.utf8, as: UTF8.self)
    }

    private static func feed(
        _ block: ExtractedBlock, to folder: inout TextFolder, format: DocumentFormat, rawStart: Int
    ) {
        let isCode = block.kind == .code
        switch format {
        case .pdf, .docling:
            folder.begin(isCode ? .code : format == .pdf ? .hyphenatedProse : .prose)
            var offset = rawStart
            for (index, line) in block.lines.enumerated() {
                if index > 0 {
                    folder.feed(CollectionOfOne(0x0A), raw: offset..<offset + 1, isExact: true)
                    offset += 1
                }
                let count = line.text.utf8.count
                folder.feed(line.text.utf8, raw: offset..<offset + count, isExact: true)
                offset += count
            }
        case .html, .markdown, .text, .docx, .epub, .archive:
            folder.begin(isCode ? .code : format == .text ? .hyphenatedProse : .prose)
            for line in block.lines {
                let count = line.text.utf8.count
                let raw = line.rawRange ?? 0..<0
                folder.feed(line.text.utf8, raw: raw, isExact: raw.count == count)
            }
        }
    }

    /// First halves, with their hyphen, of words that stand hyphenated within a line.
    private static func hyphenatedWords(_ extracted: ExtractedDocument) -> Set<String> {
        var words: Set<String> = []
        for page in extracted.pages {
            for block in page.blocks {
                for line in block.lines where line.text.utf8.contains(0x2D) {
                    for word in line.text.split(whereSeparator: \.isWhitespace) {
                        guard let hyphen = word.firstIndex(of: "-"), word.index(after: hyphen) < word.endIndex,
                            word[word.index(after: hyphen)].isLowercase
                        else { continue }
                        let half = word[..<hyphen].drop { !$0.isLetter }
                        if !half.isEmpty { words.insert(half.lowercased() + "-") }
                    }
                }
            }
        }
        return words
    }
}
