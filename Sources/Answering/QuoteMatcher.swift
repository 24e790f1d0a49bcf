package import Documents

/// Finds a quote in a document, in time linear in both.
///
/// Tried in this order, the first that finds anything counts: the bytes as they are; folded (see `FoldedText`) with
/// case; folded without case; without the punctuation at the end that style guides put inside of quotation marks; all
/// of this once more without what interrupts the text at the end of a page (see `ReadingFlow`); the parts around an
/// ellipsis, in order and near each other. A place inside of a longer word or number is no place: "30
/// days" does not stand in "130 days".
package struct QuoteMatcher: Sendable {
    /// A place where a quote stands.
    package struct Hit: Sendable, Equatable {
        /// Byte for byte, or after folding.
        package var match: QuoteMatch
        /// UTF-8 range in `Document.text`.
        package var textRange: Range<Int>
        /// The page where it starts.
        package var page: Int
        /// The words of the document there.
        package var text: String
    }

    /// The passage most like a quote that was not found.
    package struct Nearest: Sendable, Equatable {
        /// UTF-8 range in `Document.text`.
        package var textRange: Range<Int>
        /// The page where it starts.
        package var page: Int
        /// The words of the document there.
        package var text: String
        /// 0…1: one minus the edits a character, after folding.
        package var similarity: Double
    }

    /// At most this many places of one quote are listed.
    static let maximumHits = 64
    /// How far apart, in symbols, the parts around an ellipsis may stand.
    static let longestEllipsis = 2000

    let document: Document
    private let bytes: [UInt8]
    private let folded: FoldedText
    /// The same without interruptions; nil where there are none.
    private let flow: FoldedText?

    /// Prepares a document for any number of look-ups.
    package init(_ document: Document) {
        self.document = document
        bytes = Array(document.text.utf8)
        folded = FoldedText(document.text)
        let interruptions = ReadingFlow.interruptions(of: document)
        flow = interruptions.isEmpty ? nil : FoldedText(document.text, leavingOut: interruptions)
    }

    /// Where a quote stands, in order of the document; empty where it does not.
    package func find(_ quote: String) -> [Hit] {
        let exact = places(of: Array(quote.utf8), in: bytes) { isWhole($0) }
        if !exact.isEmpty { return exact.map { hit(.exact, $0) } }
        let wanted = FoldedText(quote)
        if wanted.symbols.contains(where: { FoldedText.isLetter($0) || (48...57).contains($0) }) {
            for text in [folded, flow] {
                let found = text.map { foldedPlaces(wanted, in: $0) } ?? []
                if !found.isEmpty { return found.map { hit(.normalized, $0) } }
            }
            let parts = Self.parts(of: quote)
            if parts.count > 1, let range = inOrder(parts) { return [hit(.normalized, range)] }
        }
        return []
    }

    /// Whether a quote is the words of a passage: what is asked of one that was just copied.
    package static func check(_ quote: String, against passage: String) -> QuoteMatch {
        if passage.utf8.elementsEqual(quote.utf8) { return .exact }
        return FoldedText(passage).symbols == FoldedText(quote).symbols ? .normalized : .failed
    }

    // MARK: Folded

    private func foldedPlaces(_ wanted: FoldedText, in text: FoldedText) -> [Range<Int>] {
        for (pattern, symbols) in [(wanted.symbols, text.symbols), (wanted.lower, text.lower)] {
            let found = places(of: pattern, in: symbols) { isWhole(Self.source($0, text)) }
            if !found.isEmpty { return found.map { Self.source($0, text) } }
        }
        // "…, as amended." where the source goes on after "amended".
        let bare = Array(wanted.lower.reversed().drop { Self.isEndMark($0) }.reversed())
        guard bare.count < wanted.lower.count, bare.count > 2 else { return [] }
        return places(of: bare, in: text.lower) { isWhole(Self.source($0, text)) }.map { Self.source($0, text) }
    }

    private static func isEndMark(_ symbol: UInt32) -> Bool {
        [32, 33, 34, 39, 44, 46, 58, 59, 63].contains(symbol)
    }

    /// The pieces of a quote around "…", "..." and "[…]", without bracketed insertions of an editor.
    static func parts(of quote: String) -> [String] {
        let plain = quote.replacing("[...]", with: "…").replacing("[…]", with: "…").replacing("(...)", with: "…")
            .replacing("(…)", with: "…").replacing(". . .", with: "…").replacing("...", with: "…")
        return plain.split(separator: "…").map { trimmed(String($0)) }.filter { part in
            part.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
        }
    }

    private static func trimmed(_ text: String) -> String {
        let characters = Array(text)
        guard let first = characters.firstIndex(where: { !$0.isWhitespace && $0 != "," }),
            let last = characters.lastIndex(where: { !$0.isWhitespace && $0 != "," })
        else { return "" }
        return String(characters[first...last])
    }

    private func inOrder(_ parts: [String]) -> Range<Int>? {
        let patterns = parts.map { FoldedText($0).lower }
        // A part of a single short word could stand anywhere and would prove nothing.
        guard let first = patterns.first, patterns.contains(where: { $0.count >= 8 }) else { return nil }
        for begin in places(of: first, in: folded.lower, whole: { isWholeFolded($0) }) {
            var end = begin.upperBound
            var complete = true
            for pattern in patterns.dropFirst() {
                var next: Range<Int>?
                let limit = min(folded.lower.count, end + Self.longestEllipsis)
                LinearSearch(pattern).matches(in: Array(folded.lower[end..<limit])) { start in
                    let range = end + start..<end + start + pattern.count
                    if isWholeFolded(range) { next = range }
                    return next == nil
                }
                guard let found = next else {
                    complete = false
                    break
                }
                end = found.upperBound
            }
            if complete { return source(begin.lowerBound..<end) }
        }
        return nil
    }

    // MARK: Places

    private func places<Symbol: Equatable>(
        of pattern: [Symbol], in text: [Symbol], whole: (Range<Int>) -> Bool
    ) -> [Range<Int>] {
        var found: [Range<Int>] = []
        LinearSearch(pattern).matches(in: text) { start in
            let range = start..<start + pattern.count
            if whole(range) { found.append(range) }
            return found.count < Self.maximumHits
        }
        return found
    }

    /// Whether a byte range neither begins nor ends inside of a word or number.
    private func isWhole(_ range: Range<Int>) -> Bool {
        !isInside(range.lowerBound) && !isInside(range.upperBound)
    }

    /// Whether a word or number goes on across an offset: "wo|rd", "13|0", "1,|500".
    private func isInside(_ offset: Int) -> Bool {
        guard offset > 0, offset < bytes.count else { return false }
        let left = bytes[offset - 1]
        let right = bytes[offset]
        if Self.joins(left, right) { return true }
        if Self.isSeparator(left), Self.isDigit(right) { return offset > 1 && Self.isDigit(bytes[offset - 2]) }
        if Self.isDigit(left), Self.isSeparator(right) {
            return offset + 1 < bytes.count && Self.isDigit(bytes[offset + 1])
        }
        return false
    }

    private static func joins(_ left: UInt8, _ right: UInt8) -> Bool {
        isWordByte(left) && isWordByte(right)
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || byte == UInt8(ascii: ".") }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    private func isWholeFolded(_ range: Range<Int>) -> Bool {
        // Folding joins words around dashes, so whether a word goes on is seen in the bytes.
        isWhole(source(range))
    }

    private func source(_ range: Range<Int>) -> Range<Int> { Self.source(range, folded) }

    private static func source(_ range: Range<Int>, _ text: FoldedText) -> Range<Int> {
        text.starts[range.lowerBound]..<text.ends[range.upperBound - 1]
    }

    private func hit(_ match: QuoteMatch, _ range: Range<Int>) -> Hit {
        Hit(
            match: match, textRange: range, page: document.page(at: range.lowerBound)?.number ?? 1,
            text: document.text(in: range))
    }

    // MARK: Nearest

    /// The passage most like a quote; nil where nothing is at all like it.
    ///
    /// A window of the quote's length is slid over the document, counting the quote's trigrams in it; the best
    /// window's surroundings are then aligned with the quote by edit distance.
    package func nearest(_ quote: String) -> Nearest? {
        let wanted = Array(FoldedText(quote).lower.prefix(600))
        let text = folded.lower
        guard wanted.count >= 3, text.count >= 3 else { return nil }
        let trigrams = Set((0...wanted.count - 3).map { Self.trigram(wanted, $0) })
        let last = text.count - 3
        let length = max(1, wanted.count - 2)
        var inside = 0
        var best = (count: 0, start: 0)
        var known = [Bool](repeating: false, count: last + 1)
        for index in 0...last {
            known[index] = trigrams.contains(Self.trigram(text, index))
            if known[index] { inside += 1 }
            if index >= length, known[index - length] { inside -= 1 }
            if inside > best.count { best = (inside, max(0, index - length + 1)) }
        }
        guard best.count > 0 else { return nil }
        let margin = wanted.count / 2 + 8
        let region = max(0, best.start - margin)..<min(text.count, best.start + wanted.count + margin)
        let aligned = Self.align(wanted, Array(text[region]))
        guard !aligned.range.isEmpty else { return nil }
        var range = source(region.lowerBound + aligned.range.lowerBound..<region.lowerBound + aligned.range.upperBound)
        range = wholeWords(range)
        let similarity = max(0, 1 - Double(aligned.distance) / Double(wanted.count))
        return Nearest(
            textRange: range, page: document.page(at: range.lowerBound)?.number ?? 1, text: document.text(in: range),
            similarity: similarity)
    }

    private static func trigram(_ symbols: [UInt32], _ index: Int) -> UInt64 {
        (UInt64(symbols[index]) &* 0x9E37_79B9_7F4A_7C15) ^ (UInt64(symbols[index + 1]) &* 0xC2B2_AE3D_27D4_EB4F)
            ^ (UInt64(symbols[index + 2]) &* 0x1656_67B1_9E37_79F9)
    }

    private func wholeWords(_ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower > 0, Self.joins(bytes[lower - 1], bytes[lower]) { lower -= 1 }
        while upper < bytes.count, Self.joins(bytes[upper - 1], bytes[upper]) { upper += 1 }
        return lower..<upper
    }

    /// The stretch of `text` that takes the fewest edits to become `pattern` (Sellers 1980).
    private static func align(_ pattern: [UInt32], _ text: [UInt32]) -> (range: Range<Int>, distance: Int) {
        // Row by row of the pattern; each cell remembers where its alignment began.
        var distance = [Int](repeating: 0, count: text.count + 1)
        var begin = Array(0...text.count)
        for row in 1...pattern.count {
            var diagonal = (distance[0], begin[0])
            distance[0] = row
            for column in stride(from: 1, through: text.count, by: 1) {
                let above = (distance[column], begin[column])
                let change = diagonal.0 + (pattern[row - 1] == text[column - 1] ? 0 : 1)
                var cell = (change, diagonal.1)
                if above.0 + 1 < cell.0 { cell = (above.0 + 1, above.1) }
                if distance[column - 1] + 1 < cell.0 { cell = (distance[column - 1] + 1, begin[column - 1]) }
                diagonal = above
                distance[column] = cell.0
                begin[column] = cell.1
            }
        }
        var best = 0
        for column in 0...text.count where distance[column] < distance[best] { best = column }
        return (begin[best]..<max(begin[best], best), distance[best])
    }
}
