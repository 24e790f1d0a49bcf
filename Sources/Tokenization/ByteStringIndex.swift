// Finds vocabulary entries by their bytes.

/// A hash table over some strings of a `ByteStrings`: open addressing, no allocation per entry, no copy per look-up.
struct ByteStringIndex: Sendable {
    private let strings: ByteStrings
    /// Upper half: hash; lower half: index of the string plus one. 0 is free.
    private var slots: [UInt64]
    private let mask: Int

    /// Indexes the strings for which `include` is true. Of equal strings the first is found.
    init(_ strings: ByteStrings, include: (Int) -> Bool) {
        self.strings = strings
        var capacity = 16
        while capacity < strings.count * 2 { capacity *= 2 }
        slots = [UInt64](repeating: 0, count: capacity)
        mask = capacity - 1
        let bytes = strings.bytes.span
        for index in 0..<strings.count where include(index) {
            let range = strings.range(index)
            guard !range.isEmpty else { continue }
            let hash = Self.hash(bytes, range)
            var slot = Int(hash) & mask
            while slots[slot] != 0 {
                if slots[slot] >> 32 == hash, strings[Int(slots[slot] & 0xFFFF_FFFF) - 1] == strings[index] { break }
                slot = (slot + 1) & mask
            }
            if slots[slot] == 0 { slots[slot] = hash << 32 | UInt64(index + 1) }
        }
    }

    /// 32 bits of hash. FNV-1a with a last mix: entries are short.
    @inline(__always)
    static func hash(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for offset in range { hash = (hash ^ UInt64(text[offset])) &* 0x100_0000_01B3 }
        return ((hash ^ (hash >> 29)) &* 0xBF58_476D_1CE4_E5B9) >> 32
    }

    /// The index of the string that equals a stretch of a text; -1 if there is none.
    func find(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> Int32 {
        find(text, range, hash: Self.hash(text, range))
    }

    @inline(__always)
    func find(_ text: borrowing Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int32 {
        let bytes = strings.bytes.span
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash {
                let index = Int(slots[slot] & 0xFFFF_FFFF) - 1
                let own = strings.range(index)
                if own.count == range.count {
                    var offset = 0
                    while offset < range.count, bytes[own.lowerBound + offset] == text[range.lowerBound + offset] {
                        offset += 1
                    }
                    if offset == range.count { return Int32(index) }
                }
            }
            slot = (slot + 1) & mask
        }
        return -1
    }

    func find(_ string: some Collection<UInt8>) -> Int32 {
        let bytes = Array(string)
        return find(bytes.span, 0..<bytes.count)
    }
}
