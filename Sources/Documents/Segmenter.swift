/// Cuts a document into numbered passages of roughly a paragraph: what a citation can name.
///
/// Rules, applied to the elements in order; the result depends on nothing else:
/// - Page headers and footers are left out. A segment never crosses a page and never mixes hidden with visible text.
/// - A heading opens a segment, together with headings directly above or below it and the text that follows; its words
///   are the `heading` of all segments up to the next one.
/// - Small neighbours (list items, table rows, short paragraphs) under one heading are put together up to `target`
///   bytes; code is put together with text only while it is small.
/// - An element longer than `longest` is cut behind sentences, else behind words, else behind characters.
///
/// Together the segments hold the text of all other elements exactly once.
package enum Segmenter {
    /// Neighbours are put together as long as the sum stays below this many UTF-8 bytes.
    static let target = 500
    /// Longer elements are cut.
    static let longest = 900
    /// A last piece shorter than this stays with the one before.
    static let shortest = 120

    /// The segments of a document, indexed from 0.
    package static func segments(of document: Document) -> [Segment] {
        let utf8 = Array(document.text.utf8)
        var segments: [Segment] = []
        var open: Open?
        var heading: String?
        var wasHeading = false

        func close() {
            guard let current = open else { return }
            segments.append(
                Segment(
                    index: segments.count, textRange: current.range, page: current.page, heading: current.heading))
            open = nil
        }

        for element in document.elements where element.kind != .pageHeader && element.kind != .pageFooter {
            guard !element.textRange.isEmpty else { continue }
            let isHeading = if case .heading = element.kind { true } else { false }
            if isHeading {
                if !wasHeading || open.map({ !$0.fits(element) }) ?? true { close() }
                let words = String(decoding: utf8[element.textRange], as: UTF8.self)
                heading = words.utf8.count > longest ? document.text(in: cut(utf8, element.textRange)[0]) : words
            }
            wasHeading = isHeading
            if element.textRange.count > longest {
                // A long element begins with what is open only where that is a heading, kept short.
                if let current = open,
                    !(current.isOnlyHeading && current.fits(element) && current.range.count <= target / 2)
                {
                    close()
                }
                for piece in cut(utf8, element.textRange) {
                    if var current = open {
                        current.range = current.range.lowerBound..<piece.upperBound
                        open = current
                    } else {
                        open = Open(range: piece, element: element, heading: heading)
                    }
                    close()
                }
                continue
            }
            if var current = open, current.fits(element),
                element.textRange.upperBound - current.range.lowerBound <= (current.isOnlyHeading ? longest : target)
            {
                current.range = current.range.lowerBound..<element.textRange.upperBound
                current.isOnlyHeading = current.isOnlyHeading && isHeading
                current.heading = heading
                open = current
            } else {
                close()
                open = Open(range: element.textRange, element: element, heading: heading)
                open?.isOnlyHeading = isHeading
            }
        }
        close()
        return segments
    }

    private struct Open {
        var range: Range<Int>
        var page: Int
        var isHidden: Bool
        var heading: String?
        var isOnlyHeading = false

        init(range: Range<Int>, element: Element, heading: String?) {
            self.range = range
            page = element.page
            isHidden = element.hidden
            self.heading = heading
        }

        /// Whether an element may stand in this segment, apart from its length. Between the two lies one line end:
        /// a header left out there would otherwise get in.
        func fits(_ element: Element) -> Bool {
            element.page == page && element.hidden == isHidden && element.textRange.lowerBound <= range.upperBound + 1
        }
    }

    /// Cuts a range into pieces of at most `longest` bytes that hold all of it.
    static func cut(_ utf8: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var start = range.lowerBound
        while range.upperBound - start > longest {
            let end = cutPlace(utf8, start: start, limit: start + longest)
            pieces.append(start..<end)
            start = end
        }
        if range.upperBound - start < shortest, let last = pieces.popLast(),
            range.upperBound - last.lowerBound <= longest + shortest
        {
            pieces.append(last.lowerBound..<range.upperBound)
        } else if start < range.upperBound {
            pieces.append(start..<range.upperBound)
        }
        return pieces
    }

    /// The best place for a cut before `limit`: behind a sentence in the second half, a line, a word, a character.
    private static func cutPlace(_ utf8: [UInt8], start: Int, limit: Int) -> Int {
        var word: Int?
        var line: Int?
        let half = start + (limit - start) / 2
        var at = limit
        while at > half {
            let byte = utf8[at - 1]
            if byte == 0x20 {
                if at - 1 > start, endsSentence(utf8, before: at - 1, from: start) { return at }
                if word == nil { word = at }
            } else if byte == 0x0A {
                if line == nil { line = at }
            } else if isWideStop(utf8, endingAt: at) {
                return at
            }
            at -= 1
        }
        if let place = line ?? word { return place }
        at = limit
        while at > start + 1, utf8[at] & 0xC0 == 0x80 { at -= 1 }
        return at
    }

    /// Whether text ends a sentence: `.`, `!`, `?` or `;`, and quotes or brackets behind it.
    private static func endsSentence(_ utf8: [UInt8], before end: Int, from start: Int) -> Bool {
        var at = end
        while at > start, [0x22, 0x27, 0x29, 0x5D].contains(utf8[at - 1]) { at -= 1 }
        if at - 3 >= start, utf8[at - 3] == 0xE2, utf8[at - 2] == 0x80, utf8[at - 1] == 0x9D || utf8[at - 1] == 0x99 {
            at -= 3
        }
        return at > start && [0x2E, 0x21, 0x3F, 0x3B].contains(utf8[at - 1])
    }

    /// `。`, `！` and `？` end a sentence without a space.
    private static func isWideStop(_ utf8: [UInt8], endingAt end: Int) -> Bool {
        guard end >= 3 else { return false }
        let (a, b, c) = (utf8[end - 3], utf8[end - 2], utf8[end - 1])
        return (a == 0xE3 && b == 0x80 && c == 0x82) || (a == 0xEF && b == 0xBC && (c == 0x81 || c == 0x9F))
    }
}
