// The bytes of wire messages: how numbers, strings and lists are written and read back.
//
// Integers are LEB128, at most 63 bits, never negative; doubles are eight bytes, little-endian; strings and lists are
// a count and their contents. The reader checks each count against the bytes that are left before it believes it.

/// Why bytes are not a wire message.
package enum WireError: Error, Sendable, Equatable {
    /// The message ends before the field at this offset does.
    case truncated(offset: Int)
    /// A number is larger than its field allows.
    case outOfRange(offset: Int)
    /// A tag that this version does not know.
    case unknownTag(UInt8, offset: Int)
    /// A string is not UTF-8.
    case notUTF8(offset: Int)
    /// Bytes are left over behind the last field.
    case trailingBytes(Int)
    /// A frame announces more bytes than the receiver takes.
    case frameTooLarge(Int)
}

/// Appends fields to a message.
package struct WireWriter: Sendable {
    /// What was written.
    package private(set) var bytes: [UInt8] = []

    /// An empty message.
    package init() {}

    /// An empty message with memory for so many bytes.
    package init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// Writes a number that is not negative.
    package mutating func integer(_ value: Int) {
        precondition(value >= 0, "wire integers are not negative")
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Writes a number of either sign, zigzag, so that small ones stay short.
    package mutating func signed(_ value: Int) {
        let clamped = min(max(value, -Self.largest), Self.largest)
        integer(clamped << 1 ^ clamped >> 63)
    }

    /// Beyond every sum of coordinates; twice as much still fits into 63 bits.
    private static let largest = 1 << 60

    /// The nearest whole number to one that may be of any size, or none.
    package static func whole(_ value: Double) -> Int {
        value.isNaN ? 0 : Int(min(max(value.rounded(), -1e15), 1e15))
    }

    /// Writes a tag.
    package mutating func byte(_ value: UInt8) {
        bytes.append(value)
    }

    /// Writes a truth value.
    package mutating func bool(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    /// Writes a double.
    package mutating func double(_ value: Double) {
        var bits = value.bitPattern
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
        }
    }

    /// Writes a string.
    package mutating func string(_ value: String) {
        integer(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    /// Writes bytes behind their count.
    package mutating func blob(_ value: [UInt8]) {
        integer(value.count)
        bytes.append(contentsOf: value)
    }

    /// Writes bytes as they are, without a count.
    package mutating func raw(_ value: some Sequence<UInt8>) {
        bytes.append(contentsOf: value)
    }

    /// Writes a value that may be missing.
    package mutating func optional<T>(_ value: T?, _ write: (inout WireWriter, T) -> Void) {
        bool(value != nil)
        if let value { write(&self, value) }
    }

    /// Writes a list.
    package mutating func list<C: Collection>(_ values: C, _ write: (inout WireWriter, C.Element) -> Void) {
        integer(values.count)
        for value in values { write(&self, value) }
    }
}

/// Takes fields from a message.
package struct WireReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    /// Index of the next byte.
    package private(set) var offset: Int

    /// Reads from the first byte.
    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    /// What is left.
    package var rest: ArraySlice<UInt8> { bytes[offset...] }

    /// Reads a tag.
    package mutating func byte() throws(WireError) -> UInt8 {
        guard offset < bytes.endIndex else { throw .truncated(offset: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Takes the next bytes.
    private mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - offset else { throw .truncated(offset: offset) }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    /// Reads a number of at most 63 bits.
    package mutating func integer() throws(WireError) -> Int {
        let start = offset
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 63, by: 7) {
            let part = try byte()
            value |= UInt64(part & 0x7f) << shift
            if part < 0x80 { return Int(value) }
        }
        throw .outOfRange(offset: start)
    }

    /// Reads a number within bounds.
    package mutating func integer(in range: ClosedRange<Int>) throws(WireError) -> Int {
        let start = offset
        let value = try integer()
        guard range.contains(value) else { throw .outOfRange(offset: start) }
        return value
    }

    /// Reads a number of either sign.
    package mutating func signed() throws(WireError) -> Int {
        let value = try integer()
        return value >> 1 ^ -(value & 1)
    }

    /// Reads a truth value.
    package mutating func bool() throws(WireError) -> Bool {
        try integer(in: 0...1) == 1
    }

    /// Reads a double; one that is no number is refused.
    package mutating func double() throws(WireError) -> Double {
        let start = offset
        let bits = try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        let value = Double(bitPattern: bits)
        guard value.isFinite else { throw .outOfRange(offset: start) }
        return value
    }

    /// Reads a string, which must be UTF-8.
    package mutating func string() throws(WireError) -> String {
        let count = try integer()
        let start = offset
        guard let value = String(validating: try take(count), as: UTF8.self) else { throw .notUTF8(offset: start) }
        return value
    }

    /// Reads bytes behind their count.
    package mutating func blob() throws(WireError) -> [UInt8] {
        Array(try take(try integer()))
    }

    /// Reads a value that may be missing.
    package mutating func optional<T>(_ read: (inout WireReader) throws(WireError) -> T) throws(WireError) -> T? {
        try bool() ? try read(&self) : nil
    }

    /// Reads a list. Each item takes a byte at least, so a count beyond the bytes left is a lie.
    package mutating func list<T>(_ read: (inout WireReader) throws(WireError) -> T) throws(WireError) -> [T] {
        let start = offset
        let count = try integer()
        guard count <= bytes.endIndex - offset else { throw .truncated(offset: start) }
        var values: [T] = []
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    /// Ends a message: nothing may be left.
    package func finish() throws(WireError) {
        guard offset == bytes.endIndex else { throw .trailingBytes(bytes.endIndex - offset) }
    }
}
