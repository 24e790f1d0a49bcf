// The table of contents of a book: the navigation document of EPUB 3, or the NCX of EPUB 2. Both are trees whose entries
// have words and the place that they lead to. One pass over the events of each; no place is followed.

import Documents

/// A book's table of contents.
struct EPUBOutline {
    /// One entry and the part of the book that it leads to.
    struct Entry: Equatable {
        var level: Int
        var title: String
        /// Nil where it is a headline over other entries.
        var part: String?
    }

    /// Its entries in order.
    private(set) var entries: [Entry] = []
    /// The folder of the document; places are relative to it.
    private let folder: String

    /// Bounds, those of PDFs: what is beyond is left out.
    private static let mostEntries = 10_000
    private static let deepest = 32
    private static let longestTitle = 2048

    /// Reads the first `nav` of a navigation document that is its table of contents; others list pages and landmarks.
    init(navigation xml: XMLEvents, part: String) {
        folder = String(PartName.folder(of: part))
        var depth = 0
        var isInside = false
        // Elements open within the words of an entry; its words and its place.
        var open = 0
        var title = ""
        var place: String?
        for index in xml.indices {
            switch xml[index] {
            case .open(let name, let attributes):
                if open > 0 {
                    open += 1
                    if name == "img" { title += xml.attribute("alt", in: attributes) ?? "" }
                } else if name == "nav" {
                    let types = xml.attribute("type", in: attributes) ?? ""
                    isInside =
                        types.split(whereSeparator: \.isWhitespace).contains("toc")
                        || xml.attribute("role", in: attributes) == "doc-toc"
                } else if isInside, name == "ol" {
                    depth += 1
                } else if isInside, depth > 0, name == "a" || name == "span" {
                    (open, title, place) = (1, "", xml.attribute("href", in: attributes))
                }
            case .text(let range, _):
                if open > 0, title.utf8.count < Self.longestTitle { title += xml.text(range) }
            case .close(let name):
                if open > 0 {
                    open -= 1
                    if open == 0 { add(title, depth, place) }
                } else if isInside, name == "ol" {
                    depth -= 1
                } else if isInside, name == "nav" {
                    return
                }
            }
        }
    }

    /// Reads the map of an NCX; its lists of pages, figures and the like are left out.
    init(ncx xml: XMLEvents, part: String) {
        folder = String(PartName.folder(of: part))
        // Open entries: whether one has its words, and its index in `entries`.
        var points: [(hasLabel: Bool, entry: Int?)] = []
        var label: String?
        for index in xml.indices {
            switch xml[index] {
            case .open("navPoint", _): points.append((false, nil))
            case .open("text", _): if let last = points.last, !last.hasLabel { label = "" }
            case .open("content", let attributes):
                if let entry = points.last?.entry {
                    entries[entry].part = xml.attribute("src", in: attributes).map { PartName.resolve($0, in: folder) }
                }
            case .text(let range, _):
                if let text = label, text.utf8.count < Self.longestTitle { label = text + xml.text(range) }
            case .close("text"):
                guard let title = label, !points.isEmpty else { continue }
                label = nil
                let count = entries.count
                add(title, points.count, nil)
                points[points.count - 1] = (true, entries.count > count ? count : nil)
            case .close("navPoint"): _ = points.popLast()
            default: break
            }
        }
    }

    private mutating func add(_ text: String, _ level: Int, _ place: String?) {
        guard entries.count < Self.mostEntries, (1...Self.deepest).contains(level) else { return }
        let title = Normalizer.folded(text)
        guard !title.isEmpty else { return }
        entries.append(Entry(level: level, title: title, part: place.map { PartName.resolve($0, in: folder) }))
    }
}
