// Byte-pair merging: starting from single symbols, the best adjacent pair is joined until no pair can be.
// What "best" means is a MergeRule; how a text is first cut into symbols is the encoders' affair.

/// Which adjacent symbols may be joined, and which pair goes first.
protocol MergeRule: Sendable {
    /// The rank (lower goes first, leftmost among equals) and id of two symbols that lie side by side in `range`; no
    /// rank is `UInt32.max`.
    func merge(_ left: Int32, _ right: Int32, _ text: TextView, _ range: Range<Int>) -> (rank: UInt32, id: Int32)?
}

/// The symbols of a piece, side by side: an id each, or -1 for a stretch without one, and where it starts. The next
/// symbol's start, after the last one an entry more, is where it ends.
struct PieceSymbols: BitwiseCopyable {
    let ids: UnsafeMutablePointer<Int32>
    let starts: UnsafeMutablePointer<UInt32>
    let capacity: Int

    fileprivate init(capacity: Int) {
        self.capacity = capacity
        ids = .allocate(capacity: capacity)
        starts = .allocate(capacity: capacity + 1)
    }

    /// Sets a symbol and where it ends.
    @inline(__always)
    func set(_ index: Int, _ id: Int32, _ start: Int, _ end: Int) {
        ids[index] = id
        starts[index] = UInt32(truncatingIfNeeded: start)
        starts[index &+ 1] = UInt32(truncatingIfNeeded: end)
    }

    @inline(__always)
    func range(_ index: Int) -> Range<Int> { Int(starts[index])..<Int(starts[index &+ 1]) }
}

/// Joins the symbols of one piece at a time. Belongs to one thread.
final class PairMerger {
    /// Filled in by the caller; `run` leaves the result.
    private(set) var symbols = PieceSymbols(capacity: 512)
    var count = 0
    private var links = MergeLinks(capacity: 512)

    deinit { free() }

    private func free() {
        symbols.ids.deallocate()
        symbols.starts.deallocate()
        links.free()
    }

    /// Begins a piece of up to `most` symbols; returns where they belong.
    func begin(most: Int) -> PieceSymbols {
        count = 0
        if most > symbols.capacity {
            free()
            symbols = PieceSymbols(capacity: most)
            links = MergeLinks(capacity: most)
        }
        return symbols
    }

    /// Says that the symbols lie further behind.
    func move(by distance: Int) {
        for index in 0...count { symbols.starts[index] += UInt32(truncatingIfNeeded: distance) }
    }

    @inline(__always)
    func run(_ rule: some MergeRule, _ text: TextView) {
        if count >= 2 { count = Merging(symbols: symbols, links: links, count: count, rule: rule, text: text).run() }
    }
}

/// Scratch memory for as many symbols.
private struct MergeLinks: BitwiseCopyable {
    /// Of a symbol and its right neighbour: the rank of joining them, `UInt32.max` where that isn't possible, and the
    /// id.
    let ranks: UnsafeMutablePointer<UInt32>
    let joined: UnsafeMutablePointer<Int32>
    /// Neighbours; a symbol that was joined to the one before it has next -2.
    let next: UnsafeMutablePointer<Int32>
    let previous: UnsafeMutablePointer<Int32>
    /// One entry for each neighbours at first, two for each join.
    let heap: UnsafeMutablePointer<HeapEntry>

    init(capacity: Int) {
        ranks = .allocate(capacity: capacity)
        joined = .allocate(capacity: capacity)
        next = .allocate(capacity: capacity)
        previous = .allocate(capacity: capacity)
        heap = .allocate(capacity: 3 * capacity)
    }

    func free() {
        ranks.deallocate()
        joined.deallocate()
        next.deallocate()
        previous.deallocate()
        heap.deallocate()
    }
}

/// A pair in the heap. Stale once its left symbol is gone or its right end has moved.
private struct HeapEntry: BitwiseCopyable {
    /// `rank << 32 | left`.
    var order: UInt64
    var end: UInt32
}

/// One piece being merged.
private struct Merging<Rule: MergeRule> {
    let symbols: PieceSymbols
    let links: MergeLinks
    let count: Int
    let rule: Rule
    let text: TextView

    private static var none: UInt32 { .max }

    /// Returns how many symbols are left.
    @inline(__always)
    func run() -> Int {
        for index in 0..<count {
            links.next[index] = Int32(truncatingIfNeeded: index &+ 1)
            links.previous[index] = Int32(truncatingIfNeeded: index) &- 1
        }
        if count <= PieceMerging.shortPiece { runShort() } else { runLong() }
        var kept = 0
        for index in 0..<count where links.next[index] != -2 {
            symbols.ids[kept] = symbols.ids[index]
            symbols.starts[kept] = symbols.starts[index]
            kept &+= 1
        }
        symbols.starts[kept] = symbols.starts[count]
        return kept
    }

    /// Finds out what joining a symbol with the one after it would give.
    @inline(__always)
    private func weigh(_ left: Int) {
        let right = Int(links.next[left])
        links.ranks[left] = Self.none
        guard right < count else { return }
        let range = Int(symbols.starts[left])..<Int(symbols.starts[Int(links.next[right])])
        if let merge = rule.merge(symbols.ids[left], symbols.ids[right], text, range) {
            links.ranks[left] = merge.rank
            links.joined[left] = merge.id
        }
    }

    /// Joins a symbol with the one after it; what is known of it and of the one before is stale then.
    @inline(__always)
    private func join(_ left: Int) {
        let right = Int(links.next[left])
        let after = links.next[right]
        symbols.ids[left] = links.joined[left]
        links.next[left] = after
        links.next[right] = -2
        links.ranks[right] = Self.none
        if Int(after) < count { links.previous[Int(after)] = Int32(truncatingIfNeeded: left) }
    }

    private func runShort() {
        for index in 0..<count { weigh(index) }
        let ranks = links.ranks
        while true {
            var best = Self.none
            for index in 0..<count { best = min(best, ranks[index]) }
            if best == Self.none { return }
            var left = 0
            while ranks[left] != best { left &+= 1 }
            join(left)
            weigh(left)
            if links.previous[left] >= 0 { weigh(Int(links.previous[left])) }
        }
    }

    private func runLong() {
        var size = 0
        for left in 0..<count - 1 { push(left, &size) }
        while size > 0 {
            let entry = pop(&size)
            let left = Int(entry.order & 0xFFFF_FFFF)
            let right = Int(links.next[left])
            guard right >= 0, right < count, symbols.starts[Int(links.next[right])] == entry.end else { continue }
            join(left)
            if Int(links.next[left]) < count { push(left, &size) }
            if links.previous[left] >= 0 { push(Int(links.previous[left]), &size) }
        }
    }

    private func push(_ left: Int, _ size: inout Int) {
        weigh(left)
        guard links.ranks[left] != Self.none else { return }
        let end = symbols.starts[Int(links.next[Int(links.next[left])])]
        let entry = HeapEntry(order: UInt64(links.ranks[left]) << 32 | UInt64(left), end: end)
        var hole = size
        size &+= 1
        while hole > 0, entry.order < links.heap[(hole &- 1) / 2].order {
            links.heap[hole] = links.heap[(hole &- 1) / 2]
            hole = (hole &- 1) / 2
        }
        links.heap[hole] = entry
    }

    private func pop(_ size: inout Int) -> HeapEntry {
        let heap = links.heap
        let top = heap[0]
        size &-= 1
        let last = heap[size]
        var hole = 0
        while true {
            var child = 2 &* hole &+ 1
            guard child < size else { break }
            if child &+ 1 < size, heap[child &+ 1].order < heap[child].order { child &+= 1 }
            guard heap[child].order < last.order else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = last
        return top
    }
}

enum PieceMerging {
    /// Up to this many symbols a linear search for the best pair beats a heap.
    static let shortPiece = 96
}

/// Merges listed one by one, as in BPE: a table from a pair of ids to rank and result.
struct RankedMerges: MergeRule {
    struct Entry: BitwiseCopyable {
        /// `left << 32 | right` plus one; 0 is free.
        var key: UInt64 = 0
        /// `rank << 32 | id`.
        var value: UInt64 = 0
    }

    let entries: Table<Entry>
    private let mask: Int

    /// Takes a table that was made before.
    init(entries: Table<Entry>) {
        self.entries = entries
        mask = entries.count - 1
    }

    /// How the file writes the parts of a merge.
    enum Spelling { case byteAlphabet, escapedSpaces }

    /// `merges` holds `left right` by rank; parts that are in no vocabulary entry can't occur and are left out.
    init(_ merges: ByteStrings, in spelling: Spelling, index: ByteStringIndex) throws(TokenizerError) {
        var capacity = 16
        while capacity < merges.count * 2 { capacity *= 2 }
        entries = Table(repeating: Entry(), count: capacity)
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
            let found: (result: Int32, left: Int32, right: Int32) = joined.withTextView { text in
                let whole = 0..<text.count
                // Files list merges by their result, so it is mostly that of the merge before or the next entry.
                let result =
                    index.finds(last + 1, text, whole)
                    ? last + 1 : index.finds(last, text, whole) ? last : index.find(text, whole)
                if result < 0 { return (-1, -1, -1) }
                return (result, index.find(text, 0..<border), index.find(text, border..<text.count))
            }
            guard found.result >= 0 else { continue }
            last = found.result
            guard found.left >= 0, found.right >= 0 else { continue }
            let value = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: found.result))
            batch.append(Entry(key: Self.key(found.left, found.right), value: value))
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

    private func insert(_ batch: [Entry]) {
        let mask = mask
        for entry in batch {
            var slot = Self.slot(entry.key, mask)
            while entries[slot].key != 0, entries[slot].key != entry.key { slot = (slot + 1) & mask }
            if entries[slot].key == 0 { entries[slot] = entry }
        }
    }

    @inline(__always)
    func merge(
        _ left: Int32, _ right: Int32, _ text: TextView, _ range: Range<Int>
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
    let ranks: Table<UInt32>

    init(ranks: Table<UInt32>, index: ByteStringIndex) {
        self.ranks = ranks
        self.index = index
    }

    init(_ scores: [Float], index: ByteStringIndex) {
        self.index = index
        // Order of IEEE bit patterns, turned round: a higher score is a lower rank. -0 counts as 0.
        ranks = Table(
            scores.map { score in
                let bits = (score == 0 ? 0 : score).bitPattern
                let ascending = bits & 1 << 31 == 0 ? bits | 1 << 31 : ~bits
                return min(~ascending, .max - 1)
            })
    }

    @inline(__always)
    func merge(
        _ left: Int32, _ right: Int32, _ text: TextView, _ range: Range<Int>
    ) -> (rank: UInt32, id: Int32)? {
        let id = index.find(text, range)
        return id < 0 ? nil : (ranks[Int(id)], id)
    }
}
