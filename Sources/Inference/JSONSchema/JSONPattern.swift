// The regular expressions of JSON Schema (ECMA 262), as far as they are regular, as grammars of JSON strings.
// Where engines differ in what a class holds beyond ASCII, only ASCII is taken: a smaller language is still right.
// A dot takes all but line feed and carriage return.

/// Reads one pattern.
struct JSONPattern {
    /// A construct that is not supported, or broken.
    struct Failure: Error {
        var reason: String
    }

    /// The most rounds of one quantifier.
    private static let mostRounds = 10_000
    private static let deepest = 32

    private let text: [Unicode.Scalar]
    private var offset = 0
    private var depth = 0

    /// What a string that matches may hold.
    static func grammar(_ text: String) throws(Failure) -> Grammar {
        var reader = JSONPattern(text: Array(text.unicodeScalars))
        let any = Grammar.repeat(JSONCharacterSet.all.grammar)
        var alternatives: [Grammar] = []
        // A pattern is searched for: where it has no anchor anything may stand before or behind it.
        repeat {
            let isAnchored = reader.take("^")
            let body = try reader.sequence()
            let isClosed = reader.take("$")
            alternatives.append(.sequence((isAnchored ? [] : [any]) + [body] + (isClosed ? [] : [any])))
        } while reader.take("|")
        if let left = reader.peek() { throw Failure(reason: "'\(left)' without its beginning or in the middle") }
        return .choice(alternatives)
    }

    /// A pattern that is one class, repeated, between anchors.
    static func repeatedClass(_ text: String) -> (set: JSONCharacterSet, min: Int, max: Int?)? {
        var reader = JSONPattern(text: Array(text.unicodeScalars))
        guard reader.take("^"), let set = try? reader.set(), let rounds = try? reader.rounds(), reader.take("$"),
            reader.peek() == nil
        else { return nil }
        return (set, rounds.min, rounds.max)
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    private func peek() -> Unicode.Scalar? { offset < text.count ? text[offset] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        offset += 1
        return true
    }

    private mutating func sequence() throws(Failure) -> Grammar {
        var parts: [Grammar] = []
        while let next = peek(), next != "|", next != ")", next != "$" {
            if next == "^" { throw Failure(reason: "an anchor in the middle") }
            let part: Grammar
            if next == "(" {
                part = try group()
            } else if let character = literal() {
                part = character
            } else {
                part = try set().grammar
            }
            let rounds = try rounds()
            parts.append(
                rounds.min == 1 && rounds.max == 1 ? part : .repeat(part, min: rounds.min, max: rounds.max))
        }
        return .sequence(parts)
    }

    private mutating func group() throws(Failure) -> Grammar {
        offset += 1
        depth += 1
        guard depth < Self.deepest else { throw Failure(reason: "groups nested more than \(Self.deepest) deep") }
        if take("?"), !take(":") { throw Failure(reason: "look-around and named groups") }
        var alternatives: [Grammar] = []
        repeat {
            alternatives.append(try sequence())
            if peek() == "$" { throw Failure(reason: "an anchor in a group") }
        } while take("|")
        guard take(")") else { throw Failure(reason: "a group without end") }
        depth -= 1
        return .choice(alternatives)
    }

    /// A character beyond ASCII.
    private mutating func literal() -> Grammar? {
        guard let next = peek(), !next.isASCII else { return nil }
        offset += 1
        return .literal(String(Character(next)))
    }

    /// One character, escape or class.
    private mutating func set() throws(Failure) -> JSONCharacterSet {
        guard let next = peek() else { throw Failure(reason: "a character is missing") }
        offset += 1
        switch next {
        case ".": return JSONCharacterSet(ascii: ByteClass("\n\r"), others: false).inverted
        case "[": return try characterClass()
        case "\\": return try escape().set
        case "*", "+", "?", "{", "}", "]": throw Failure(reason: "'\(next)' without its beginning")
        default:
            guard next.isASCII else { throw Failure(reason: "'\(next)' in a class") }
            return Self.one(next)
        }
    }

    private mutating func characterClass() throws(Failure) -> JSONCharacterSet {
        let isNegated = take("^")
        var set = JSONCharacterSet(ascii: [], others: false)
        var hasShorthand = false
        while !take("]") {
            guard let next = peek() else { throw Failure(reason: "a class without end") }
            guard next.isASCII else { throw Failure(reason: "'\(next)' in a class") }
            offset += 1
            var low = next
            if next == "\\" {
                let (escaped, character) = try escape()
                guard let character else {
                    hasShorthand = true
                    set = set.union(escaped)
                    continue
                }
                low = character
            }
            guard peek() == "-", offset + 1 < text.count, text[offset + 1] != "]" else {
                set = set.union(Self.one(low))
                continue
            }
            offset += 1
            var high = text[offset]
            offset += 1
            if high == "\\" {
                guard let character = try escape().character else { throw Failure(reason: "a range to a class") }
                high = character
            }
            guard high.isASCII, low.value <= high.value else {
                throw Failure(reason: "the range \(low)-\(high)")
            }
            let range = ByteClass(UInt8(low.value)...UInt8(high.value))
            set = set.union(JSONCharacterSet(ascii: range, others: false))
        }
        guard isNegated else { return set }
        var inverted = set.inverted
        if hasShorthand { inverted.others = false }
        return inverted
    }

    /// What a backslash and the next character stand for; the character where it is a single one.
    private mutating func escape() throws(Failure) -> (set: JSONCharacterSet, character: Unicode.Scalar?) {
        guard let next = peek() else { throw Failure(reason: "a backslash at the end") }
        offset += 1
        let digits = ByteClass("0123456789")
        let words: ByteClass = [digits, ByteClass(0x41...0x5A), ByteClass(0x61...0x7A), ByteClass("_")]
        let spaces: ByteClass = [ByteClass(0x09...0x0D), ByteClass(" ")]
        func negated(_ set: ByteClass) -> JSONCharacterSet {
            JSONCharacterSet(ascii: ByteClass(0x00...0x7F).subtracting(set), others: false)
        }
        switch next {
        case "d": return (JSONCharacterSet(ascii: digits, others: false), nil)
        case "w": return (JSONCharacterSet(ascii: words, others: false), nil)
        case "s": return (JSONCharacterSet(ascii: spaces, others: false), nil)
        case "D": return (negated(digits), nil)
        case "W": return (negated(words), nil)
        case "S": return (negated(spaces), nil)
        case "n": return (Self.one("\n"), "\n")
        case "r": return (Self.one("\r"), "\r")
        case "t": return (Self.one("\t"), "\t")
        case "f": return (Self.one("\u{C}"), "\u{C}")
        case "v": return (Self.one("\u{B}"), "\u{B}")
        default:
            guard next.isASCII, !next.properties.isAlphabetic, !digits.contains(UInt8(next.value)) else {
                throw Failure(reason: "'\\\(next)'")
            }
            return (Self.one(next), next)
        }
    }

    /// The quantifier that stands next; once where there is none.
    private mutating func rounds() throws(Failure) -> (min: Int, max: Int?) {
        var rounds: (min: Int, max: Int?) = (1, 1)
        if take("*") {
            rounds = (0, nil)
        } else if take("+") {
            rounds = (1, nil)
        } else if take("?") {
            rounds = (0, 1)
        } else if take("{") {
            guard let min = try number() else { throw Failure(reason: "'{' that begins no quantifier") }
            var max: Int? = min
            if take(",") { max = try number() }
            guard take("}"), max ?? min >= min else { throw Failure(reason: "a broken quantifier") }
            rounds = (min, max)
        } else {
            return rounds
        }
        // A lazy quantifier matches the same strings.
        _ = take("?")
        return rounds
    }

    private mutating func number() throws(Failure) -> Int? {
        var value: Int?
        while let next = peek(), ("0"..."9").contains(next) {
            offset += 1
            let new = (value ?? 0) * 10 + Int(next.value) - 0x30
            guard new <= Self.mostRounds else { throw Failure(reason: "more than \(Self.mostRounds) rounds") }
            value = new
        }
        return value
    }

    private static func one(_ scalar: Unicode.Scalar) -> JSONCharacterSet {
        JSONCharacterSet(ascii: ByteClass(UInt8(scalar.value)), others: false)
    }
}
