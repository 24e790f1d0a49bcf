// Which class each character belongs to, as the pre-tokenizers and normalization ask for it.

/// The general categories that pre-tokenizers tell apart. Raw values are those of `UnicodeTables.classRuns`.
enum CharacterClass: UInt8 {
    /// Punctuation, symbols, controls, unassigned.
    case other = 0
    /// Lu, Lt.
    case upper = 1
    /// Ll.
    case lower = 2
    /// Lm, Lo.
    case letter = 3
    /// M.
    case mark = 4
    /// N.
    case number = 5
    /// White_Space: U+0009–000D, 0020, 0085, 00A0, 1680, 2000–200A, 2028, 2029, 202F, 205F, 3000.
    case space = 6
}

/// Flags of characters; one byte each for the first three planes, runs for the rest.
struct CharacterTable: Sendable {
    /// Bits 0–2 are the `CharacterClass`; bit 3 is set where normalization has work to do, see `needsNormalizing`.
    let flags: Table<UInt8>
    static let tableEnd = 0x30000

    static let shared = CharacterTable()

    private init() {
        var flags = [UInt8](repeating: 0, count: Self.tableEnd)
        let runs = UnicodeTables.classRuns
        for (index, run) in runs.enumerated() {
            let first = Int(run >> 3)
            guard first < Self.tableEnd else { break }
            let end = index + 1 < runs.count ? min(Int(runs[index + 1] >> 3), Self.tableEnd) : Self.tableEnd
            for character in first..<end { flags[character] = UInt8(run & 7) }
        }
        for range in Normalization.data.unstable {
            for character in range { flags[Int(character)] |= 8 }
        }
        self.flags = Table(flags)
    }

    /// The class as a number: enums cost a check per character.
    @inline(__always)
    func rawClass(_ scalar: UInt32) -> UInt8 {
        scalar < Self.tableEnd ? flags[Int(scalar)] & 7 : Self.farClass(scalar)
    }

    /// The character changes under NFC or may combine with what stands before it.
    @inline(__always)
    func needsNormalizing(_ scalar: UInt32) -> Bool {
        scalar < Self.tableEnd && flags[Int(scalar)] & 8 != 0
    }

    private static func farClass(_ scalar: UInt32) -> UInt8 {
        let runs = UnicodeTables.classRuns
        var low = 0
        var high = runs.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if runs[middle] >> 3 <= scalar { low = middle } else { high = middle }
        }
        return UInt8(runs[low] & 7)
    }
}

/// The character that starts at `offset` of well-formed UTF-8, and its length in bytes.
@inline(__always)
func decodeScalar(_ text: borrowing Span<UInt8>, _ offset: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(text[offset])
    if first < 0x80 { return (first, 1) }
    if first < 0xE0 { return ((first & 0x1F) << 6 | UInt32(text[offset + 1] & 0x3F), 2) }
    if first < 0xF0 {
        return ((first & 0xF) << 12 | UInt32(text[offset + 1] & 0x3F) << 6 | UInt32(text[offset + 2] & 0x3F), 3)
    }
    return (
        (first & 7) << 18 | UInt32(text[offset + 1] & 0x3F) << 12 | UInt32(text[offset + 2] & 0x3F) << 6
            | UInt32(text[offset + 3] & 0x3F), 4
    )
}
