// What stands between two parts of a sentence: the end of a page with its footer and number, a figure with its caption.
// A reader who quotes the sentence leaves it out.

import Documents

/// Finds what interrupts the text of a document.
enum ReadingFlow {
    /// A part of a sentence shorter than this proves nothing about what follows.
    private static let shortest = 30
    /// How many elements may stand between two parts of a sentence: the labels of a figure are one each.
    private static let widest = 60

    /// The UTF-8 ranges that interrupt, in order and apart.
    ///
    /// Headers, footers, captions, footnotes and lone page numbers do always. All else does where a sentence has no end
    /// before it and goes on behind it, on the same page or the next.
    static func interruptions(of document: Document) -> [Range<Int>] {
        let elements = document.elements
        guard elements.count > 1 else { return [] }
        let utf8 = Array(document.text.utf8)
        var interrupts = elements.map { element in
            switch element.kind {
            case .pageHeader, .pageFooter, .caption, .footnote: true
            default: isPageNumber(utf8[element.textRange], of: element, document)
            }
        }
        let isOpen = elements.indices.map { !interrupts[$0] && stopsInside(elements[$0], utf8) }
        for index in elements.indices where isOpen[index] {
            // The next element that could be the rest of the sentence, unless another open one is nearer to it.
            var next = index + 1
            while next < elements.count, next - index <= widest, elements[next].page <= elements[index].page + 1,
                interrupts[next] || !goesOn(elements[next], utf8)
            {
                if isOpen[next] { next = elements.count }
                next += 1
            }
            guard next < elements.count, !interrupts[next], goesOn(elements[next], utf8) else { continue }
            for between in index + 1..<next { interrupts[between] = true }
        }
        return elements.indices.filter { interrupts[$0] && !elements[$0].textRange.isEmpty }
            .map { elements[$0].textRange }
    }

    /// A paragraph that stops inside of a sentence.
    private static func stopsInside(_ element: Element, _ utf8: [UInt8]) -> Bool {
        guard isProse(element), element.textRange.count >= shortest, let last = utf8[element.textRange].last else {
            return false
        }
        return isLetter(last) || last == UInt8(ascii: ",") || last == UInt8(ascii: "-")
    }

    /// A paragraph that begins inside of a sentence.
    private static func goesOn(_ element: Element, _ utf8: [UInt8]) -> Bool {
        guard isProse(element), element.textRange.count >= shortest, let first = utf8[element.textRange].first else {
            return false
        }
        return (97...122).contains(first)
    }

    private static func isProse(_ element: Element) -> Bool {
        switch element.kind {
        case .paragraph, .listItem, .quote: true
        default: false
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte >= 0x80
    }

    /// A number by itself at the top or the foot of a page that is the page's own.
    private static func isPageNumber(_ text: ArraySlice<UInt8>, of element: Element, _ document: Document) -> Bool {
        guard text.count <= 8, let page = document.page(at: element.textRange.lowerBound) else { return false }
        return text.elementsEqual(String(page.number).utf8) || text.elementsEqual((page.label ?? "").utf8)
    }
}
