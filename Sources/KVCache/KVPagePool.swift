// The bytes of pages of one size. Grows by slabs as pages are first used and keeps what it has.

import Tensors

/// Memory for the pages of one pool.
struct KVPagePool {
    /// Pages that are allocated together.
    static let slabPages = 16

    private final class Slab {
        let bytes: Buffer<UInt8>
        init(bytes count: Int) { bytes = Buffer(count: count) }
    }

    /// Bytes of one page, keys and values; a multiple of 64.
    let pageBytes: Int
    private var slabs: [Slab?] = []

    init(pageBytes: Int) {
        self.pageBytes = pageBytes
    }

    /// Bytes allocated so far.
    var residentBytes: Int {
        slabs.reduce(0) { $0 + ($1?.bytes.byteCount ?? 0) }
    }

    /// The first byte of a page; aligned to 64 bytes, valid as long as the pool.
    mutating func address(_ index: Int) -> UnsafeMutableRawPointer {
        let slab = index / Self.slabPages
        while slabs.count <= slab { slabs.append(nil) }
        let owner = slabs[slab] ?? Slab(bytes: Self.slabPages * pageBytes)
        slabs[slab] = owner
        return unsafe UnsafeMutableRawPointer(owner.bytes.pointer) + (index % Self.slabPages) * pageBytes
    }
}
