// Byte-pair merging: starting from single symbols, the best adjacent pair is joined until no pair can be.
// What "best" means is a MergeRule; how a text is first cut into symbols is the encoders' affair.

/// Which adjacent symbols may be joined, and which pair goes first.
protocol MergeRule: Sendable {
    /// The rank (lower goes first, leftmost among equals) and id of two symbols that lie side by side in `range`.
    func merge(
        _ left: Int32, _ right: Int32, _ text: borrowing Span<UInt8>, _ range: Range<Int>
    ) -> (rank: UInt32, id: Int32)?
}

/// A symbol or token: an id, or -1 for a stretch without one, and where it lies.
struct Symbol {
    var id: Int32
    var start: UInt32
    var end: UInt32
}

/// Scratch memory of one encoding call; joins the symbols of one piece at a time.
struct PairMerger {
    /// The piece's symbols, side by side; the caller fills them in, `run` leaves the result.
    var symbols: [Symbol] = []

    private struct Candidate {
        var rank: UInt32
        var id: Int32
    }

    private static let none = Candidate(rank: .max, id: -1)
    private var candidates: [Candidate] = []

    /// Up to this many symbols a linear search for the best pair beats a heap.
    private static let shortPiece = 48

    mutating func run(_ rule: some MergeRule, _ text: borrowing Span<UInt8>) {
        if symbols.count < 2 { return }
        if symbols.count <= Self.shortPiece { runShort(rule, text) } else { runLong(rule, text) }
    }

    @inline(__always)
    private func candidate(
        _ left: Symbol, _ right: Symbol, _ rule: some MergeRule, _ text: borrowing Span<UInt8>
    ) -> Candidate {
        guard let merge = rule.merge(left.id, right.id, text, Int(left.start)..<Int(right.end)) else {
            return Self.none
        }
        return Candidate(rank: merge.rank, id: merge.id)
    }

    private mutating func runShort(_ rule: some MergeRule, _ text: borrowing Span<UInt8>) {
        candidates.removeAll(keepingCapacity: true)
        for index in 1..<symbols.count {
            candidates.append(candidate(symbols[index - 1], symbols[index], rule, text))
        }
        while true {
            var best = 0
            var bestRank = UInt32.max
            for index in candidates.indices where candidates[index].rank < bestRank {
                bestRank = candidates[index].rank
                best = index
            }
            if bestRank == .max { return }
            symbols[best].id = candidates[best].id
            symbols[best].end = symbols[best + 1].end
            symbols.remove(at: best + 1)
            candidates.remove(at: best)
            if best < candidates.count {
                candidates[best] = candidate(symbols[best], symbols[best + 1], rule, text)
            }
            if best > 0 {
                candidates[best - 1] = candidate(symbols[best - 1], symbols[best], rule, text)
            }
        }
    }

    /// A pair in the heap. Stale once its left symbol is gone or its right end has moved.
    private struct Entry {
        var rank: UInt32
        var left: Int32
        var end: UInt32
        var id: Int32

        func precedes(_ other: Entry) -> Bool { rank != other.rank ? rank < other.rank : left < other.left }
    }

    private mutating func runLong(_ rule: some MergeRule, _ text: borrowing Span<UInt8>) {
        let count = symbols.count
        // Links instead of removals; a removed symbol has next -2.
        var next = (1...count).map { Int32($0 == count ? -1 : $0) }
        var previous = (0..<count).map { Int32($0) - 1 }
        var heap: [Entry] = []
        func push(_ left: Int, _ text: borrowing Span<UInt8>) {
            let right = Int(next[left])
            let pair = candidate(symbols[left], symbols[right], rule, text)
            guard pair.rank != .max else { return }
            heap.append(Entry(rank: pair.rank, left: Int32(left), end: symbols[right].end, id: pair.id))
            var hole = heap.count - 1
            while hole > 0, heap[hole].precedes(heap[(hole - 1) / 2]) {
                heap.swapAt(hole, (hole - 1) / 2)
                hole = (hole - 1) / 2
            }
        }
        func pop() -> Entry? {
            guard let top = heap.first, let last = heap.popLast() else { return nil }
            if heap.isEmpty { return top }
            heap[0] = last
            var hole = 0
            while true {
                var child = 2 * hole + 1
                guard child < heap.count else { return top }
                if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
                guard heap[child].precedes(heap[hole]) else { return top }
                heap.swapAt(hole, child)
                hole = child
            }
        }
        for left in 0..<count - 1 { push(left, text) }
        while let entry = pop() {
            let left = Int(entry.left)
            let right = Int(next[left])
            guard right >= 0, symbols[right].end == entry.end else { continue }
            symbols[left].id = entry.id
            symbols[left].end = entry.end
            next[left] = next[right]
            next[right] = -2
            if next[left] >= 0 {
                previous[Int(next[left])] = Int32(left)
                push(left, text)
            }
            if previous[left] >= 0 { push(Int(previous[left]), text) }
        }
        var kept = 0
        for index in 0..<count where next[index] != -2 {
            symbols[kept] = symbols[index]
            kept += 1
        }
        symbols.removeSubrange(kept...)
    }
}

/// Merges listed one by one, as in BPE: a table from a pair of ids to rank and result.
struct RankedMerges: MergeRule {
    private struct Entry {
        /// `left << 32 | right` plus one; 0 is free.
        var key: UInt64 = 0
        /// `rank << 32 | id`.
        var value: UInt64 = 0
    }

    private var entries: [Entry]
    private let mask: Int

    /// How the file writes the parts of a merge.
    enum Spelling { case byteAlphabet, escapedSpaces }

    /// `merges` holds `left right` by rank; parts that are in no vocabulary entry can't occur and are left out.
    init(_ merges: ByteStrings, in spelling: Spelling, index: ByteStringIndex) throws(TokenizerError) {
        var capacity = 16
        while capacity < merges.count * 2 { capacity *= 2 }
        entries = [Entry](repeating: Entry(), count: capacity)
        mask = capacity - 1
        let bytes = merges.bytes.span
        var joined: [UInt8] = []
        var last: Int32 = -1
        // Entered in batches: a short loop over the table waits for many places in memory at once.
        var batch: [Entry] = []
        batch.reserveCapacity(Self.batchSize)
        for rank in 0..<merges.count {
            let range = merges.range(rank)
            // The separator is the first space that isn't the first letter.
            var space = range.lowerBound + 1
            while space < range.upperBound, bytes[space] != 0x20 { space += 1 }
            guard space + 1 < range.upperBound else { throw .inconsistent("merge \(rank) is no pair") }
            joined.removeAll(keepingCapacity: true)
            Self.decode(bytes, range.lowerBound..<space, spelling, into: &joined)
            let border = joined.count
            Self.decode(bytes, space + 1..<range.upperBound, spelling, into: &joined)
            let text = joined.span
            // Files list merges by their result, so it is mostly that of the merge before or the next entry.
            let whole = 0..<joined.count
            let result =
                index.finds(last + 1, text, whole)
                ? last + 1 : index.finds(last, text, whole) ? last : index.find(text, whole)
            guard result >= 0 else { continue }
            last = result
            let left = index.find(text, 0..<border)
            let right = index.find(text, border..<joined.count)
            guard left >= 0, right >= 0 else { continue }
            let value = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: result))
            batch.append(Entry(key: Self.key(left, right), value: value))
            if batch.count == Self.batchSize {
                insert(batch)
                batch.removeAll(keepingCapacity: true)
            }
        }
        insert(batch)
    }

    private static let batchSize = 1024

    @inline(__always)
    private static func decode(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, _ spelling: Spelling, into result: inout [UInt8]
    ) {
        switch spelling {
        case .byteAlphabet: ByteAlphabet.decode(bytes, range, into: &result)
        case .escapedSpaces: Vocabulary.unescapeSpaces(bytes, range, into: &result)
        }
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        (UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))) &+ 1
    }

    @inline(__always)
    private static func slot(_ key: UInt64, _ mask: Int) -> Int { Int((key &* 0x9E37_79B9_7F4A_7C15) >> 24) & mask }

    private mutating func insert(_ batch: [Entry]) {
        let mask = mask
        var entries = entries.mutableSpan
        for entry in batch {
            var slot = Self.slot(entry.key, mask)
            while entries[slot].key != 0, entries[slot].key != entry.key { slot = (slot + 1) & mask }
            if entries[slot].key == 0 { entries[slot] = entry }
        }
    }

    @inline(__always)
    func merge(
        _ left: Int32, _ right: Int32, _ text: borrowing Span<UInt8>, _ range: Range<Int>
    ) -> (rank: UInt32, id: Int32)? {
        if left < 0 || right < 0 { return nil }
        let key = Self.key(left, right)
        var slot = Self.slot(key, mask)
        while entries[slot].key != 0 {
            if entries[slot].key == key {
                let value = entries[slot].value
                return (UInt32(value >> 32), Int32(truncatingIfNeeded: value))
            }
            slot = (slot + 1) & mask
        }
        return nil
    }
}

/// SentencePiece's rule: any two symbols that together are a piece may be joined, the best score first.
struct ScoredPieces: MergeRule {
    private let index: ByteStringIndex
    /// Scores as ranks: 0 for the highest.
    private let ranks: [UInt32]

    init(_ scores: [Float], index: ByteStringIndex) {
        self.index = index
        // Order of IEEE bit patterns, turned round: a higher score is a lower rank. -0 counts as 0.
        ranks = scores.map { score in
            let bits = (score == 0 ? 0 : score).bitPattern
            let ascending = bits & 1 << 31 == 0 ? bits | 1 << 31 : ~bits
            return min(~ascending, .max - 1)
        }
    }

    @inline(__always)
    func merge(
        _ left: Int32, _ right: Int32, _ text: borrowing Span<UInt8>, _ range: Range<Int>
    ) -> (rank: UInt32, id: Int32)? {
        let id = index.find(text, range)
        return id < 0 ? nil : (ranks[Int(id)], id)
    }
}
