// Text on its way to an encoder: well-formed UTF-8 plus a note of every stretch that differs from the source, so that
// tokens lead back to the bytes that were given.

/// Well-formed UTF-8 and where its bytes came from.
struct PreparedText {
    /// A stretch that was replaced. Between two of them bytes are the source's own.
    struct Change {
        var range: Range<Int>
        var source: Range<Int>
    }

    var bytes: [UInt8]
    /// In ascending order, apart from each other.
    var changes: [Change] = []

    /// Where a stretch of the prepared text lies in the source; any part of a change stands for all of it.
    func source(of range: Range<Int>) -> Range<Int> {
        if changes.isEmpty { return range }
        let lower = source(ofOffset: range.lowerBound, upper: false)
        return range.isEmpty ? lower..<lower : lower..<max(lower, source(ofOffset: range.upperBound, upper: true))
    }

    private func source(ofOffset offset: Int, upper: Bool) -> Int {
        // The last change that starts before the offset (or at it, for a lower bound).
        let index = changes.partition { upper ? $0.range.lowerBound < offset : $0.range.lowerBound <= offset }
        guard index > 0 else { return offset }
        let change = changes[index - 1]
        if offset >= change.range.upperBound { return offset - change.range.upperBound + change.source.upperBound }
        return upper ? change.source.upperBound : change.source.lowerBound
    }

    /// A part of the text; no change may straddle its ends.
    func fragment(_ range: Range<Int>) -> PreparedText {
        if range == 0..<bytes.count { return self }
        // An empty change at the front keeps the distance between source and fragment.
        var inside = [Change(range: 0..<0, source: source(of: range.lowerBound..<range.lowerBound))]
        for change in changes[changes.partition { $0.range.lowerBound < range.lowerBound }...] {
            guard change.range.upperBound <= range.upperBound else { break }
            let shifted = change.range.lowerBound - range.lowerBound..<change.range.upperBound - range.lowerBound
            inside.append(Change(range: shifted, source: change.source))
        }
        return PreparedText(bytes: Array(bytes[range]), changes: inside)
    }

    /// U+2581 stands for a space in SentencePiece vocabularies, so in text the two can't be told apart.
    func unescapingSpaces() -> PreparedText {
        bytes.withTextView { text in
            var offset = Utf8.firstEscapedSpace(text)
            if offset == text.count { return self }
            var builder = Builder(self)
            while offset < text.count {
                builder.replace(offset..<offset + 3, with: [0x20])
                offset = Utf8.firstEscapedSpace(text, from: offset + 3)
            }
            return builder.finish()
        }
    }

    /// With a byte at the front that stands for nothing in the source.
    func prefixed(with byte: UInt8) -> PreparedText {
        var builder = Builder(self)
        builder.replace(0..<0, with: [byte])
        return builder.finish()
    }

    /// New bytes and the part of the text before that they stand for.
    struct Replacement {
        var bytes: [UInt8]
        var source: Range<Int>
    }

    /// Replaces stretches front to back.
    struct Builder {
        private let original: PreparedText
        private var result = PreparedText(bytes: [])
        private var copied = 0
        private var nextOld = 0

        init(_ original: PreparedText) { self.original = original }

        /// Puts `replacement` where `range` of the original stood.
        mutating func replace(_ range: Range<Int>, with replacement: [UInt8]) {
            replace(range, with: [Replacement(bytes: replacement, source: range)])
        }

        /// Puts several pieces where `range` of the original stood, each with the part of it that it stands for.
        mutating func replace(_ range: Range<Int>, with replacements: [Replacement]) {
            copy(upTo: range.lowerBound)
            // Earlier changes inside the range are swallowed: `source(of:)` accounts for them.
            while nextOld < original.changes.count, original.changes[nextOld].range.lowerBound < range.upperBound {
                nextOld += 1
            }
            for piece in replacements {
                let start = result.bytes.count
                result.bytes.append(contentsOf: piece.bytes)
                result.changes.append(
                    Change(range: start..<result.bytes.count, source: original.source(of: piece.source)))
            }
            // What follows is counted from here, wherever the last piece came from.
            if replacements.last?.source.upperBound != range.upperBound {
                let end = original.source(of: range).upperBound
                result.changes.append(Change(range: result.bytes.count..<result.bytes.count, source: end..<end))
            }
            copied = range.upperBound
        }

        private mutating func copy(upTo end: Int) {
            let shift = result.bytes.count - copied
            while nextOld < original.changes.count, original.changes[nextOld].range.upperBound <= end {
                var change = original.changes[nextOld]
                change.range = change.range.lowerBound + shift..<change.range.upperBound + shift
                result.changes.append(change)
                nextOld += 1
            }
            result.bytes.append(contentsOf: original.bytes[copied..<end])
            copied = end
        }

        mutating func finish() -> PreparedText {
            guard copied > 0 || !result.bytes.isEmpty else { return original }
            copy(upTo: original.bytes.count)
            return result
        }
    }

    /// Takes bytes from anywhere: each maximal ill-formed subsequence becomes one U+FFFD, as Unicode recommends.
    init(repairing bytes: [UInt8]) {
        self.init(bytes: bytes)
        bytes.withTextView { text in
            var offset = Utf8.firstFault(text)
            if offset == text.count { return }
            var builder = Builder(self)
            while offset < text.count {
                let (length, valid) = Utf8.sequence(text, offset)
                if !valid { builder.replace(offset..<offset + length, with: [0xEF, 0xBF, 0xBD]) }
                offset += length
            }
            self = builder.finish()
        }
    }

    init(bytes: [UInt8], changes: [Change] = []) {
        self.bytes = bytes
        self.changes = changes
    }
}

extension [PreparedText.Change] {
    /// The number of elements at the front for which `isBefore` holds; they are sorted by it.
    fileprivate func partition(_ isBefore: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
