// Where an element stands on its page, line by line and word by word, and what of it a part of its text covers.
//
// Offsets here count the raw text, since that is where lines are whole: a word cut by a hyphen stands in two of them,
// and what `Document.offsets` says of it leads to both halves. Packed like `WordPlaces`, whose bytes are within these:
// first how many raw bytes lie before the element's text, then for each line its length in bytes with two flags, the
// differences of its edges to those of the line before in hundredths of a point, and its words.

/// The lines of an element; empty where their places are not known.
public struct LinePlaces: Sendable, Hashable, Codable {
    /// As packed.
    package private(set) var bytes: [UInt8]

    /// A line that has a place.
    package struct Line: Sendable, Hashable {
        /// Its part of the element's raw text, counted from the start of the first line; empty where unknown.
        package var range: Range<Int>
        package var box: Box
        package var words: WordPlaces
    }

    /// Nothing known.
    public init() {
        bytes = []
    }

    /// Lines of whose text nothing is known.
    public init(boxes: [Box]) {
        self.init(boxes.map { ExtractedLine(text: "", box: $0) }, lead: 0)
    }

    /// Bytes that somebody packed; they need not be right.
    package init(packed bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Packs lines that follow each other in the raw text with one byte between them.
    ///
    /// - Parameter lead: raw bytes from the start of the first line to what the element's text begins with.
    package init(_ lines: [ExtractedLine], lead: Int) {
        guard lines.contains(where: { $0.box != nil }) else {
            bytes = []
            return
        }
        var writer = WireWriter()
        writer.integer(max(lead, 0))
        var last = PackedBox()
        for line in lines {
            let hasWords = line.box != nil && !line.words.bytes.isEmpty
            writer.integer(line.text.utf8.count << 2 | (hasWords ? 2 : 0) | (line.box == nil ? 0 : 1))
            if let box = line.box { writer.write(PackedBox(box), after: &last) }
            if hasWords { writer.blob(line.words.bytes) }
        }
        bytes = writer.bytes
    }

    /// The box of each line.
    public var boxes: [Box] { unpacked.lines.map(\.box) }

    /// Raw bytes before the element's text, and the lines: those before the first that makes no sense.
    package var unpacked: (lead: Int, lines: [Line]) {
        var reader = WireReader(bytes[...])
        guard let lead = try? reader.integer(in: 0...Int(Int32.max)) else { return (0, []) }
        var lines: [Line] = []
        var start = 0
        var last = PackedBox()
        while let head = try? reader.integer(in: 0...(1 << 34)) {
            let range = start..<start &+ head >> 2
            start = range.upperBound &+ 1
            guard head & 1 == 1 else { continue }
            guard let box = try? reader.box(after: &last),
                let words = head & 2 == 2 ? try? reader.blob() : []
            else { break }
            lines.append(Line(range: range, box: box.box, words: WordPlaces(packed: words)))
        }
        return (lead, lines)
    }
}

extension LinePlaces.Line {
    /// The part of the line that a part of the raw text covers; several where it does not hang together, as where
    /// scripts of both directions stand in one line.
    package func boxes(covering raw: Range<Int>) -> [Box] {
        guard raw.lowerBound < range.upperBound, raw.upperBound > range.lowerBound else { return [] }
        let known = words.words(in: box)
        guard !known.isEmpty, raw.lowerBound > range.lowerBound || raw.upperBound < range.upperBound else {
            return [box]
        }
        let isBackward = zip(known, known.dropFirst()).count { $1.lower < $0.lower } * 2 >= known.count
        var inside: [(lower: Double, upper: Double)] = []
        var outside: [Double] = []
        var start = range.lowerBound
        for word in known {
            let end = range.lowerBound + word.end
            let from = max(start, raw.lowerBound)
            let to = min(end, raw.upperBound)
            if from < to {
                inside.append(
                    end - start < WordPlaces.shortestCut || isBackward
                        ? (word.lower, word.upper)
                        : cut(word, from: Double(from - start), to: Double(to - start), of: Double(end - start)))
            } else {
                outside.append((word.lower + word.upper) / 2)
            }
            start = max(start, end)
        }
        inside.sort { $0.lower < $1.lower }
        var merged: [(lower: Double, upper: Double)] = []
        for extent in inside {
            if let last = merged.last, !outside.contains(where: { $0 > last.upper && $0 < extent.lower }) {
                merged[merged.count - 1].upper = max(last.upper, extent.upper)
            } else {
                merged.append(extent)
            }
        }
        return merged.map { part($0.lower, $0.upper) }
    }

    /// The share of a word; the space before it and a stop behind it, one byte each, take nothing away.
    private func cut(
        _ word: WordPlaces.Word, from: Double, to: Double, of count: Double
    ) -> (lower: Double, upper: Double) {
        let width = word.upper - word.lower
        return (
            from <= 1 ? word.lower : word.lower + width * from / count,
            to >= count - 1 ? word.upper : word.lower + width * to / count
        )
    }

    /// A part of the line's box; what ends at its edge but for rounding ends there.
    private func part(_ lower: Double, _ upper: Double) -> Box {
        func edge(_ value: Double, _ low: Double, _ high: Double) -> Double {
            value - low < 0.2 ? low : high - value < 0.2 ? high : (value * 100).rounded() / 100
        }
        var part = box
        if words.isVertical {
            (part.y0, part.y1) = (edge(lower, box.y0, box.y1), edge(upper, box.y0, box.y1))
        } else {
            (part.x0, part.x1) = (edge(lower, box.x0, box.x1), edge(upper, box.x0, box.x1))
        }
        return part
    }
}

extension Document {
    /// Where a part of the text stands on its page: for each line that it touches, the words of it that it has.
    package func boxes(of range: Range<Int>) -> [Box] {
        var result: [Box] = []
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if elements[middle].textRange.upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        for element in elements[low...] {
            guard element.textRange.lowerBound < range.upperBound else { break }
            let (lead, lines) = element.places.unpacked
            let covered = element.textRange.clamped(to: range)
            guard covered != element.textRange, lines.contains(where: { !$0.range.isEmpty }) else {
                result += lines.map(\.box)
                continue
            }
            let base = offsets.raw(element.textRange.lowerBound) - lead
            let raw = offsets.raw(trimmed(covered))
            guard !raw.isEmpty else { continue }
            for line in lines {
                result += line.boxes(covering: (raw.lowerBound - base)..<(raw.upperBound - base))
            }
        }
        return result
    }

    /// A range of the text without the white space at its ends.
    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        let part = Array(text(in: range).utf8)
        guard let first = part.firstIndex(where: { $0 > 0x20 }), let last = part.lastIndex(where: { $0 > 0x20 }) else {
            return range.lowerBound..<range.lowerBound
        }
        return range.lowerBound + first..<range.lowerBound + last + 1
    }
}

/// The edges of a box in hundredths of a point.
struct PackedBox: Equatable {
    var x0 = 0, y0 = 0, x1 = 0, y1 = 0

    init() {}

    init(_ box: Box) {
        (x0, y0) = (WireWriter.whole(box.x0 * 100), WireWriter.whole(box.y0 * 100))
        (x1, y1) = (WireWriter.whole(box.x1 * 100), WireWriter.whole(box.y1 * 100))
    }

    var box: Box {
        Box(x0: Double(x0) / 100, y0: Double(y0) / 100, x1: Double(x1) / 100, y1: Double(y1) / 100)
    }
}

extension WireWriter {
    /// Writes a box as what differs from the one before: lines of a paragraph have the same edges on both sides.
    mutating func write(_ box: PackedBox, after last: inout PackedBox) {
        signed(box.x0 - last.x0)
        signed(box.y0 - last.y1)
        signed(box.x1 - last.x1)
        signed(box.y1 - box.y0)
        last = box
    }
}

extension WireReader {
    mutating func box(after last: inout PackedBox) throws(WireError) -> PackedBox {
        var box = PackedBox()
        box.x0 = last.x0 &+ (try signed())
        box.y0 = last.y1 &+ (try signed())
        box.x1 = last.x1 &+ (try signed())
        box.y1 = box.y0 &+ (try signed())
        last = box
        return box
    }
}
