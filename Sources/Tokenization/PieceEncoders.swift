// The three ways from a stretch of prepared text without special tokens to token ids.

/// Remembers how recent pieces came out within one call: words repeat. Entries point into the output, so nothing is
/// copied. Direct-mapped; which entries survive changes speed only.
struct PieceCache {
    private struct Entry {
        var start: UInt32 = 0
        var length: UInt32 = 0
        var firstToken: UInt32 = 0
        var tokens: UInt32 = 0
        var hash: UInt64 = 0
    }

    private var entries: [Entry]

    /// Longer pieces are rarely seen twice.
    static let longestPiece = 64

    init(forText byteCount: Int) {
        var size = 64
        while size < 1 << 13, size < byteCount / 8 { size *= 2 }
        entries = Array(repeating: Entry(), count: size)
    }

    /// Appends the tokens of an equal earlier piece; false if it isn't remembered.
    @inline(__always)
    func replay(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, hash: UInt64, into output: inout [Symbol]
    ) -> Bool {
        let entry = entries[Int(hash) & (entries.count - 1)]
        guard entry.hash == hash, Int(entry.length) == range.count, entry.length > 0 else { return false }
        for offset in 0..<range.count where text[Int(entry.start) + offset] != text[range.lowerBound + offset] {
            return false
        }
        let start = UInt32(range.lowerBound)
        for index in Int(entry.firstToken)..<Int(entry.firstToken + entry.tokens) {
            let token = output[index]
            output.append(
                Symbol(id: token.id, start: token.start - entry.start + start, end: token.end - entry.start + start))
        }
        return true
    }

    mutating func store(_ range: Range<Int>, hash: UInt64, firstToken: Int, tokens: Int) {
        entries[Int(hash) & (entries.count - 1)] = Entry(
            start: UInt32(range.lowerBound), length: UInt32(range.count), firstToken: UInt32(firstToken),
            tokens: UInt32(tokens), hash: hash)
    }
}

/// Byte-level BPE: pretokens by rule, then merges over bytes.
struct ByteLevelEncoder: Sendable {
    let preTokenizer: PreTokenizer
    let merges: RankedMerges
    let index: ByteStringIndex
    /// The token of each byte; -1 where the vocabulary has none (such bytes are dropped, as Hugging Face's BPE does
    /// without an unknown token).
    let byteTokens: [Int32]
    let ignoresMerges: Bool

    func encode(_ text: borrowing Span<UInt8>, into output: inout [Symbol]) {
        var cache = PieceCache(forText: text.count)
        var merger = PairMerger()
        var start = 0
        while start < text.count {
            let end = preTokenizer.end(text, from: start)
            let range = start..<end
            start = end
            let hash = range.count <= PieceCache.longestPiece ? ByteStringIndex.hash(text, range) : 0
            if range.count <= PieceCache.longestPiece, cache.replay(text, range, hash: hash, into: &output) { continue }
            let first = output.count
            encodePiece(text, range, &merger, into: &output)
            if range.count <= PieceCache.longestPiece {
                cache.store(range, hash: hash, firstToken: first, tokens: output.count - first)
            }
        }
    }

    private func encodePiece(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, _ merger: inout PairMerger, into output: inout [Symbol]
    ) {
        if ignoresMerges, case let id = index.find(text, range), id >= 0 {
            output.append(Symbol(id: id, start: UInt32(range.lowerBound), end: UInt32(range.upperBound)))
            return
        }
        merger.symbols.removeAll(keepingCapacity: true)
        for offset in range {
            merger.symbols.append(
                Symbol(id: byteTokens[Int(text[offset])], start: UInt32(offset), end: UInt32(offset) + 1))
        }
        merger.run(merges, text)
        for symbol in merger.symbols where symbol.id >= 0 { output.append(symbol) }
    }
}

/// Merging over characters with bytes as a last resort: SentencePiece's BPE, and Gemma 4's.
///
/// Vocabulary and text have real spaces where the files have U+2581.
struct CharacterEncoder<Rule: MergeRule>: Sendable {
    let rule: Rule
    /// Pieces that merging may form; control tokens aren't among them.
    let index: ByteStringIndex
    /// User-defined pieces, matched before merging, the longest first.
    let fixedPieces: PrefixTrie
    let byteTokens: [Int32]
    /// What stands for a byte without a token.
    let unknown: Int32
    /// `before << 8 | after` around each space that some piece has after another character. At all other such spaces,
    /// text can be cut: no merge crosses a border that no piece crosses. nil: never cut at spaces.
    let innerSpaces: Set<UInt16>?
    /// No piece mixes newlines with anything else, so text can be cut around runs of them.
    let newlinesApart: Bool

    func encode(_ text: borrowing Span<UInt8>, into output: inout [Symbol]) {
        var cache = PieceCache(forText: text.count)
        var merger = PairMerger()
        var start = 0
        while start < text.count {
            if let (id, length) = fixedPieces.longest(text, at: start) {
                output.append(Symbol(id: id, start: UInt32(start), end: UInt32(start + length)))
                start += length
                continue
            }
            var end = start + 1
            while end < text.count, !isBorder(text, end), fixedPieces.longest(text, at: end) == nil { end += 1 }
            let range = start..<end
            start = end
            guard range.count <= PieceCache.longestPiece else {
                encodePiece(text, range, &merger, into: &output)
                continue
            }
            let hash = ByteStringIndex.hash(text, range)
            if cache.replay(text, range, hash: hash, into: &output) { continue }
            let first = output.count
            encodePiece(text, range, &merger, into: &output)
            cache.store(range, hash: hash, firstToken: first, tokens: output.count - first)
        }
    }

    @inline(__always)
    private func isBorder(_ text: borrowing Span<UInt8>, _ offset: Int) -> Bool {
        let byte = text[offset]
        let before = text[offset - 1]
        if byte == 0x20, before != 0x20 {
            guard let innerSpaces else { return false }
            guard !innerSpaces.isEmpty, offset + 1 < text.count else { return true }
            return !innerSpaces.contains(UInt16(before) << 8 | UInt16(text[offset + 1]))
        }
        return newlinesApart && (byte == 0x0A) != (before == 0x0A)
    }

    private func encodePiece(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, _ merger: inout PairMerger, into output: inout [Symbol]
    ) {
        merger.symbols.removeAll(keepingCapacity: true)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let (_, length) = decodeScalar(text, offset)
            merger.symbols.append(
                Symbol(
                    id: index.find(text, offset..<offset + length), start: UInt32(offset),
                    end: UInt32(offset + length)))
            offset += length
        }
        merger.run(rule, text)
        for symbol in merger.symbols {
            guard symbol.id < 0 else {
                output.append(symbol)
                continue
            }
            for byte in Int(symbol.start)..<Int(symbol.end) {
                let token = byteTokens[Int(text[byte])]
                let id = token < 0 ? unknown : token
                if id >= 0 { output.append(Symbol(id: id, start: UInt32(byte), end: UInt32(byte) + 1)) }
            }
        }
    }
}
