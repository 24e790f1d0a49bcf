// Memory of fixed size that is written once and then read by all threads without checks.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Elements at a fixed place. What it stands on, own memory or a part of a mapped file, lives as long as it does.
///
/// Unchecked: elements are written here and in the initializer of what the table is a part of, while no other thread
/// has it, and only read afterwards.
final class Table<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>
    let count: Int
    /// Keeps memory alive that isn't ours.
    private let owner: AnyObject?

    /// Allocates; every element has the same value.
    init(repeating value: Element, count: Int) {
        base = .allocate(capacity: max(count, 1))
        base.initialize(repeating: value, count: count)
        self.count = count
        owner = nil
    }

    convenience init(_ elements: [Element]) {
        self.init(count: elements.count) { base in
            elements.withUnsafeBufferPointer { source in
                if let start = source.baseAddress { base.initialize(from: start, count: source.count) }
            }
        }
    }

    /// Allocates; the closure writes all elements.
    init(count: Int, fill: (UnsafeMutablePointer<Element>) -> Void) {
        base = .allocate(capacity: max(count, 1))
        fill(base)
        self.count = count
        owner = nil
    }

    /// Elements that lie in somebody else's memory; they are never written.
    init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        count = bytes.count / MemoryLayout<Element>.stride
        guard let start = bytes.baseAddress else { preconditionFailure("a table in no memory") }
        base = UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: Element.self))
        self.owner = owner
    }

    /// All of it.
    var rawBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base, count: count * MemoryLayout<Element>.stride)
    }

    deinit { if owner == nil { base.deallocate() } }

    @inline(__always)
    subscript(index: Int) -> Element {
        get { base[index] }
        set { base[index] = newValue }
    }
}

/// Bytes of well-formed UTF-8 on their way through an encoder; whoever holds one keeps the memory alive.
struct TextView {
    let base: UnsafePointer<UInt8>
    let count: Int

    @inline(__always)
    subscript(offset: Int) -> UInt8 { base[offset] }

    /// Two stretches of the same length hold the same.
    @inline(__always)
    func equals(_ start: Int, _ other: Range<Int>) -> Bool {
        memcmp(base + start, base + other.lowerBound, other.count) == 0
    }

    func continues(with bytes: UnsafeBufferPointer<UInt8>, at offset: Int) -> Bool {
        guard let start = bytes.baseAddress, offset + bytes.count <= count else { return false }
        return memcmp(base + offset, start, bytes.count) == 0
    }

    /// The character that starts at `offset`, and its length in bytes.
    @inline(__always)
    func scalar(at offset: Int) -> (value: UInt32, length: Int) {
        let first = UInt32(base[offset])
        if first < 0x80 { return (first, 1) }
        if first < 0xE0 { return ((first & 0x1F) << 6 | UInt32(base[offset + 1] & 0x3F), 2) }
        if first < 0xF0 {
            return ((first & 0xF) << 12 | UInt32(base[offset + 1] & 0x3F) << 6 | UInt32(base[offset + 2] & 0x3F), 3)
        }
        return (
            (first & 7) << 18 | UInt32(base[offset + 1] & 0x3F) << 12 | UInt32(base[offset + 2] & 0x3F) << 6
                | UInt32(base[offset + 3] & 0x3F), 4
        )
    }

    /// The character that ends at `offset`, which is more than 0, and its length in bytes.
    func scalar(before offset: Int) -> (value: UInt32, length: Int) {
        var start = offset - 1
        while start > 0, base[start] & 0xC0 == 0x80 { start -= 1 }
        return (scalar(at: start).value, offset - start)
    }
}

extension [UInt8] {
    /// Lends the bytes; the view must not leave the closure.
    @inline(__always)
    func withTextView<Result>(_ body: (TextView) throws -> Result) rethrows -> Result {
        try withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress { return try body(TextView(base: base, count: buffer.count)) }
            var nothing: UInt8 = 0
            return try withUnsafePointer(to: &nothing) { try body(TextView(base: $0, count: 0)) }
        }
    }
}
