// The ways from text without special tokens to token ids, as far as families differ: how text is cut into pieces, and
// which symbols a piece starts from.

/// One tokenizer's rules. Immutable.
protocol PieceModel: Sendable {
    associatedtype Rule: MergeRule

    var rule: Rule { get }

    /// Writes where pieces end, one after the other, until the text ends or `ends` is nearly full. The end of the text
    /// is an end.
    ///
    /// - Parameters:
    ///   - position: 0 at first; how far the text was looked at.
    ///   - capacity: places in `ends`; 128 at least.
    /// - Returns: how many ends were written; not 0 before the text has ended.
    func split(
        _ text: TextView, _ position: inout Int, into ends: UnsafeMutablePointer<UInt32>, capacity: Int
    ) -> Int

    /// Between these two characters no token lies, whatever stands before and after them.
    func isCut(_ left: UInt32, _ right: UInt32) -> Bool

    /// The token of a piece that isn't merged, or -1.
    func whole(_ text: TextView, _ piece: Range<Int>) -> Int32

    /// Sets symbols from `start` on, at most `most` and none past `end`; returns how many and where the last one ends.
    func fill(
        _ symbols: PieceSymbols, _ text: TextView, _ start: Int, _ end: Int, most: Int
    ) -> (count: Int, end: Int)

    /// Writes the ids of a merged symbol, one per byte at most; returns how many.
    func write(_ id: Int32, _ text: TextView, _ range: Range<Int>, to ids: UnsafeMutablePointer<Int32>) -> Int
}

/// Byte-level BPE: pretokens by rule, then merges over bytes.
struct ByteLevelModel: PieceModel {
    let preTokenizer: PreTokenizer
    let rule: RankedMerges
    let index: ByteStringIndex
    /// The token of each byte; -1 where the vocabulary has none: such bytes are dropped before merging, as Hugging
    /// Face's BPE does without an unknown token.
    let byteTokens: Table<Int32>
    let ignoresMerges: Bool
    /// Bytes of the longest entry.
    let longestEntry: Int

    func split(
        _ text: TextView, _ position: inout Int, into ends: UnsafeMutablePointer<UInt32>, capacity: Int
    ) -> Int {
        let count = preTokenizer.split(text, from: position, into: ends, capacity: capacity)
        if count > 0 { position = Int(ends[count - 1]) }
        return count
    }

    func isCut(_ left: UInt32, _ right: UInt32) -> Bool { preTokenizer.isCut(left, right) }

    func whole(_ text: TextView, _ piece: Range<Int>) -> Int32 {
        ignoresMerges && piece.count <= longestEntry ? index.find(text, piece) : -1
    }

    @inline(__always)
    func fill(
        _ symbols: PieceSymbols, _ text: TextView, _ start: Int, _ end: Int, most: Int
    ) -> (count: Int, end: Int) {
        var offset = start
        var count = 0
        while offset < end, count < most {
            let token = byteTokens[Int(text[offset])]
            if token >= 0 {
                symbols.set(count, token, offset, offset &+ 1)
                count &+= 1
            }
            offset &+= 1
        }
        return (count, offset)
    }

    @inline(__always)
    func write(_ id: Int32, _ text: TextView, _ range: Range<Int>, to ids: UnsafeMutablePointer<Int32>) -> Int {
        ids[0] = id
        return 1
    }
}

/// Merging over characters with bytes as a last resort: SentencePiece's BPE, and Gemma 4's.
struct CharacterModel<Rule: MergeRule>: PieceModel {
    let rule: Rule
    /// Normal entries; byte tokens aren't among them.
    let index: ByteStringIndex
    /// User-defined pieces, matched before merging, the longest first.
    let fixedPieces: PrefixTrie
    let byteTokens: Table<Int32>
    /// What stands for a byte without a token.
    let unknown: Int32
    let borders: PairBorders

    func split(
        _ text: TextView, _ position: inout Int, into ends: UnsafeMutablePointer<UInt32>, capacity: Int
    ) -> Int {
        if position >= text.count { return 0 }
        guard fixedPieces.isEmpty else { return splitAroundFixed(text, &position, ends, capacity) }
        if position == 0 { position = text.scalar(at: 0).length }
        var count = 0
        // A piece may be longer than what one pass looks at.
        while count == 0, position < text.count {
            count = borders.split(text, &position, into: ends, capacity: capacity - 1)
        }
        if position >= text.count {
            ends[count] = UInt32(truncatingIfNeeded: text.count)
            count += 1
        }
        return count
    }

    private func splitAroundFixed(
        _ text: TextView, _ position: inout Int, _ ends: UnsafeMutablePointer<UInt32>, _ capacity: Int
    ) -> Int {
        var count = 0
        while position < text.count, count < capacity {
            if let (_, length) = fixedPieces.longest(text, at: position) {
                position += length
            } else {
                var (left, length) = text.scalar(at: position)
                position += length
                while position < text.count {
                    let right = text.scalar(at: position)
                    if borders.isBorder(left, right.value) || fixedPieces.longest(text, at: position) != nil { break }
                    (left, length) = right
                    position += length
                }
            }
            ends[count] = UInt32(truncatingIfNeeded: position)
            count += 1
        }
        return count
    }

    /// Neither are such pairs in fixed pieces.
    func isCut(_ left: UInt32, _ right: UInt32) -> Bool { borders.isBorder(left, right) }

    /// No piece starts with a fixed one unless it is one.
    func whole(_ text: TextView, _ piece: Range<Int>) -> Int32 {
        if fixedPieces.isEmpty { return -1 }
        guard let (id, length) = fixedPieces.longest(text, at: piece.lowerBound), length == piece.count else {
            return -1
        }
        return id
    }

    @inline(__always)
    func fill(
        _ symbols: PieceSymbols, _ text: TextView, _ start: Int, _ end: Int, most: Int
    ) -> (count: Int, end: Int) {
        var offset = start
        var count = 0
        while offset < end, count < most {
            let length = text.scalar(at: offset).length
            symbols.set(count, index.find(text, offset..<offset + length), offset, offset + length)
            offset += length
            count += 1
        }
        return (count, offset)
    }

    @inline(__always)
    func write(_ id: Int32, _ text: TextView, _ range: Range<Int>, to ids: UnsafeMutablePointer<Int32>) -> Int {
        if id >= 0 {
            ids[0] = id
            return 1
        }
        var count = 0
        for offset in range {
            let token = byteTokens[Int(text[offset])]
            ids[count] = token < 0 ? unknown : token
            if ids[count] >= 0 { count += 1 }
        }
        return count
    }
}
