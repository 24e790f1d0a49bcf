// What an extractor found in one file, before normalization: the value that workers send and the normalizer reads.
//
// Text here is as the extractor saw it: line ends kept as separate lines, words still cut by hyphens, presentation
// forms not folded. PDF fills boxes and font sizes; HTML fills paths and raw ranges; both use the same blocks.

/// One file as its extractor returned it.
package struct ExtractedDocument: Sendable, Equatable {
    /// Name and version of the extractor and its library; part of the key under which results are cached.
    package var extractor: String
    /// Title from the file's metadata, if any.
    package var title: String?
    /// Other metadata as found: `author`, `date`, `language`, `canonical` …
    package var metadata: [String: String]
    /// Pages in the file; `pages` holds fewer where some were not asked for. 1 for a format without pages.
    package var pageCount: Int
    /// The pages in order.
    package var pages: [ExtractedPage]
    /// The table of contents that the file carries, in order.
    package var outline: [OutlineEntry]
    /// What holds for the whole file.
    package var notes: [QualityNote]
    /// The bytes of a file that was to be unpacked, not read; such a file has no pages.
    package var content: [UInt8]

    /// Describes a file.
    package init(
        extractor: String, title: String? = nil, metadata: [String: String] = [:], pageCount: Int = 1,
        pages: [ExtractedPage] = [], outline: [OutlineEntry] = [], notes: [QualityNote] = [],
        content: [UInt8] = []
    ) {
        self.extractor = extractor
        self.title = title
        self.metadata = metadata
        self.pageCount = pageCount
        self.pages = pages
        self.outline = outline
        self.notes = notes
        self.content = content
    }
}

/// One page, or all of a file without pages (number 1, no size).
package struct ExtractedPage: Sendable, Equatable {
    /// 1-based position in the file.
    package var number: Int
    /// The printed label, where the file has one.
    package var label: String?
    /// Size in points; 0 where the format has none.
    package var width: Double, height: Double
    /// Blocks in reading order.
    package var blocks: [ExtractedBlock]
    /// What holds for this page.
    package var notes: [QualityNote]
    /// Set where this page alone could not be read; then it has no blocks.
    package var failure: ExtractionFailure?

    /// Describes a page.
    package init(
        number: Int = 1, label: String? = nil, width: Double = 0, height: Double = 0, blocks: [ExtractedBlock] = [],
        notes: [QualityNote] = [], failure: ExtractionFailure? = nil
    ) {
        self.number = number
        self.label = label
        self.width = width
        self.height = height
        self.blocks = blocks
        self.notes = notes
        self.failure = failure
    }

    /// The page's raw text, to which offsets of a PDF lead back: lines joined by newlines, an empty line between
    /// blocks, nothing at the end.
    package var rawText: String {
        blocks.map { $0.lines.map(\.text).joined(separator: "\n") }.joined(separator: "\n\n")
    }

    /// Bytes of `rawText`.
    package var rawTextBytes: Int {
        blocks.reduce(max(blocks.count - 1, 0) * 2) { sum, block in
            block.lines.reduce(sum + max(block.lines.count - 1, 0)) { $0 + $1.text.utf8.count }
        }
    }
}

/// A heading, paragraph, list item, table row …: lines that belong together.
package struct ExtractedBlock: Sendable, Equatable {
    /// What it is.
    package var kind: Element.Kind
    /// Its lines in reading order. HTML has one line a block, except `code`, where each line is one.
    package var lines: [ExtractedLine]
    /// A path such as `html/body/main/p[3]` for formats that have one.
    package var path: String?
    /// The file asks that a reader not see it (invisible ink, `display: none`).
    package var isHidden: Bool

    /// Describes a block.
    package init(kind: Element.Kind, lines: [ExtractedLine], path: String? = nil, isHidden: Bool = false) {
        self.kind = kind
        self.lines = lines
        self.path = path
        self.isHidden = isHidden
    }
}

/// One line of text.
package struct ExtractedLine: Sendable, Equatable {
    /// The text in logical order, without a line end.
    package var text: String
    /// Where it stands on its page, if known.
    package var box: Box?
    /// Where its words stand within the box, if known.
    package var words: WordPlaces
    /// The prevailing font size in points; 0 where unknown.
    package var fontSize: Double
    /// UTF-8 range in the raw text (for HTML the decoded characters), where the extractor knows it.
    package var rawRange: Range<Int>?
    /// Parts of its text that lead somewhere.
    package var links: [ExtractedLink] = []

    /// Describes a line.
    package init(
        text: String, box: Box? = nil, words: WordPlaces = WordPlaces(), fontSize: Double = 0,
        rawRange: Range<Int>? = nil
    ) {
        self.text = text
        self.box = box
        self.words = words
        self.fontSize = fontSize
        self.rawRange = rawRange
    }
}

/// A part of a line that leads somewhere.
package struct ExtractedLink: Sendable, Equatable {
    /// UTF-8 range in the line's text.
    package var range: Range<Int>
    package var target: LinkTarget

    /// Describes a link.
    package init(range: Range<Int>, target: LinkTarget) {
        self.range = range
        self.target = target
    }
}

/// What a worker is asked to do with one file. The file's bytes travel beside it.
package struct ExtractionRequest: Sendable, Equatable {
    /// Any format that is read by a worker.
    package var format: DocumentFormat
    /// 1-based pages wanted, in any order; nil for all. Numbers past the end are ignored.
    package var pages: [ClosedRange<Int>]?
    /// The password of an encrypted file.
    package var password: String?
    /// Settings of one extractor alone, such as `html: main|full` and `charset: …` from a transport header.
    package var options: [String: String]

    /// Describes a request.
    package init(
        format: DocumentFormat, pages: [ClosedRange<Int>]? = nil, password: String? = nil,
        options: [String: String] = [:]
    ) {
        self.format = format
        self.pages = pages
        self.password = password
        self.options = options
    }
}
