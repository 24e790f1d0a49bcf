// Where the words of a line stand along it, packed: three or four bytes a word, as a long document has millions of them.
//
// The bytes are one of flags and then three numbers a word: how far its end lies behind the end of the one before in
// the line's text, and in fifths of a point where it begins behind the end of the one before (zigzag), and how wide it
// is. They travel from the worker to the cache as they are; a reader believes nothing of them.

/// The extents of a line's words along the line; empty where nothing is known of them.
package struct WordPlaces: Sendable, Hashable, Codable {
    /// As packed.
    package private(set) var bytes: [UInt8]

    /// A word, or several characters that were drawn together.
    package struct Word: Sendable, Hashable {
        /// UTF-8 bytes of the line's text up to where it ends. It begins where the one before ends, with the space
        /// between them.
        package var end: Int
        /// Its edges in points: left and right, or top and bottom in a line that runs up or down the page.
        package var lower: Double, upper: Double

        /// Describes a word.
        package init(end: Int, lower: Double, upper: Double) {
            self.end = end
            self.lower = lower
            self.upper = upper
        }
    }

    /// Of words with fewer bytes no part is told from the whole: their letters differ too much in width.
    static let shortestCut = 16

    /// Nobody sees a tenth of a point, the most that an edge is off; most gaps and widths fit into a byte.
    private static let unitsPerPoint = 5.0

    /// Nothing known.
    package init() {
        bytes = []
    }

    /// Bytes that somebody packed; they need not be right.
    package init(packed bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Packs the words of a line in the order of its text.
    ///
    /// - Parameters:
    ///   - box: the line's; edges are kept relative to it. A single short word is as wide as the line and not kept.
    ///   - isVertical: the line runs up or down the page.
    package init(_ words: [Word], in box: Box, isVertical: Bool) {
        guard words.count > 1 || words.contains(where: { $0.end >= Self.shortestCut }) else {
            bytes = []
            return
        }
        var writer = WireWriter(capacity: 1 + 4 * words.count)
        writer.byte(isVertical ? 1 : 0)
        var end = 0
        var edge = 0
        let origin = isVertical ? box.y0 : box.x0
        for word in words {
            let lower = WireWriter.whole((word.lower - origin) * Self.unitsPerPoint)
            let upper = max(WireWriter.whole((word.upper - origin) * Self.unitsPerPoint), lower)
            writer.integer(max(word.end - end, 0))
            writer.signed(lower - edge)
            writer.integer(upper - lower)
            (end, edge) = (max(word.end, end), upper)
        }
        bytes = writer.bytes
    }

    /// Whether the line runs up or down the page.
    package var isVertical: Bool { bytes.first.map { $0 & 1 == 1 } ?? false }

    /// The words, in the order of the text; those before the first that makes no sense.
    package func words(in box: Box) -> [Word] {
        var reader = WireReader(bytes.dropFirst())
        let origin = isVertical ? box.y0 : box.x0
        var words: [Word] = []
        var end = 0
        var edge = 0
        while let step = try? reader.integer(in: 0...Int(Int32.max)), let gap = try? reader.signed(),
            let width = try? reader.integer()
        {
            let lower = edge &+ gap
            let upper = lower &+ width
            (end, edge) = (end &+ step, upper)
            words.append(
                Word(
                    end: end, lower: origin + Double(lower) / Self.unitsPerPoint,
                    upper: origin + Double(upper) / Self.unitsPerPoint))
        }
        return words
    }
}
