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
        /// Items in this order with a separator between those that are there.
        case list([ListItem], separator: Node)
        /// One item several times with a separator between.
        case separated(Node, separator: Node, min: Int, max: Int?)
    }

    struct ListItem: Sendable, Hashable {
        var node: Node
        var isRequired: Bool
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

    /// These in this order, with a separator between those that are there; the others may be left out.
    package static func list(_ items: [(item: Grammar, isRequired: Bool)], separator: Grammar) -> Grammar {
        let items = items.map { ListItem(node: $0.item.node, isRequired: $0.isRequired) }
        return Grammar(node: .list(items, separator: separator.node))
    }

    /// This, at least `min` and at most `max` times, with a separator between; `nil` is without end.
    package static func separated(_ item: Grammar, by separator: Grammar, min: Int = 0, max: Int? = nil) -> Grammar {
        precondition(min >= 0 && (max ?? min) >= min, "a repetition needs 0 <= min <= max")
        return Grammar(node: .separated(item.node, separator: separator.node, min: min, max: max))
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
        func range(_ range: ClosedRange<UInt8>) -> Grammar { .bytes(ByteClass(range)) }
        let tail = range(0x80...0xBF)
        // Each line is what may stand before one more byte of the tail.
        let beforeThird = Grammar.choice([
            .sequence([range(0xF0...0xF0), range(0x90...0xBF)]),
            .sequence([range(0xF1...0xF3), tail]),
            .sequence([range(0xF4...0xF4), range(0x80...0x8F)]),
            .bytes([ByteClass(0xE1...0xEC), ByteClass(0xEE...0xEF)]),
        ])
        let beforeLast = Grammar.choice([
            range(0xC2...0xDF),
            .sequence([range(0xE0...0xE0), range(0xA0...0xBF)]),
            .sequence([range(0xED...0xED), range(0x80...0x9F)]),
            .sequence([beforeThird, tail]),
        ])
        return .choice([.bytes(ByteClass(0x00...0x7F).subtracting(excluded)), .sequence([beforeLast, tail])])
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
