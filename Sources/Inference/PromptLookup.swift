// Finds where the last tokens of a sequence stood before, so that what followed them there can be tried again.
//
// Owns the index only; what is done with a find is `Speculator`'s. Finds are compared with the tokens themselves, so
// that collisions do no harm. Slices begin at position 0.

/// A table from runs of two to four tokens to the position behind their last occurrence.
///
/// Costs three writes per token and at most 128 MiB; of longer sequences the newest occurrences stay. Cutting a sequence
/// back into what it began with makes the table anew when it is next asked.
struct PromptLookup {
    /// Where the sequence may go on as it did before.
    struct Match: Equatable {
        /// Position of the token that came next.
        var source: Int
        /// Tokens that agree before it, counted up to `longest`.
        var length: Int
    }

    /// No agreement is measured further back.
    static let longest = 32
    /// Lengths of the runs in the table, those tried first in front.
    private static let runs = [4, 3, 2]
    private static let smallestTable = 1 << 12
    private static let largestTable = 1 << 25

    /// The most bytes that sequences of this length take: tables are at most half as large again as they need be.
    static func bytes(tokens: Int) -> Int { min(largestTable, 6 * tokens) * MemoryLayout<UInt32>.size }

    /// The position behind a run, 0 where there is none.
    private var slots: [Int32] = []
    /// Runs that end before this position are in the table.
    private var indexed = 0
    /// Where the output begins: what its runs took the place of is kept, so that it comes back when they are cut off.
    private var base = 0
    private var replaced: [(end: Int32, slot: Int32, value: Int32)] = []

    /// The output begins behind `count` tokens.
    mutating func begin(at count: Int) {
        base = count
        replaced.removeAll(keepingCapacity: true)
    }

    /// The latest place at which the longest run stood that ends `tokens`.
    mutating func match(_ tokens: ArraySlice<Int32>) -> Match? {
        index(tokens)
        for run in Self.runs where run < tokens.count {
            let source = Int(slots[slot(tokens, end: tokens.count, run: run)])
            guard source > 0, source < tokens.count else { continue }
            let length = Self.agreement(tokens, source)
            if length >= run { return Match(source: source, length: length) }
        }
        return nil
    }

    /// The sequence was cut back to `count` tokens.
    mutating func shorten(to count: Int) {
        guard count < indexed else { return }
        while let last = replaced.last, last.end >= count {
            slots[Int(last.slot)] = last.value
            replaced.removeLast()
        }
        indexed = count
        // Runs of the prompt took the places of earlier ones for good.
        if count < base { slots.removeAll() }
    }

    /// Tokens before `source` that equal the last ones.
    private static func agreement(_ tokens: ArraySlice<Int32>, _ source: Int) -> Int {
        var length = 0
        while length < min(longest, source), tokens[source - 1 - length] == tokens[tokens.count - 1 - length] {
            length += 1
        }
        return length
    }

    /// Takes up the runs that end before the last token; those at the end would find themselves.
    private mutating func index(_ tokens: ArraySlice<Int32>) {
        if slots.count < Self.largestTable, slots.count < Self.runs.count * tokens.count {
            // Twice what is needed now, so that growing costs little per token.
            var size = Self.smallestTable
            while size < 2 * Self.runs.count * tokens.count, size < Self.largestTable { size *= 2 }
            slots = Array(repeating: 0, count: size)
            replaced.removeAll(keepingCapacity: true)
            indexed = 0
        }
        for end in stride(from: max(indexed, 1), to: tokens.count, by: 1) {
            for run in Self.runs where run <= end {
                let slot = slot(tokens, end: end, run: run)
                if end >= base { replaced.append((Int32(end), Int32(slot), slots[slot])) }
                slots[slot] = Int32(end)
            }
        }
        indexed = max(indexed, tokens.count)
    }

    /// The slot of the run of tokens that ends before `end`.
    private func slot(_ tokens: ArraySlice<Int32>, end: Int, run: Int) -> Int {
        var hash = UInt64(run)
        for position in end - run..<end {
            hash = (hash ^ UInt64(UInt32(bitPattern: tokens[position]))) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return Int(truncatingIfNeeded: hash >> 32) & (slots.count - 1)
    }
}
