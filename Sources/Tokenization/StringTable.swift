// Many byte strings end to end, read without checks.

/// The strings of a `ByteStrings` in memory that never moves.
struct StringTable: Sendable {
    let bytes: Table<UInt8>
    /// `ends[i]` is where string `i` ends; it starts where the one before it ends.
    let ends: Table<UInt32>

    init(bytes: Table<UInt8>, ends: Table<UInt32>) {
        self.bytes = bytes
        self.ends = ends
    }

    init(_ strings: ByteStrings) {
        bytes = Table(strings.bytes)
        ends = Table(strings.ends.map { UInt32($0) })
    }

    var count: Int { ends.count }

    @inline(__always)
    var base: UnsafePointer<UInt8> { UnsafePointer(bytes.base) }

    /// All bytes.
    var view: TextView { TextView(base: base, count: bytes.count) }

    @inline(__always)
    func range(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }

    subscript(index: Int) -> UnsafeBufferPointer<UInt8> {
        let range = range(index)
        return UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    }
}
