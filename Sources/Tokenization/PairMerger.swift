// Byte-pair merging: starting from single symbols, the best adjacent pair is joined until no pair can be.
// What "best" means is a MergeRule; how a text is first cut into symbols is the encoders' affair.

/// Which adjacent symbols may be joined, and which pair goes first.
protocol MergeRule: Sendable {
    /// The rank (lower goes first, leftmost among equals) and id of two symbols that lie side by side in `range`; no
    /// rank is `UInt32.max`.
    func merge(_ left: Int32, _ right: Int32, _ text: TextView, _ range: Range<Int>) -> (rank: UInt32, id: Int32)?
}

/// Joins the symbols of one piece at a time. Belongs to one thread.
///
/// A symbol is an id, or -1 for a stretch without one, and lies from its start to the start of the next.
final class PairMerger {
    /// The piece's symbols; the caller fills them in, `run` leaves the result.
    private(set) var ids: UnsafeMutablePointer<Int32>
    /// One more than symbols: where the last ends.
    private(set) var starts: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    private(set) var capacity = 0

    /// Of a symbol and its right neighbour: the rank of joining them, `none` where that isn't possible, and the id.
    private var ranks: UnsafeMutablePointer<UInt32>
    private var joined: UnsafeMutablePointer<Int32>
    private var next: UnsafeMutablePointer<Int32>
    private var previous: UnsafeMutablePointer<Int32>
    private var heap: [Entry] = []

    private static let none = UInt32.max
    /// Up to this many symbols a linear search for the best pair beats a heap.
    private static let shortPiece = 96

    init() {
        capacity = 512
        (ids, joined, next, previous) = (
            .allocate(capacity: capacity), .allocate(capacity: capacity), .allocate(capacity: capacity),
            .allocate(capacity: capacity)
        )
        (starts, ranks) = (.allocate(capacity: capacity + 1), .allocate(capacity: capacity))
    }

    deinit { free() }

    private func free() {
        for place in [ids, joined, next, previous] { place.deallocate() }
        for place in [starts, ranks] { place.deallocate() }
    }

    /// Begins a piece of up to `most` symbols.
    func begin(most: Int) {
        count = 0
        if most <= capacity { return }
        free()
        capacity = most
        (ids, joined, next, previous) = (
            .allocate(capacity: capacity), .allocate(capacity: capacity), .allocate(capacity: capacity),
            .allocate(capacity: capacity)
        )
        (starts, ranks) = (.allocate(capacity: capacity + 1), .allocate(capacity: capacity))
    }

    /// Adds a symbol that ends at `end`; the first one's start is `start`.
    @inline(__always)
    func add(_ id: Int32, start: Int, end: Int) {
        ids[count] = id
        starts[count] = UInt32(truncatingIfNeeded: start)
        starts[count &+ 1] = UInt32(truncatingIfNeeded: end)
        count &+= 1
    }

    @inline(__always)
    func range(_ index: Int) -> Range<Int> { Int(starts[index])..<Int(starts[index &+ 1]) }

    @inline(__always)
    func run(_ rule: some MergeRule, _ text: TextView) {
        if count < 2 { return }
        // Links instead of removals; a symbol that was joined to the one before it has next -2.
        for index in 0..<count {
            next[index] = Int32(truncatingIfNeeded: index &+ 1)
            previous[index] = Int32(truncatingIfNeeded: index) &- 1
        }
        if count <= Self.shortPiece { runShort(rule, text) } else { runLong(rule, text) }
        var kept = 0
        for index in 0..<count where next[index] != -2 {
            ids[kept] = ids[index]
            starts[kept] = starts[index]
            kept &+= 1
        }
        starts[kept] = starts[count]
        count = kept
    }

    /// Finds out what joining a symbol with the one after it would give.
    @inline(__always)
    private func weigh(_ left: Int, _ rule: some MergeRule, _ text: TextView) {
        let right = Int(next[left])
        guard right < count else { return ranks[left] = Self.none }
        let range = Int(starts[left])..<Int(starts[Int(next[right])])
        if let merge = rule.merge(ids[left], ids[right], text, range) {
            ranks[left] = merge.rank
            joined[left] = merge.id
        } else {
            ranks[left] = Self.none
        }
    }

    /// Joins a symbol with the one after it; `ranks` of it and of the one before are stale then.
    @inline(__always)
    private func join(_ left: Int) {
        let right = Int(next[left])
        ids[left] = joined[left]
        next[left] = next[right]
        next[right] = -2
        ranks[right] = Self.none
        if Int(next[left]) < count { previous[Int(next[left])] = Int32(truncatingIfNeeded: left) }
    }

    private func runShort(_ rule: some MergeRule, _ text: TextView) {
        for index in 0..<count { weigh(index, rule, text) }
        while true {
            var best = Self.none
            for index in 0..<count { best = min(best, ranks[index]) }
            if best == Self.none { return }
            var left = 0
            while ranks[left] != best { left &+= 1 }
            join(left)
            weigh(left, rule, text)
            if previous[left] >= 0 { weigh(Int(previous[left]), rule, text) }
        }
    }

    /// A pair in the heap. Stale once its left symbol is gone or its right end has moved.
    private struct Entry {
        /// `rank << 32 | left`.
        var order: UInt64
        var end: UInt32
    }

    private func runLong(_ rule: some MergeRule, _ text: TextView) {
        heap.removeAll(keepingCapacity: true)
        for left in 0..<count - 1 { push(left, rule, text) }
        while let entry = pop() {
            let left = Int(entry.order & 0xFFFF_FFFF)
            let right = Int(next[left])
            guard right >= 0, right < count, starts[Int(next[right])] == entry.end else { continue }
            join(left)
            if Int(next[left]) < count { push(left, rule, text) }
            if previous[left] >= 0 { push(Int(previous[left]), rule, text) }
        }
    }

    private func push(_ left: Int, _ rule: some MergeRule, _ text: TextView) {
        weigh(left, rule, text)
        guard ranks[left] != Self.none else { return }
        let entry = Entry(order: UInt64(ranks[left]) << 32 | UInt64(left), end: starts[Int(next[Int(next[left])])])
        heap.append(entry)
        heap.withUnsafeMutableBufferPointer { heap in
            var hole = heap.count - 1
            while hole > 0, entry.order < heap[(hole - 1) / 2].order {
                heap[hole] = heap[(hole - 1) / 2]
                hole = (hole - 1) / 2
            }
            heap[hole] = entry
        }
    }

    private func pop() -> Entry? {
        guard let top = heap.first, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return top }
        heap.withUnsafeMutableBufferPointer { heap in
            var hole = 0
            while true {
                var child = 2 * hole + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1].order < heap[child].order { child += 1 }
                guard heap[child].order < last.order else { break }
                heap[hole] = heap[child]
                hole = child
            }
            heap[hole] = last
        }
        return top
    }
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
