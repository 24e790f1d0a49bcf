import Documents

/// Writes segments as the model reads them, so that no document can forge what is ours.
///
/// ```
/// Document: contracts/msa.pdf
/// [1] First line of a segment
///   its further lines, indented
/// [2] The next segment
/// ```
///
/// What starts at the left edge is ours: a header, a number or a line of dots. Lines of a document never start there, and a number in
/// brackets inside a document is written with parentheses. Quotes are copied from the document, not from here.
struct WindowBody {
    /// A segment, or a part of one, on its way into a window.
    struct Piece: Equatable {
        /// Position among the documents.
        var document: Int
        /// Position among the document's segments.
        var segment: Int
        /// UTF-8 range in `Document.text`.
        var textRange: Range<Int>
        /// Its text as the model reads it.
        var content: String
        /// Tokens that it takes more or less, number and separators included: decides what is tried first.
        var estimate: Int

        var reference: SegmentReference { SegmentReference(document: document, segment: segment) }
    }

    /// The text so far.
    private(set) var text = ""
    /// UTF-8 ranges of the segments in `text`, by number from 1.
    private(set) var ranges: [Range<Int>] = []
    /// Where the segments begin with the headers above them.
    private(set) var starts: [Int] = []
    private var document: Int?

    /// Adds a piece under the next number, behind a header where the document changes.
    ///
    /// - Parameters:
    ///   - filler: a line of ours above it and its header.
    ///   - isHeaded: whether its document's header is repeated.
    mutating func append(
        _ piece: Piece, of source: SegmentedDocument, headings: Bool, filler: String = "", isHeaded: Bool = false
    ) {
        let isFirst = document != piece.document
        if isFirst, document != nil { text += "\n" }
        fill(filler)
        starts.append(text.utf8.count)
        if isFirst {
            text += Self.header(source.document)
            document = piece.document
        } else if isHeaded {
            text += Self.header(source.document, isContinued: true)
        }
        let start = text.utf8.count
        text += "[\(ranges.count + 1)] "
        if headings, let heading = source.segments[piece.segment].heading.map(Self.line), !heading.isEmpty,
            !piece.content.hasPrefix(heading)
        {
            text += heading + ": "
        }
        text += piece.content + "\n"
        ranges.append(start..<text.utf8.count)
    }

    /// Adds a line that says nothing.
    mutating func fill(_ filler: String) {
        text += filler
    }

    /// The line above a document's segments.
    static func header(_ document: Document, isContinued: Bool = false) -> String {
        var header = "Document: " + line(document.path)
        if let title = document.title.map(line), !title.isEmpty { header += " (" + title + ")" }
        return header + (isContinued ? ", continued\n" : "\n")
    }

    /// A line of dots: the usual tokenizers make one token of each.
    static func filler(dots: Int) -> String {
        dots > 0 ? "." + String(repeating: " .", count: dots - 1) + "\n" : ""
    }

    /// One line without numbers in brackets.
    static func line(_ text: String) -> String {
        trimmed(escape(text).map { $0.isNewline ? " " : $0 })
    }

    /// The text of a segment with its further lines indented and its bracketed numbers in parentheses.
    static func escape(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        let scalars = Array(trimmed(Array(text)).unicodeScalars)
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            switch scalar {
            case "\n", "\r", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}":
                // Blank lines would let a passage look like the end of the documents.
                while index + 1 < scalars.count, scalars[index + 1].properties.isWhitespace { index += 1 }
                out.append(contentsOf: "\n  ".unicodeScalars)
            case "[":
                var end = index + 1
                while end < scalars.count, ("0"..."9").contains(scalars[end]) || scalars[end] == " " { end += 1 }
                if end > index + 1, end < scalars.count, scalars[end] == "]" {
                    out.append("(")
                    out.append(contentsOf: scalars[index + 1..<end])
                    out.append(")")
                    index = end
                } else {
                    out.append(scalar)
                }
            default: out.append(scalar)
            }
            index += 1
        }
        return String(out)
    }

    private static func trimmed(_ characters: [Character]) -> String {
        guard let first = characters.firstIndex(where: { !$0.isWhitespace }),
            let last = characters.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(characters[first...last])
    }
}
