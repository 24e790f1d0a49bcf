// A tokenizer's entries as the bytes that they stand for, and which of them may come out of text.

/// The entries of a definition, decoded once.
struct Vocabulary: Sendable {
    /// What each token stands for: real spaces, real bytes. Control tokens are their own names.
    let decoded: StringTable
    /// Raw values of `TokenKind`.
    let kinds: Table<UInt8>
    /// Tokens of single bytes, -1 where there is none.
    let byteTokens: Table<Int32>
    /// Normal entries by what they stand for.
    let index: ByteStringIndex
    /// Bytes of the longest normal entry.
    let longestEntry: Int
    /// User-defined pieces that are formatting: matched in plain text too. Only SentencePiece vocabularies have them.
    let formatting: PrefixTrie
    /// Everything that special mode recognizes before text is normalized: control and user-defined entries. Spaces
    /// in them are written U+2581, so that runs of spaces stay with the text around them.
    let specials: PrefixTrie

    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let count = definition.tokens.count
        guard count > 0 else { throw .inconsistent("the vocabulary is empty") }
        guard definition.kinds.count == count else {
            throw .inconsistent("\(count) tokens, but \(definition.kinds.count) token types")
        }
        let byteLevel = definition.isByteLevel
        let kinds = definition.kinds
        var decoded = ByteStrings()
        decoded.reserve(bytes: definition.tokens.bytes.count, count: count)
        var byteTokens = [Int32](repeating: -1, count: 256)
        let span = definition.tokens.bytes.span
        var scratch: [UInt8] = []
        for id in 0..<count {
            let range = definition.tokens.range(id)
            scratch.removeAll(keepingCapacity: true)
            switch kinds[id] {
            case .normal where byteLevel: ByteAlphabet.decode(span, range, into: &scratch)
            case .byte where !byteLevel:
                guard let byte = Self.byteValue(definition.tokens[id]) else {
                    throw .inconsistent("token \(id) is no byte token by its name")
                }
                byteTokens[Int(byte)] = Int32(id)
                scratch.append(byte)
            case .normal where !byteLevel, .userDefined where !byteLevel:
                Self.unescapeSpaces(span, range, into: &scratch)
            default: for offset in range { scratch.append(span[offset]) }
            }
            if byteLevel, kinds[id] == .normal, scratch.count == 1 { byteTokens[Int(scratch[0])] = Int32(id) }
            decoded.append(scratch)
        }
        let table = StringTable(decoded)
        self.init(
            decoded: table, kinds: Table(kinds.map(\.rawValue)), byteTokens: Table(byteTokens),
            index: ByteStringIndex(table) { kinds[$0] == .normal },
            longestEntry: (0..<count).reduce(0) { kinds[$1] == .normal ? max($0, table.range($1).count) : $0 },
            isByteLevel: byteLevel)
    }

    /// Puts tables together that were made before.
    init(
        decoded: StringTable, kinds: Table<UInt8>, byteTokens: Table<Int32>, index: ByteStringIndex, longestEntry: Int,
        isByteLevel: Bool
    ) {
        self.decoded = decoded
        self.kinds = kinds
        self.byteTokens = byteTokens
        self.index = index
        self.longestEntry = longestEntry
        var formatting = PrefixTrie()
        var specials = PrefixTrie()
        let userDefined = TokenKind.userDefined.rawValue
        for id in 0..<kinds.count where kinds[id] == userDefined || kinds[id] == TokenKind.control.rawValue {
            let name = Array(decoded[id])
            specials.insert(isByteLevel ? name : Self.escapeSpaces(name), id: Int32(id))
            if kinds[id] == userDefined, !isByteLevel, Self.isFormatting(name) {
                formatting.insert(name, id: Int32(id))
            }
        }
        self.formatting = formatting
        self.specials = specials
    }

    /// The role of an entry that exists.
    func kind(_ id: Int) -> TokenKind { TokenKind(rawValue: kinds[id]) ?? .unused }

    /// `<0x0A>` to 10.
    static func byteValue(_ name: ArraySlice<UInt8>) -> UInt8? {
        guard name.count == 6, name.first == UInt8(ascii: "<") else { return nil }
        let text = String(decoding: name, as: UTF8.self)
        guard text.hasPrefix("<0x"), text.hasSuffix(">") else { return nil }
        return UInt8(text.dropFirst(3).dropLast(), radix: 16)
    }

    /// U+2581 to a space.
    static func unescapeSpaces(_ text: borrowing Span<UInt8>, _ range: Range<Int>, into result: inout [UInt8]) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            if text[offset] == 0xE2, offset + 2 < range.upperBound, text[offset + 1] == 0x96, text[offset + 2] == 0x81 {
                result.append(0x20)
                offset += 3
            } else {
                result.append(text[offset])
                offset += 1
            }
        }
    }

    /// A space to U+2581.
    private static func escapeSpaces(_ text: [UInt8]) -> [UInt8] {
        text.flatMap { $0 == 0x20 ? [0xE2, 0x96, 0x81] : [$0] }
    }

    /// Runs of one white-space character, and HTML tags: letters and digits between angle brackets. Such pieces are
    /// ordinary text that happens to be one token; `[multimodal]` or `<start_of_image>` are not.
    private static func isFormatting(_ text: [UInt8]) -> Bool {
        if text.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }) { return true }
        guard text.first == UInt8(ascii: "<"), text.last == UInt8(ascii: ">"), text.count > 2 else { return false }
        let name = text.dropFirst(text[1] == UInt8(ascii: "/") ? 2 : 1).dropLast()
        return !name.isEmpty && name.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }
}

/// GPT-2's way to write any byte as a printable character.
enum ByteAlphabet {
    /// Bytes by code point, for U+0000–U+0143; -1 where no byte is meant.
    private static let bytes: [Int16] = {
        var table = [Int16](repeating: -1, count: 0x144)
        var next = 0x100
        for byte in 0..<256 {
            if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) {
                table[byte] = Int16(byte)
            } else {
                table[next] = Int16(byte)
                next += 1
            }
        }
        return table
    }()

    /// How bytes are written.
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes {
            let scalar = scalars[Int(byte)]
            if scalar < 0x80 {
                result.append(UInt8(scalar))
            } else {
                result.append(0xC0 | UInt8(scalar >> 6))
                result.append(0x80 | UInt8(scalar & 0x3F))
            }
        }
        return result
    }

    /// Code points by byte.
    private static let scalars: [UInt16] = {
        var scalars = [UInt16](repeating: 0, count: 256)
        for (scalar, byte) in bytes.enumerated() where byte >= 0 { scalars[Int(byte)] = UInt16(scalar) }
        return scalars
    }()

    /// Appends the bytes that a stretch stands for; characters outside the alphabet stand for themselves.
    static func decode(_ text: borrowing Span<UInt8>, _ range: Range<Int>, into result: inout [UInt8]) {
        let bytes = bytes
        var offset = range.lowerBound
        while offset < range.upperBound {
            // The alphabet needs one or two bytes of UTF-8 for each character.
            let first = text[offset]
            var length = 1
            var scalar = Int(first)
            if first >= 0xC2, first < 0xE0, offset + 1 < range.upperBound {
                length = 2
                scalar = Int(first & 0x1F) << 6 | Int(text[offset + 1] & 0x3F)
            } else if first >= 0x80 {
                scalar = .max
            }
            if scalar < bytes.count, bytes[scalar] >= 0 {
                result.append(UInt8(bytes[scalar]))
            } else {
                for index in offset..<offset + length { result.append(text[index]) }
            }
            offset += length
        }
    }
}
