// Checks of UTF-8, as quick as they can be for text that has nothing wrong.

import CTextScan

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

enum Utf8 {
    /// The bytes of the character at a place where four bytes can be read, the first lowest, and how many they are.
    @inline(__always)
    static func bytes(at place: UnsafePointer<UInt8>) -> (value: UInt32, length: Int) {
        let word = UInt32(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt32.self))
        // Two bits for each value of the upper four bits of the first byte: its length less one.
        let length = (0xE500_0000 as UInt32) &>> ((word & 0xF0) &>> 3) & 3
        return (word & (~0 as UInt32) &>> (24 &- length &* 8), Int(truncatingIfNeeded: length) &+ 1)
    }

    /// The bytes of a character, the first lowest.
    static func bytes(of scalar: UInt32) -> UInt32 {
        if scalar < 0x80 { return scalar }
        let last = (scalar & 0x3F | 0x80)
        if scalar < 0x800 { return 0xC0 | scalar >> 6 | last << 8 }
        let third = (scalar >> 6 & 0x3F | 0x80)
        if scalar < 0x10000 { return 0xE0 | scalar >> 12 | third << 8 | last << 16 }
        return 0xF0 | scalar >> 18 | (scalar >> 12 & 0x3F | 0x80) << 8 | third << 16 | last << 24
    }

    /// All of 32 bytes are below 0x80.
    @inline(__always)
    static func isASCII32(_ text: UnsafePointer<UInt8>) -> Bool {
        let raw = UnsafeRawPointer(text)
        let words = raw.loadUnaligned(as: SIMD4<UInt64>.self)
        return (words[0] | words[1] | words[2] | words[3]) & 0x8080_8080_8080_8080 == 0
    }

    /// The length of the well-formed sequence at `offset`, or nil.
    @inline(__always)
    static func length(_ text: TextView, _ offset: Int) -> Int? {
        let (length, valid) = sequence(text, offset)
        return valid ? length : nil
    }

    /// The length of the sequence at `offset`, or of the longest part of it that could begin a character (table 3-7
    /// of the Unicode standard).
    @inline(__always)
    static func sequence(_ text: TextView, _ offset: Int) -> (length: Int, valid: Bool) {
        let first = text[offset]
        let needed: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0x00...0x7F: return (1, true)
        case 0xC2...0xDF: needed = 2
        case 0xE0: (needed, low) = (3, 0xA0)
        case 0xED: (needed, high) = (3, 0x9F)
        case 0xE1...0xEF: needed = 3
        case 0xF0: (needed, low) = (4, 0x90)
        case 0xF1...0xF3: needed = 4
        case 0xF4: (needed, high) = (4, 0x8F)
        default: return (1, false)
        }
        var length = 1
        while length < needed {
            guard offset + length < text.count else { return (length, false) }
            let byte = text[offset + length]
            guard byte >= low, byte <= high else { return (length, false) }
            (low, high) = (0x80, 0xBF)
            length += 1
        }
        return (needed, true)
    }

    /// Where the first ill-formed sequence starts, or the text's length.
    static func firstFault(_ text: TextView) -> Int {
        var offset = ct_valid(text.base, text.count)
        while offset < text.count {
            let (length, valid) = sequence(text, offset)
            guard valid else { return offset }
            offset &+= length
        }
        return text.count
    }

    /// Where the first U+2581 at or after a place starts, or the text's length.
    static func firstEscapedSpace(_ text: TextView, from start: Int = 0) -> Int {
        var offset = start
        while offset + 2 < text.count {
            guard let found = memchr(text.base + offset, 0xE2, text.count - offset - 2) else { return text.count }
            offset = text.base.distance(to: UnsafePointer(found.assumingMemoryBound(to: UInt8.self)))
            if text[offset + 1] == 0x96, text[offset + 2] == 0x81 { return offset }
            offset += 1
        }
        return text.count
    }
}
