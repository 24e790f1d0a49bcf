// A document built page by page, as a worker sends them: no more than a few hundred pages wait in their raw form.
//
// Owns the joining of lines and elements, pages and the ledger of pages; the folding of characters is `TextFolder`'s.
// Raw text: for PDF the pages' raw texts parted by form feeds, for HTML the decoded page, for text the file's bytes.

import Documents
import Synchronization

/// Builds one document.
struct DocumentBuilder: Sendable {
    private let format: DocumentFormat
    private let keepsHidden: Bool
    private let notesHidden: Bool

    private var folder = TextFolder()
    private var pages: [DocumentPage] = []
    private var elements: [Element] = []
    private var links = LinkList()
    private var counts = PageCounts()
    private var failure: ExtractionFailure?
    private var hasHidden = false
    private var rawBase = 0
    /// Pages not folded yet, and of how many nothing else is awaited.
    private var waiting: [ExtractedPage] = []

    /// Whether a hyphen at a line end belongs to the word is seen from how the document writes it elsewhere: so far, and
    /// on at least this many pages more. A document of up to twice as many is judged as a whole.
    private static let window = 128

    /// - Parameters:
    ///   - keepsHidden: whether blocks that a reader can't see become elements; otherwise only a note remains.
    ///   - notesHidden: whether that note is made.
    init(format: DocumentFormat, keepsHidden: Bool, notesHidden: Bool) {
        self.format = format
        self.keepsHidden = keepsHidden
        self.notesHidden = notesHidden
    }

    /// Whether there was no page.
    var isEmpty: Bool { pages.isEmpty && waiting.isEmpty }

    /// Adds the next page.
    mutating func add(_ page: ExtractedPage) {
        if waiting.count == 2 * Self.window {
            for page in waiting[..<Self.window] { fold(page) }
            waiting.removeFirst(Self.window)
        }
        if format == .pdf || format == .text { learnHyphens(page) }
        waiting.append(page)
    }

    /// Ends the document. `extracted` tells all but the pages.
    mutating func finish(_ extracted: ExtractedDocument, sha256: String, path: String) -> Normalizer.Result {
        for page in waiting { fold(page) }
        waiting.removeAll()
        counts.skipped += max(extracted.pageCount - pages.count, 0)
        // The line end between two pages belongs to the first: together pages hold all of the text.
        for index in pages.indices.dropLast() {
            pages[index].textRange = pages[index].textRange.lowerBound..<pages[index + 1].textRange.lowerBound
        }
        var notes = extracted.notes
        if hasHidden, notesHidden, !notes.contains(.hiddenText) { notes.append(.hiddenText) }
        for note in pages.lazy.flatMap(\.notes) where !notes.contains(note) && note != .empty { notes.append(note) }
        if elements.isEmpty, !notes.contains(.empty) { notes.append(.empty) }
        let text = String(decoding: folder.utf8, as: UTF8.self)
        var document = Document(
            sha256: sha256, path: path, format: format, metadata: extracted.metadata, text: text, pages: pages,
            elements: elements, offsets: folder.map, outline: outline(extracted), links: links.links, notes: notes)
        document.title = title(extracted, document)
        if document.metadata["language"] == nil {
            document.metadata["language"] = LanguageGuess.language(of: folder.utf8)
        }
        if format == .pdf { document.metadata["pageCount"] = String(extracted.pageCount) }
        return Normalizer.Result(document: document, pages: counts, failure: failure)
    }

    private mutating func fold(_ page: ExtractedPage) {
        let begin = folder.utf8.count
        var rawOffset = rawBase
        var hasText = false
        for block in page.blocks {
            let start = rawOffset
            rawOffset += block.lines.reduce(0) { $0 + $1.text.utf8.count } + max(block.lines.count - 1, 0) + 2
            if block.isHidden {
                hasHidden = true
                if !keepsHidden { continue }
            }
            feed(block, rawStart: start)
            guard let range = folder.end() else { continue }
            hasText = true
            links.add(block, range, folder, format, rawStart: start)
            let places = LinePlaces(block.lines, lead: folder.map.raw(range.lowerBound) - start)
            elements.append(
                Element(
                    kind: block.kind, textRange: range, page: page.number, places: places, path: block.path,
                    hidden: block.isHidden))
        }
        rawBase += page.rawTextBytes + 1
        var pageNotes = page.notes
        if page.failure != nil {
            failure = failure ?? page.failure
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

    /// Entries with words, which become one line each.
    private func outline(_ extracted: ExtractedDocument) -> [OutlineEntry] {
        extracted.outline.compactMap { entry in
            let title = Normalizer.folded(entry.title)
            return title.isEmpty ? nil : OutlineEntry(level: entry.level, title: title, page: entry.page)
        }
    }

    private func title(_ extracted: ExtractedDocument, _ document: Document) -> String? {
        if let title = extracted.title.map({ Normalizer.folded($0) }), !title.isEmpty { return title }
        let heading = document.elements.first { if case .heading = $0.kind { true } else { false } }
        return heading.map { document.text(in: $0.textRange) }
    }

    private mutating func feed(_ block: ExtractedBlock, rawStart: Int) {
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

    /// Remembers first halves, with their hyphen, of words that stand hyphenated within a line.
    private mutating func learnHyphens(_ page: ExtractedPage) {
        for block in page.blocks {
            for line in block.lines {
                let utf8 = line.text.utf8
                var word = utf8.startIndex
                while let hyphen = utf8[word...].firstIndex(of: 0x2D) {
                    let begin = utf8[word..<hyphen].lastIndex { $0 <= 0x20 }.map(utf8.index(after:)) ?? word
                    let end = utf8[hyphen...].firstIndex { $0 <= 0x20 } ?? utf8.endIndex
                    learn(line.text[begin..<hyphen], before: line.text[hyphen..<end].dropFirst())
                    word = end
                }
            }
        }
    }

    /// Remembers the first half of a word if the second one begins with a small letter.
    private mutating func learn(_ half: Substring, before rest: Substring) {
        guard let next = rest.first, next.isLowercase else { return }
        let letters = half.drop { !$0.isLetter }
        if !letters.isEmpty { folder.vocabulary.insert(letters.lowercased() + "-") }
    }
}

/// A builder that a thread of the worker pool feeds.
final class DocumentBuilding: PageReceiver {
    private let empty: DocumentBuilder
    private let builder: Mutex<DocumentBuilder>

    init(_ builder: DocumentBuilder) {
        empty = builder
        self.builder = Mutex(builder)
    }

    func restart() {
        builder.withLock { $0 = empty }
    }

    func receive(_ page: ExtractedPage) {
        builder.withLock { $0.add(page) }
    }

    var isEmpty: Bool { builder.withLock { $0.isEmpty } }

    /// The document; the builder is empty afterwards.
    func finish(_ extracted: ExtractedDocument, sha256: String, path: String) -> Normalizer.Result {
        var own = empty
        builder.withLock { swap(&$0, &own) }
        return own.finish(extracted, sha256: sha256, path: path)
    }
}
