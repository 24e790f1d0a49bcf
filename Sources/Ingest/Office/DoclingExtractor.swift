// What Docling made of a document, read from its own JSON: labels become kinds, page numbers become pages. Runs inside
// the worker process.
//
// Raw text is the texts as Docling has them, page by page, as for PDF.

import Documents

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Extracts DoclingDocument JSON.
enum DoclingExtractor {
    /// Name and version; a change of the text that it gives is a new version.
    static let name = "docling/1"

    /// Reads a document; pages that are not asked for are left out.
    static func extract(
        _ bytes: ArraySlice<UInt8>, _ request: ExtractionRequest
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        let file: DoclingFile
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            file = try decoder.decode(DoclingFile.self, from: Data(bytes))
        } catch {
            return .failure(ExtractionFailure(.malformed, "no sound DoclingDocument: \(Self.describe(error))"))
        }
        var reading = DoclingReading(file)
        reading.read()
        let numbers = Set(file.pages.keys.compactMap { Int($0) }).union(reading.blocks.keys).filter { $0 >= 1 }.sorted()
        let wanted = numbers.filter { number in request.pages?.contains { $0.contains(number) } ?? true }
        let pages = wanted.map { number in
            let size = file.pages[String(number)]?.size
            return ExtractedPage(
                number: number, width: Self.sane(size?.width), height: Self.sane(size?.height),
                blocks: reading.blocks[number] ?? [])
        }
        return .success(
            ExtractedDocument(
                extractor: Self.name, title: reading.title,
                metadata: ["source": file.origin?.filename ?? file.name ?? ""].filter { !$0.value.isEmpty },
                pageCount: numbers.count, pages: pages))
    }

    /// A size in points; 0 where it is none.
    static func sane(_ value: Double?) -> Double { value.map { $0.isFinite && $0 > 0 && $0 < 1e6 ? $0 : 0 } ?? 0 }

    private static func describe(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): "it has no \"\(key.stringValue)\""
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "unexpected value at " + context.codingPath.map(\.stringValue).joined(separator: "/")
        default: "broken JSON"
        }
    }
}

/// From the tree of a document to blocks by page.
private struct DoclingReading {
    private let file: DoclingFile
    private(set) var blocks: [Int: [ExtractedBlock]] = [:]
    private(set) var title: String?
    private var seen: Set<String> = []
    private var page = 1

    init(_ file: DoclingFile) {
        self.file = file
        page = file.pages.keys.compactMap { Int($0) }.filter { $0 >= 1 }.min() ?? 1
    }

    mutating func read() {
        visit(file.body.children)
        // Headers and footers of pages hang on a tree of their own in older files.
        if let furniture = file.furniture { visit(furniture.children) }
        // What hangs nowhere is text all the same.
        for index in file.texts.indices { visit([DoclingFile.Reference(path: "#/texts/\(index)")]) }
        for index in file.tables.indices { visit([DoclingFile.Reference(path: "#/tables/\(index)")]) }
    }

    /// Walks a tree with a stack of its own, so that depth costs no stack; each item is read once.
    private mutating func visit(_ references: [DoclingFile.Reference]) {
        var stack = Array(references.reversed())
        while let reference = stack.popLast() {
            guard seen.insert(reference.path).inserted else { continue }
            let steps = reference.path.split(separator: "/")
            guard steps.count == 3, let index = Int(steps[2]), index >= 0 else { continue }
            switch steps[1] {
            case "texts" where index < file.texts.count:
                text(file.texts[index])
                stack += file.texts[index].children.reversed()
            case "groups" where index < file.groups.count: stack += file.groups[index].children.reversed()
            case "tables" where index < file.tables.count:
                for caption in file.tables[index].captions { text(at: caption) }
                table(file.tables[index])
                for note in file.tables[index].footnotes { text(at: note) }
                stack += file.tables[index].children.reversed()
            case "pictures" where index < file.pictures.count:
                stack +=
                    (file.pictures[index].captions + file.pictures[index].footnotes + file.pictures[index].children)
                    .reversed()
            default: continue
            }
        }
    }

    private mutating func text(at reference: DoclingFile.Reference) {
        let steps = reference.path.split(separator: "/")
        guard steps.count == 3, steps[1] == "texts", let index = Int(steps[2]), file.texts.indices.contains(index),
            seen.insert(reference.path).inserted
        else { return }
        text(file.texts[index])
    }

    private mutating func text(_ item: DoclingFile.Text) {
        let kind = kind(item)
        if item.label == "title", title == nil { title = item.text }
        let words = item.text.isEmpty ? item.orig ?? "" : item.text
        guard words.contains(where: { !$0.isWhitespace }) else { return }
        let parts = pieces(words, item.prov)
        for (text, place) in parts {
            if let number = place?.pageNo, number >= 1, number <= 1_000_000 { page = number }
            blocks[page, default: []].append(
                ExtractedBlock(kind: kind, lines: [ExtractedLine(text: text, box: box(place))]))
        }
    }

    /// A text that runs over the end of a page has a place on each, with its characters.
    private func pieces(_ text: String, _ places: [DoclingFile.Place]) -> [(String, DoclingFile.Place?)] {
        guard places.count > 1, Set(places.map(\.pageNo)).count == places.count else { return [(text, places.first)] }
        let scalars = Array(text.unicodeScalars)
        var found: [(String, DoclingFile.Place?)] = []
        var at = 0
        for place in places {
            guard place.charspan.count == 2, place.charspan[0] >= at, place.charspan[0] <= at + 1,
                place.charspan[1] > place.charspan[0], place.charspan[1] <= scalars.count
            else { return [(text, places.first)] }
            var part = String.UnicodeScalarView()
            part.append(contentsOf: scalars[at..<place.charspan[1]])
            found.append((String(part), place))
            at = place.charspan[1]
        }
        return at == scalars.count ? found : [(text, places.first)]
    }

    private mutating func table(_ item: DoclingFile.Table) {
        if let number = item.prov.first?.pageNo, number >= 1, number <= 1_000_000 { page = number }
        let rows = Dictionary(grouping: item.data.tableCells) { $0.startRowOffsetIdx }
        for row in rows.keys.sorted() {
            let cells = (rows[row] ?? []).sorted { $0.startColOffsetIdx < $1.startColOffsetIdx }
            let text = cells.map(\.text).joined(separator: " | ")
            guard cells.contains(where: { cell in cell.text.contains { !$0.isWhitespace } }) else { continue }
            blocks[page, default: []].append(
                ExtractedBlock(kind: .tableRow, lines: [ExtractedLine(text: text, box: box(item.prov.first))]))
        }
    }

    private func kind(_ item: DoclingFile.Text) -> Element.Kind {
        switch item.label {
        case "title": .heading(level: 1)
        case "section_header": .heading(level: min(max(item.level ?? 1, 1) + 1, 9))
        case "list_item", "checkbox_selected", "checkbox_unselected": .listItem
        case "code": .code
        case "caption": .caption
        case "footnote": .footnote
        case "page_header": .pageHeader
        case "page_footer": .pageFooter
        default: .paragraph
        }
    }

    /// A place with its origin at the top left corner.
    private func box(_ place: DoclingFile.Place?) -> Box? {
        guard let place, let area = place.bbox, let height = file.pages[String(place.pageNo)]?.size?.height,
            [area.l, area.t, area.r, area.b, height].allSatisfy({ $0.isFinite && abs($0) < 1e6 })
        else { return nil }
        guard area.coordOrigin == "BOTTOMLEFT" else { return Box(x0: area.l, y0: area.t, x1: area.r, y1: area.b) }
        return Box(x0: area.l, y0: height - area.t, x1: area.r, y1: height - area.b)
    }
}
