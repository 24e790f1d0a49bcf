// Finds vocabulary entries by their bytes.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A hash table over some strings of a `StringTable`: open addressing, no allocation per entry, no copy per look-up.
struct ByteStringIndex: Sendable {
    struct Slot: BitwiseCopyable {
        /// A string of up to eight bytes itself, so that looking it up touches nothing else; of longer ones a hash.
        var word: UInt64 = 0
        /// Length of the string, and its index plus one; 0 is free.
        var count: UInt32 = 0
        var next: UInt32 = 0
    }

    private let strings: StringTable
    let slots: Table<Slot>
    private let mask: Int
    /// Which strings can be found.
    private var isFound: [Bool]

    /// Indexes the strings for which `include` is true. Of equal strings the first is found.
    init(_ strings: StringTable, include: (Int) -> Bool) {
        self.strings = strings
        var capacity = 16
        while capacity < strings.count * 2 { capacity *= 2 }
        slots = Table(repeating: Slot(), count: capacity)
        mask = capacity - 1
        isFound = [Bool](repeating: false, count: strings.count)
        let bytes = strings.view
        for index in 0..<strings.count where include(index) {
            let range = strings.range(index)
            guard !range.isEmpty else { continue }
            let word = Self.word(bytes, range)
            let slot = slot(of: word, bytes, range)
            guard slots[slot].next == 0 else { continue }
            slots[slot] = Slot(word: word, count: UInt32(range.count), next: UInt32(index + 1))
            isFound[index] = true
        }
    }

    /// Takes a table that was made before, of the same strings; it can't say what it `finds`.
    init(_ strings: StringTable, slots: Table<Slot>) {
        self.strings = strings
        self.slots = slots
        mask = slots.count - 1
        isFound = []
    }

    /// FNV-1a with a last mix: entries are short.
    @inline(__always)
    private static func longHash(_ text: TextView, _ range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for offset in range { hash = (hash ^ UInt64(text[offset])) &* 0x100_0000_01B3 }
        return (hash ^ (hash >> 29)) &* 0xBF58_476D_1CE4_E5B9
    }

    @inline(__always)
    private static func word(_ text: TextView, _ range: Range<Int>) -> UInt64 {
        if range.count > 8 { return longHash(text, range) }
        var word: UInt64 = 0
        for offset in range { word = word << 8 | UInt64(text[offset]) }
        return word
    }

    /// Where a string is, or the free slot where it would be.
    @inline(__always)
    private func slot(of word: UInt64, _ text: TextView, _ range: Range<Int>) -> Int {
        let mixed = (word ^ (word >> 32) ^ UInt64(range.count)) &* 0x9E37_79B9_7F4A_7C15
        var slot = Int(truncatingIfNeeded: mixed >> 32) & mask
        while true {
            let entry = slots[slot]
            if entry.next == 0 { return slot }
            if entry.word == word, Int(entry.count) == range.count,
                range.count <= 8 || equals(Int(entry.next) - 1, text, range)
            {
                return slot
            }
            slot = (slot + 1) & mask
        }
    }

    @inline(__always)
    private func equals(_ index: Int, _ text: TextView, _ range: Range<Int>) -> Bool {
        let own = strings.range(index)
        return own.count == range.count
            && memcmp(strings.base + own.lowerBound, text.base + range.lowerBound, range.count) == 0
    }

    /// The index of the string that equals a stretch of a text; -1 if there is none.
    func find(_ text: TextView, _ range: Range<Int>) -> Int32 {
        if range.isEmpty { return -1 }
        return Int32(bitPattern: slots[slot(of: Self.word(text, range), text, range)].next) - 1
    }

    /// Whether `find` would give this index; cheaper than finding out where neighbours are asked for in turn.
    @inline(__always)
    func finds(_ index: Int32, _ text: TextView, _ range: Range<Int>) -> Bool {
        index >= 0 && index < strings.count && isFound[Int(index)] && equals(Int(index), text, range)
    }

    func find(_ string: some Collection<UInt8>) -> Int32 {
        Array(string).withTextView { find($0, 0..<$0.count) }
    }
}
