// Remembers how pieces of text came out: words repeat. Bounded, and no answer ever depends on what it holds.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A hash table in lines of 64 bytes, two entries each, of which a new piece replaces one.
///
/// An entry is a key of 16 bytes and up to four ids. The key of a piece of up to 15 bytes is the piece itself, zeros,
/// and its length; that of a longer one is a hash, and the piece lies in the arena. So do ids that are more than four.
/// Belongs to one thread at a time.
final class PieceCache {
    struct Key {
        var low: UInt64
        var high: UInt64
    }

    /// Up to four ids, the first with their number in its upper four bits; or `inArena` there, then the place in the
    /// arena and the number.
    typealias Value = SIMD4<UInt32>

    static let inArena: UInt32 = 15
    /// Longer pieces are rarely seen twice.
    static let longestPiece = 255
    /// Ids take less than this.
    static let idMask: UInt32 = 0x0FFF_FFFF

    private static let lineBytes = 64
    private static let fewestLines = 1 << 12
    private static let mostLines = 1 << 18
    private static let arenaBytes = 16 << 20

    private var table: UnsafeMutableRawPointer
    private var lines: Int
    let arena: UnsafeMutableRawPointer
    private var arenaUsed = 0
    private var turn: UInt = 0

    /// Bytes that one may come to hold; the system gives them as they are used.
    static var mostBytes: Int { mostLines * lineBytes + arenaBytes }

    init() {
        lines = Self.fewestLines
        table = Self.reserve(lines * Self.lineBytes)
        arena = Self.reserve(Self.arenaBytes)
    }

    deinit {
        munmap(table, lines * Self.lineBytes)
        munmap(arena, Self.arenaBytes)
    }

    /// Makes room for the words of a text; a larger table starts empty.
    func prepare(forText byteCount: Int) {
        var wanted = lines
        while wanted < Self.mostLines, wanted < byteCount / 32 { wanted *= 2 }
        if wanted == lines { return }
        munmap(table, lines * Self.lineBytes)
        lines = wanted
        table = Self.reserve(lines * Self.lineBytes)
        arenaUsed = 0
    }

    /// Zeros that take no memory until they are touched.
    private static func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        #if canImport(Darwin)
            let flags = MAP_PRIVATE | MAP_ANON
        #else
            let flags = MAP_PRIVATE | MAP_ANONYMOUS
        #endif
        guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
            fatalError("no memory for a table of \(count) bytes")
        }
        #if os(Linux)
            madvise(start, count, MADV_HUGEPAGE)
        #endif
        return start
    }

    /// The key of `length` bytes, 1...15, of the 16 at `start`.
    @inline(__always)
    static func key(_ start: UnsafeRawPointer, length: Int) -> Key {
        let low = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
        let high = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        // Shifts count modulo 64.
        let mask = (1 as UInt64) &<< UInt64(truncatingIfNeeded: length &* 8) &- 1
        return Key(
            low: low & (length < 8 ? mask : ~0),
            high: high & (length < 8 ? 0 : mask) | UInt64(truncatingIfNeeded: length) &<< 56)
    }

    /// The key of a piece of more than 15 bytes.
    static func longKey(_ start: UnsafePointer<UInt8>, length: Int) -> Key {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        let raw = UnsafeRawPointer(start)
        var offset = 0
        while offset + 8 <= length {
            hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self), 0xA076_1D64_78BD_642F)
            offset += 8
        }
        let last = raw.loadUnaligned(fromByteOffset: length - 8, as: UInt64.self)
        hash = mix(hash ^ last, 0xE703_7ED1_A0B4_28DB)
        return Key(low: hash, high: 0xFF << 56 | UInt64(length))
    }

    @inline(__always)
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (high, low) = left.multipliedFullWidth(by: right)
        return high ^ low
    }

    /// Where a key may be.
    @inline(__always)
    func line(_ key: Key) -> UnsafeMutableRawPointer {
        let hash = Self.mix(key.low ^ 0xA076_1D64_78BD_642F, key.high ^ 0xE703_7ED1_A0B4_28DB)
        return table + (Int(truncatingIfNeeded: hash) & (lines &- 1)) &* Self.lineBytes
    }

    /// What is known of a piece; for keys of long ones the caller compares the piece itself.
    @inline(__always)
    static func find(_ key: Key, in line: UnsafeMutableRawPointer) -> UnsafePointer<Value>? {
        var entry = UnsafeRawPointer(line)
        if entry.load(as: UInt64.self) != key.low || entry.load(fromByteOffset: 8, as: UInt64.self) != key.high {
            entry += 32
            if entry.load(as: UInt64.self) != key.low || entry.load(fromByteOffset: 8, as: UInt64.self) != key.high {
                return nil
            }
        }
        return (entry + 16).assumingMemoryBound(to: Value.self)
    }

    /// Keeps ids, and the bytes of a long piece.
    func store(_ key: Key, _ ids: UnsafeBufferPointer<Int32>, _ piece: UnsafeBufferPointer<UInt8>) {
        var value = Value()
        let isLong = piece.count > 15
        if ids.count <= 4, !isLong {
            for (index, id) in ids.enumerated() { value[index] = UInt32(bitPattern: id) }
            value[0] |= UInt32(ids.count) << 28
        } else {
            let bytes = ids.count * 4 + (isLong ? piece.count : 0)
            if arenaUsed + bytes > Self.arenaBytes { clear() }
            let start = arena + arenaUsed
            if let source = ids.baseAddress { start.copyMemory(from: source, byteCount: ids.count * 4) }
            if isLong, let source = piece.baseAddress {
                (start + ids.count * 4).copyMemory(from: source, byteCount: piece.count)
            }
            value = Value(Self.inArena << 28, UInt32(arenaUsed), UInt32(ids.count), 0)
            arenaUsed += (bytes + 7) & ~7
        }
        var entry = line(key)
        // The free one, or either by turns.
        if entry.load(fromByteOffset: 8, as: UInt64.self) != 0 {
            turn &+= 1
            if entry.load(fromByteOffset: 40, as: UInt64.self) == 0 || turn & 1 == 0 { entry += 32 }
        }
        entry.storeBytes(of: key.low, as: UInt64.self)
        entry.storeBytes(of: key.high, toByteOffset: 8, as: UInt64.self)
        entry.storeBytes(of: value, toByteOffset: 16, as: Value.self)
    }

    private func clear() {
        memset(table, 0, lines * Self.lineBytes)
        arenaUsed = 0
    }
}

extension PieceCache {
    /// The key of a piece of up to `longestPiece` bytes.
    @inline(__always)
    static func key(_ text: TextView, _ start: Int, length: Int) -> Key {
        let place = text.base + start
        if length > 15 { return longKey(place, length: length) }
        if start <= text.count &- 16 { return key(UnsafeRawPointer(place), length: length) }
        return lastKey(place, length)
    }

    /// At the end of the text there are no 16 bytes to read.
    @inline(never)
    private static func lastKey(_ place: UnsafePointer<UInt8>, _ length: Int) -> Key {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { padded in
            guard let start = padded.baseAddress else { return Key(low: 0, high: 0) }
            start.initializeMemory(as: UInt8.self, repeating: 0, count: 16)
            start.copyMemory(from: place, byteCount: length)
            return key(start, length: length)
        }
    }

    /// Writes ids that lie in the arena; nil where the piece is another one with the same hash.
    @inline(__always)
    func copy(
        _ value: Value, _ piece: UnsafePointer<UInt8>, _ length: Int, to ids: UnsafeMutablePointer<Int32>
    ) -> Int? {
        let count = Int(truncatingIfNeeded: value[2])
        let start = arena + Int(truncatingIfNeeded: value[1])
        if length > 15, memcmp(start + count &* 4, piece, length) != 0 { return nil }
        UnsafeMutableRawPointer(ids).copyMemory(from: start, byteCount: count &* 4)
        return count
    }
}
