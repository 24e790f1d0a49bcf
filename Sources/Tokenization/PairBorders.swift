// Where text can be cut without changing its tokens: between two characters that no vocabulary entry holds side by
// side no merge ever reaches across.

import CTextScan

/// The pairs of neighbours in a vocabulary's entries. May hold more pairs than there are: then text is cut less often.
struct PairBorders: Sendable {
    /// One byte for each pair of ASCII characters, `left << 7 | right`: 1 where text can be cut.
    let ascii: Table<UInt8>
    /// One bit for the hash of each other pair: 1 where text can't be cut.
    let others: Table<UInt64>

    private static let hashBits: UInt64 = 20

    init(ascii: Table<UInt8>, others: Table<UInt64>) {
        self.ascii = ascii
        self.others = others
    }

    /// Takes the entries for which `include` is true; all are well-formed UTF-8, or else they match nothing anyway.
    init(_ strings: StringTable, include: (Int) -> Bool) {
        ascii = Table(repeating: 1, count: 1 << 14)
        others = Table(repeating: 0, count: 1 << (Int(Self.hashBits) - 6))
        for index in 0..<strings.count where include(index) {
            let range = strings.range(index)
            let text = TextView(base: strings.base, count: range.upperBound)
            var offset = range.lowerBound
            var left: UInt32?
            while offset < range.upperBound {
                guard let length = Utf8.length(text, offset) else { break }
                let right = Utf8.bytes(of: text.scalar(at: offset).value)
                if let left { insert(left, right) }
                left = right
                offset += length
            }
        }
    }

    /// Takes the bytes of characters, the first lowest.
    private func insert(_ left: UInt32, _ right: UInt32) {
        if left < 0x80, right < 0x80 { ascii[Int(left << 7 | right)] = 0 }
        let bit = Self.hash(left, right)
        others[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    /// The place of a pair, each given by its bytes.
    @inline(__always)
    private static func hash(_ left: UInt32, _ right: UInt32) -> Int {
        let mixed = (UInt64(left) &<< 32 | UInt64(right)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed &>> (64 - hashBits))
    }

    /// Text can be cut between these characters.
    @inline(__always)
    func isBorder(_ left: UInt32, _ right: UInt32) -> Bool {
        if (left | right) < 0x80 { return ascii[Int(left << 7 | right)] != 0 }
        let bit = Self.hash(Utf8.bytes(of: left), Utf8.bytes(of: right))
        return others[bit >> 6] >> UInt64(bit & 63) & 1 == 0
    }

    /// Writes where pieces end, one after the other, until the text ends or `ends` is nearly full. The end of the text
    /// is no border.
    ///
    /// - Parameters:
    ///   - position: the character to look at next; not the first. Moves to the first that wasn't looked at.
    ///   - capacity: places in `ends`; 64 at least.
    /// - Returns: how many ends were written.
    func split(
        _ text: TextView, _ position: inout Int, into ends: UnsafeMutablePointer<UInt32>, capacity: Int
    ) -> Int {
        let table = ascii.base
        var count = 0
        let others = others.base
        var left = Utf8.bytes(of: text.scalar(before: position).value)
        // Four bytes are read at once, and more where characters are found 32 bytes at a time.
        let last = text.count - 4
        let lastBlock = text.count - 36
        while position < text.count, count + 64 <= capacity {
            if left < 0x80, position + 32 <= text.count, Utf8.isASCII32(text.base + position) {
                var borders: UInt64 = 0
                var row = Int(left)
                for offset in 0..<32 {
                    let byte = Int(text[position &+ offset])
                    borders |= UInt64(table[row << 7 | byte]) &<< UInt64(offset)
                    row = byte
                }
                while borders != 0 {
                    ends[count] = UInt32(truncatingIfNeeded: position &+ borders.trailingZeroBitCount)
                    count &+= 1
                    borders &= borders &- 1
                }
                left = UInt32(row)
                position &+= 32
                continue
            }
            // Without branches: characters of any length, and borders where nobody could guess them.
            if position <= lastBlock {
                var leads = ct_leads(text.base + position)
                var next = position
                while leads != 0 {
                    let place = position &+ leads.trailingZeroBitCount
                    leads &= leads &- 1
                    let (right, length) = Utf8.bytes(at: text.base + place)
                    let bit = Self.hash(left, right)
                    ends[count] = UInt32(truncatingIfNeeded: place)
                    count &+= Int(truncatingIfNeeded: ~(others[bit &>> 6] &>> UInt64(bit & 63)) & 1)
                    left = right
                    next = place &+ length
                }
                position = next
                continue
            }
            var rest = 16
            while rest > 0, position <= last {
                let (right, length) = Utf8.bytes(at: text.base + position)
                let bit = Self.hash(left, right)
                ends[count] = UInt32(truncatingIfNeeded: position)
                count &+= Int(truncatingIfNeeded: ~(others[bit &>> 6] &>> UInt64(bit & 63)) & 1)
                left = right
                position &+= length
                rest &-= 1
            }
            if position > last, position < text.count {
                let (right, length) = text.scalar(at: position)
                let bit = Self.hash(left, Utf8.bytes(of: right))
                ends[count] = UInt32(truncatingIfNeeded: position)
                count &+= Int(truncatingIfNeeded: ~(others[bit &>> 6] &>> UInt64(bit & 63)) & 1)
                left = Utf8.bytes(of: right)
                position &+= length
            }
        }
        return count
    }
}
