/// One file as the rest of docproc sees it: normalized text in elements and pages, with a way back to the source.
///
/// All ranges named `text…` count UTF-8 bytes of `text`. `offsets` leads from there to the raw text of the source:
/// the file's own bytes for plain text and Markdown, the decoded characters (as UTF-8) for HTML, those of all parts in
/// reading order for EPUB and DOCX, the concatenated page texts as the extractor returned them for PDF and Docling.
public struct Document: Sendable, Equatable, Codable {
    /// SHA-256 of the file, 64 hexadecimal digits.
    public var sha256: String
    /// The path as the user would write it; used for display and as a stable sort key.
    public var path: String
    /// What kind of file it was.
    public var format: DocumentFormat
    /// Title from the file's metadata or its first heading, if any.
    public var title: String?
    /// Other metadata as found: `author`, `date`, `language` (guessed where the file does not say it), `canonical` …
    public var metadata: [String: String]
    /// Normalized text. Elements are separated by newlines.
    public var text: String
    /// Pages in order; a format without pages has exactly one, number 1.
    public var pages: [DocumentPage]
    /// Structure in reading order; ranges do not overlap.
    public var elements: [Element]
    /// From `text` back to the raw text.
    public var offsets: OffsetMap
    /// The outline that the file brings along, in order.
    public var outline: [OutlineEntry]
    /// Parts of the text that lead to an address or a page, in order.
    public var links: [Link]
    /// What a reader should know about quality, such as `scan` or `hidden-text`.
    public var notes: [QualityNote]

    /// Puts a document together.
    public init(
        sha256: String, path: String, format: DocumentFormat, title: String? = nil, metadata: [String: String] = [:],
        text: String, pages: [DocumentPage], elements: [Element], offsets: OffsetMap,
        outline: [OutlineEntry] = [], links: [Link] = [], notes: [QualityNote] = []
    ) {
        self.sha256 = sha256
        self.path = path
        self.format = format
        self.title = title
        self.metadata = metadata
        self.text = text
        self.pages = pages
        self.elements = elements
        self.offsets = offsets
        self.outline = outline
        self.links = links
        self.notes = notes
    }

    /// The text of a range of UTF-8 offsets, clamped to the document. Ranges of elements and segments fall on characters.
    public func text(in range: Range<Int>) -> String {
        let utf8 = text.utf8
        let count = utf8.count
        let lower = min(max(range.lowerBound, 0), count)
        let upper = min(max(range.upperBound, lower), count)
        let start = utf8.index(utf8.startIndex, offsetBy: lower)
        return String(decoding: utf8[start..<utf8.index(start, offsetBy: upper - lower)], as: UTF8.self)
    }

    /// The page that holds a UTF-8 offset of `text`, by binary search; the nearest one at the ends.
    public func page(at offset: Int) -> DocumentPage? {
        var low = 0
        var high = pages.count
        while low < high {
            let middle = (low + high) / 2
            if pages[middle].textRange.upperBound <= offset { low = middle + 1 } else { high = middle }
        }
        return pages.isEmpty ? nil : pages[min(low, pages.count - 1)]
    }
}

/// The kinds of file that docproc tells apart.
public enum DocumentFormat: String, Sendable, Equatable, Codable, CaseIterable {
    case pdf, html, markdown, text, docx, epub
    /// A DoclingDocument in JSON.
    case docling
    /// A file of files; each member is a document, the archive never is.
    case archive

    /// Whether a file of this kind can have several pages.
    public var isPaged: Bool { self == .pdf || self == .docling }
}

/// A page of a paged format.
public struct DocumentPage: Sendable, Equatable, Codable {
    /// 1-based position in the file.
    public var number: Int
    /// The printed label (`iv`, `A-3`), where the file has one.
    public var label: String?
    /// The part of `Document.text` on this page.
    public var textRange: Range<Int>
    /// Width and height in PDF points; 0 where the format has no size.
    public var width: Double, height: Double
    /// Notes on this page alone.
    public var notes: [QualityNote]

    /// Describes a page.
    public init(
        number: Int, label: String? = nil, textRange: Range<Int>, width: Double = 0, height: Double = 0,
        notes: [QualityNote] = []
    ) {
        self.number = number
        self.label = label
        self.textRange = textRange
        self.width = width
        self.height = height
        self.notes = notes
    }
}

/// Something about the quality of a text that a reader should know.
public enum QualityNote: String, Sendable, Hashable, Codable, CaseIterable {
    case scan, garbled
    case twoColumn = "two-column"
    case hiddenText = "hidden-text"
    case encrypted
    case truncatedFile = "truncated-file"
    case encodingGuessed = "encoding-guessed"
    case empty
}
