// An e-book to blocks: its chapters in reading order, each a web page without anything around its text. Runs inside
// the worker process.
//
// Raw text is the decoded chapters, one behind the other.

import Documents

/// Extracts EPUB.
struct EPUBExtractor {
    /// Name and version; a change of the text that it gives is a new version.
    static let name = "epub/2 " + HTMLExtractor.name

    private let html: HTMLExtractor

    init(html: HTMLExtractor) {
        self.html = html
    }

    /// Reads a book. Options of the request are those of `HTMLExtractor`.
    func extract(
        _ bytes: ArraySlice<UInt8>, _ request: ExtractionRequest, progress: (Int, Int) -> Void
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        do throws(ExtractionFailure) {
            return .success(try read(bytes, request, progress))
        } catch {
            return .failure(error)
        }
    }

    private func read(
        _ bytes: ArraySlice<UInt8>, _ request: ExtractionRequest, _ progress: (Int, Int) -> Void
    ) throws(ExtractionFailure) -> ExtractedDocument {
        var package = try OfficePackage(bytes)
        guard let container = try package.xml("META-INF/container.xml") else {
            throw ExtractionFailure(.malformed, "it has no part META-INF/container.xml")
        }
        guard let file = Self.rootFile(container), let opf = try package.xml(file) else {
            throw ExtractionFailure(.malformed, "it has no package document")
        }
        let book = Book(opf, folder: String(PartName.folder(of: file)))
        try refuseProtection(&package, book)

        var document = ExtractedDocument(
            extractor: Self.name, title: book.metadata.title, metadata: book.metadata.values)
        let outline = Self.outline(&package, book)
        document.outline = outline.map { OutlineEntry(level: $0.level, title: $0.title) }
        let titles = Self.titles(outline)
        var page = ExtractedPage()
        var base = 0
        for (index, chapter) in book.chapters.enumerated() {
            progress(index, book.chapters.count)
            guard let source = try package.bytes(chapter) else {
                if !document.notes.contains(.truncatedFile) { document.notes.append(.truncatedFile) }
                continue
            }
            let found = try html.extract(source, request).get()
            var end = 0
            var headings = titles[chapter] ?? [:]
            for block in found.pages.flatMap(\.blocks) {
                var block = block
                Self.raise(&block, to: &headings)
                block.path = chapter + (block.path.map { "#" + $0 } ?? "")
                for line in block.lines.indices {
                    guard let range = block.lines[line].rawRange else { continue }
                    block.lines[line].rawRange = range.lowerBound + base..<range.upperBound + base
                    end = max(end, range.upperBound)
                }
                page.blocks.append(block)
            }
            // Decoding a chapter that is not UTF-8 changes its length.
            base += max(end, source.count)
            for note in found.notes where !document.notes.contains(note) { document.notes.append(note) }
        }
        document.pages = [page]
        return document
    }

    /// The table of contents; none where its document is missing or broken, which costs no text.
    private static func outline(_ package: inout OfficePackage, _ book: Book) -> [EPUBOutline.Entry] {
        if let part = book.navigation, let xml = try? package.xml(part) {
            let outline = EPUBOutline(navigation: xml, part: part)
            if !outline.entries.isEmpty { return outline.entries }
        }
        guard let part = book.ncx, let xml = try? package.xml(part) else { return [] }
        return EPUBOutline(ncx: xml, part: part).entries
    }

    /// The words of the entries that lead to each part, with their levels.
    private static func titles(_ outline: [EPUBOutline.Entry]) -> [String: [String: Int]] {
        var titles: [String: [String: Int]] = [:]
        for entry in outline {
            if let part = entry.part { titles[part, default: [:]][entry.title.lowercased()] = entry.level }
        }
        return titles
    }

    /// Makes a paragraph a heading where the table of contents has its words: many books give their headings as
    /// paragraphs in large print. Each entry is used once.
    private static func raise(_ block: inout ExtractedBlock, to headings: inout [String: Int]) {
        guard !headings.isEmpty, !block.isHidden else { return }
        switch block.kind {
        case .heading, .paragraph: break
        default: return
        }
        let words = Normalizer.folded(block.lines.map(\.text).joined()).lowercased()
        guard let level = headings.removeValue(forKey: words) else { return }
        if block.kind == .paragraph { block.kind = .heading(level: min(level, 6)) }
    }

    private static func rootFile(_ container: XMLEvents) -> String? {
        for index in container.indices {
            guard case .open("rootfile", let attributes) = container[index] else { continue }
            return container.attribute("full-path", in: attributes)
        }
        return nil
    }

    /// Fonts may be scrambled, which costs no text; chapters that are cannot be read.
    private func refuseProtection(_ package: inout OfficePackage, _ book: Book) throws(ExtractionFailure) {
        guard let xml = try package.xml("META-INF/encryption.xml") else { return }
        let chapters = Set(book.chapters)
        for index in xml.indices {
            guard case .open("CipherReference", let attributes) = xml[index],
                let reference = xml.attribute("URI", in: attributes)
            else { continue }
            if chapters.contains(PartName.resolve(reference, in: "")) {
                throw ExtractionFailure(.encrypted, "its chapters are encrypted by copy protection (DRM)")
            }
        }
    }
}

/// The package document of a book: what it is called and which parts are its text.
private struct Book {
    private(set) var metadata: OfficeMetadata
    /// The parts of the text in reading order.
    private(set) var chapters: [String] = []
    /// The navigation document of EPUB 3.
    private(set) var navigation: String?
    /// The table of contents of EPUB 2.
    private(set) var ncx: String?

    init(_ opf: XMLEvents, folder: String) {
        metadata = OfficeMetadata(opf)
        var parts: [String: String] = [:]
        for index in opf.indices {
            guard case .open(let name, let attributes) = opf[index] else { continue }
            if name == "item", let id = opf.attribute("id", in: attributes),
                let reference = opf.attribute("href", in: attributes)
            {
                let type = opf.attribute("media-type", in: attributes) ?? ""
                // The table of contents repeats the headings.
                let isContents = (opf.attribute("properties", in: attributes) ?? "").split(separator: " ").contains(
                    "nav")
                let part = PartName.resolve(reference, in: folder)
                if isContents {
                    navigation = navigation ?? part
                } else if type.hasSuffix("html") || type.hasSuffix("html+xml") {
                    parts[id] = part
                } else if type == "application/x-dtbncx+xml" {
                    ncx = ncx ?? part
                }
            } else if name == "itemref", let id = opf.attribute("idref", in: attributes),
                let part = parts.removeValue(forKey: id)
            {
                chapters.append(part)
            }
        }
    }
}
