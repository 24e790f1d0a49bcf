// Plain text to blocks: paragraphs parted by blank lines, list items, and passages whose layout carries meaning.

import Documents

/// Extracts plain text, source code and tables of values. Bounded by the size of the file alone: one pass over it.
struct TextExtractor {
    /// Name and version; a change of the text that it gives is a new version.
    static let name = "text/1"

    /// What the file's name says about its lines.
    enum Layout {
        /// Prose; lines are wrapped.
        case prose
        /// Source code, logs, configuration: line ends count.
        case code
        /// A record a line.
        case records
    }

    /// Reads decoded text; ranges of lines are offsets of it.
    static func extract(_ utf8: [UInt8], layout: Layout) -> ExtractedDocument {
        var blocks: [ExtractedBlock] = []
        var lines: [Range<Int>] = []
        func close() {
            guard !lines.isEmpty else { return }
            blocks.append(contentsOf: Self.blocks(utf8, lines, layout))
            lines.removeAll()
        }
        for line in SourceLines(utf8) {
            if line.isBlank(utf8) { close() } else { lines.append(line.range) }
        }
        close()
        return ExtractedDocument(extractor: name, pages: [ExtractedPage(blocks: blocks)])
    }

    private static func blocks(_ utf8: [UInt8], _ lines: [Range<Int>], _ layout: Layout) -> [ExtractedBlock] {
        switch layout {
        case .records: return lines.map { block(.tableRow, utf8, [$0]) }
        case .code: return [block(.code, utf8, lines)]
        case .prose: break
        }
        if isLaidOut(utf8, lines) { return [block(.code, utf8, lines)] }
        var result: [ExtractedBlock] = []
        var item: [Range<Int>] = []
        var kind = Element.Kind.paragraph
        for line in lines {
            let isItem = ListMarker.length(utf8, line) != nil
            if isItem, !item.isEmpty {
                result.append(block(kind, utf8, item))
                item.removeAll()
            }
            if item.isEmpty { kind = isItem ? .listItem : .paragraph }
            item.append(line)
        }
        result.append(block(kind, utf8, item))
        return result
    }

    /// Columns or drawings: most lines have runs of spaces inside them, or a tab.
    private static func isLaidOut(_ utf8: [UInt8], _ lines: [Range<Int>]) -> Bool {
        guard lines.count > 1 else { return false }
        let columned = lines.count { range in
            let line = utf8[range].drop { $0 == 0x20 || $0 == 0x09 }
            var spaces = 0
            var runs = 0
            for byte in line {
                if byte == 0x20 {
                    spaces += 1
                } else {
                    if spaces >= 3 { runs += 1 }
                    if byte == 0x09 { runs += 1 }
                    spaces = 0
                }
            }
            return runs > 0
        }
        return columned * 2 > lines.count
    }

    private static func block(_ kind: Element.Kind, _ utf8: [UInt8], _ lines: [Range<Int>]) -> ExtractedBlock {
        // Lines follow each other in the file, so they are one run.
        let range = (lines.first?.lowerBound ?? 0)..<(lines.last?.upperBound ?? 0)
        return ExtractedBlock(
            kind: kind, lines: [ExtractedLine(text: String(decoding: utf8[range], as: UTF8.self), rawRange: range)])
    }
}

/// The lines of a text, with their ends.
struct SourceLines: Sequence {
    private let utf8: [UInt8]

    init(_ utf8: [UInt8]) {
        self.utf8 = utf8
    }

    /// A line; its range includes the line end.
    struct Line {
        var range: Range<Int>

        /// Whether it holds nothing but white space.
        func isBlank(_ utf8: [UInt8]) -> Bool {
            utf8[range].allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
        }
    }

    func makeIterator() -> AnyIterator<Line> {
        var at = 0
        return AnyIterator {
            guard at < utf8.count else { return nil }
            var end = at
            while end < utf8.count, utf8[end] != 0x0A, utf8[end] != 0x0D, utf8[end] != 0x0C { end += 1 }
            if end < utf8.count {
                end += utf8[end] == 0x0D && end + 1 < utf8.count && utf8[end + 1] == 0x0A ? 2 : 1
            }
            defer { at = end }
            return Line(range: at..<end)
        }
    }
}

/// The mark before a list item.
enum ListMarker {
    /// Bytes of indentation, mark and the space behind it: `- `, `* `, `+ `, `• `, `1. `, `a) `; nil without a mark.
    static func length(_ utf8: [UInt8], _ line: Range<Int>) -> Int? {
        var at = line.lowerBound
        while at < line.upperBound, utf8[at] == 0x20 || utf8[at] == 0x09 { at += 1 }
        let start = at
        guard at < line.upperBound else { return nil }
        switch utf8[at] {
        case 0x2D, 0x2A, 0x2B: at += 1
        case 0xE2:
            guard utf8[at..<line.upperBound].starts(with: [0xE2, 0x80, 0xA2]) else { return nil }
            at += 3
        case 0x30...0x39:
            while at < line.upperBound, (0x30...0x39).contains(utf8[at]), at - start < 9 { at += 1 }
            guard at < line.upperBound, utf8[at] == 0x2E || utf8[at] == 0x29 else { return nil }
            at += 1
        default: return nil
        }
        guard at < line.upperBound, utf8[at] == 0x20 || utf8[at] == 0x09 else { return nil }
        while at < line.upperBound, utf8[at] == 0x20 || utf8[at] == 0x09 { at += 1 }
        return at - line.lowerBound
    }
}
