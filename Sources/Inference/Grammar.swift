// The language that an output must belong to, built from a few combinators over bytes.
//
// Owns the description only. `GrammarAutomaton` compiles it, `TokenTrie` and `GrammarMatcher` apply it to tokens.

/// A regular language of bytes.
///
/// ```swift
/// let number = Grammar.repeat(.bytes(ByteClass("0123456789")), min: 1, max: 3)
/// let citation = Grammar.sequence([.literal("["), number, .literal("]")])
/// ```
package struct Grammar: Sendable, Hashable {
    indirect enum Node: Sendable, Hashable {
        case bytes(ByteClass)
        case sequence([Node])
        case choice([Node])
        case repetition(Node, min: Int, max: Int?)
    }

    let node: Node

    /// Exactly this text.
    package static func literal(_ text: String) -> Grammar {
        Grammar(node: .sequence(text.utf8.map { .bytes(ByteClass($0)) }))
    }

    /// Any one of these. An empty list matches nothing at all.
    package static func choice(_ alternatives: [Grammar]) -> Grammar {
        Grammar(node: .choice(alternatives.map(\.node)))
    }

    /// These, one after the other. An empty list matches the empty text.
    package static func sequence(_ parts: [Grammar]) -> Grammar {
        Grammar(node: .sequence(parts.map(\.node)))
    }

    /// This or nothing.
    package static func optional(_ part: Grammar) -> Grammar {
        Grammar(node: .repetition(part.node, min: 0, max: 1))
    }

    /// This, at least `min` and at most `max` times; `nil` is without end.
    package static func `repeat`(_ part: Grammar, min: Int = 0, max: Int? = nil) -> Grammar {
        precondition(min >= 0 && (max ?? min) >= min, "a repetition needs 0 <= min <= max")
        return Grammar(node: .repetition(part.node, min: min, max: max))
    }

    /// One byte of a class.
    package static func bytes(_ set: ByteClass) -> Grammar {
        Grammar(node: .bytes(set))
    }

    /// Well-formed UTF-8 characters, `min` to `max` of them, none of which is an excluded ASCII one.
    package static func text(excluding excluded: ByteClass = [], min: Int = 0, max: Int? = nil) -> Grammar {
        .repeat(character(excluding: excluded), min: min, max: max)
    }

    /// One well-formed UTF-8 character (Unicode 17, table 3-7) that is not an excluded ASCII one.
    package static func character(excluding excluded: ByteClass = []) -> Grammar {
        func sequence(_ ranges: ClosedRange<UInt8>...) -> Grammar { .sequence(ranges.map { .bytes(ByteClass($0)) }) }
        let tail: ClosedRange<UInt8> = 0x80...0xBF
        return .choice([
            .bytes(ByteClass(0x00...0x7F).subtracting(excluded)),
            sequence(0xC2...0xDF, tail),
            sequence(0xE0...0xE0, 0xA0...0xBF, tail),
            sequence(0xE1...0xEC, tail, tail),
            sequence(0xED...0xED, 0x80...0x9F, tail),
            sequence(0xEE...0xEF, tail, tail),
            sequence(0xF0...0xF0, 0x90...0xBF, tail, tail),
            sequence(0xF1...0xF3, tail, tail, tail),
            sequence(0xF4...0xF4, 0x80...0x8F, tail, tail),
        ])
    }
}

/// A set of byte values.
package struct ByteClass: Sendable, Hashable, ExpressibleByArrayLiteral {
    private var words: SIMD4<UInt64> = .zero

    package init(_ byte: UInt8) { insert(byte) }

    package init(_ range: ClosedRange<UInt8>) {
        for byte in range { insert(byte) }
    }

    /// The bytes of these ASCII characters.
    package init(_ characters: String) {
        for byte in characters.utf8 { insert(byte) }
    }

    package init(arrayLiteral elements: ByteClass...) {
        for element in elements { words |= element.words }
    }

    package func contains(_ byte: UInt8) -> Bool {
        words[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0
    }

    package var isEmpty: Bool { words == .zero }

    package func subtracting(_ other: ByteClass) -> ByteClass {
        var result = self
        result.words &= ~other.words
        return result
    }

    private mutating func insert(_ byte: UInt8) {
        words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
    }
}
