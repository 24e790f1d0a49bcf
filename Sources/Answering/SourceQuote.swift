import Documents
import Packing

/// Makes a citation out of a place in a document: quote, surroundings, raw offsets and boxes.
enum SourceQuote {
    /// Bytes of context on either side.
    static let context = 32

    /// A citation of a text range whose words were copied from it; nil when the copy does not stand there.
    static func citation(
        id: Int, of document: Document, at textRange: Range<Int>, support: Double? = nil
    ) -> Citation? {
        let source = document.text(in: textRange)
        let quote = oneLine(source)
        guard !quote.isEmpty else { return nil }
        let match = QuoteMatcher.check(quote, against: source)
        guard match != .failed else { return nil }
        let page = document.page(at: textRange.lowerBound)
        let raw = document.offsets.raw(textRange)
        let element = element(of: document, at: textRange.lowerBound)
        return Citation(
            id: id, doc: document.path, sha256: document.sha256, page: page?.number ?? 1, pageLabel: page?.label,
            quote: quote, prefix: before(textRange.lowerBound, document), suffix: after(textRange.upperBound, document),
            offset: [raw.lowerBound, raw.upperBound],
            boxes: document.boxes(of: textRange).map { [$0.x0, $0.y0, $0.x1, $0.y1] },
            element: element?.path, verified: match, support: support,
            hidden: page?.notes.contains(.hiddenText) ?? false)
    }

    /// Text with its white space reduced to single spaces.
    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func element(of document: Document, at offset: Int) -> Element? {
        let index = firstElement(of: document, endingAfter: offset)
        guard document.elements.indices.contains(index), document.elements[index].textRange.contains(offset)
        else { return nil }
        return document.elements[index]
    }

    private static func firstElement(of document: Document, endingAfter offset: Int) -> Int {
        var low = 0
        var high = document.elements.count
        while low < high {
            let middle = (low + high) / 2
            if document.elements[middle].textRange.upperBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func before(_ offset: Int, _ document: Document) -> String {
        let start = max(0, offset - context)
        let text = document.text(in: boundary(start, document)..<offset)
        guard start > 0, let space = text.firstIndex(where: \.isWhitespace) else { return flat(text) }
        return flat(String(text[text.index(after: space)...]))
    }

    private static func after(_ offset: Int, _ document: Document) -> String {
        let count = document.text.utf8.count
        let end = min(count, offset + context)
        let text = document.text(in: offset..<boundary(end, document))
        guard end < count, let space = text.lastIndex(where: \.isWhitespace) else { return flat(text) }
        return flat(String(text[..<space]))
    }

    /// White space made single, but kept at the ends, where it separates context from quote.
    private static func flat(_ text: String) -> String {
        var out = ""
        for character in text {
            if character.isWhitespace {
                if !(out.last?.isWhitespace ?? false) { out.append(" ") }
            } else {
                out.append(character)
            }
        }
        return out
    }

    /// The nearest offset at or below that begins a character.
    private static func boundary(_ offset: Int, _ document: Document) -> Int {
        let utf8 = document.text.utf8
        guard offset < utf8.count else { return utf8.count }
        var index = utf8.index(utf8.startIndex, offsetBy: offset)
        var position = offset
        while position > 0, utf8[index] & 0xC0 == 0x80 {
            index = utf8.index(before: index)
            position -= 1
        }
        return position
    }
}
