// What may stand at a place of a file. One table of shapes (`PipelineKeys`) is read by the validator and by the JSON
// Schema generator, so the two can't differ.

/// The form of a value.
indirect enum Shape: Sendable {
    /// Any text that is not empty; numbers are taken as written.
    case text
    /// Letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    case identifier
    case sha256
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case boolean
    case bytes
    /// How much of keys and values on disk is read.
    case reading
    case tokens
    case share
    case duration
    case words
    case pages
    case regex
    /// Any scalar.
    case anyScalar
    /// One of some words; others are known but can't be used yet.
    case choice([String], notBuilt: [String])
    /// A list with at least one item.
    case list(Shape)
    /// An item, or a list of some.
    case oneOrMore(Shape)
    /// A mapping where the first form is no mapping and the second is one.
    case short(Shape, or: Shape)
    /// Either of two scalars, tried in this order.
    case either(Shape, Shape)
    case mapping(MappingShape)
    /// A mapping whose keys are names that the user chooses; the noun is what one of them is.
    case named(noun: String, Shape)
    /// A mapping with exactly one of some keys.
    case oneKey(noun: String, [Key])
}

/// A mapping with fixed keys.
struct MappingShape: Sendable {
    /// What it is, for messages: `unknown key "x" in NOUN`.
    var noun: String
    var keys: [Key]
    /// Exactly one of these must be there.
    var exactlyOne: [String] = []
    /// At least one of these must be there.
    var atLeastOne: [String] = []
}

/// A key with what belongs behind it.
struct Key: Sendable {
    var name: String
    var shape: Shape
    var isRequired: Bool
    /// A sentence for editors.
    var summary: String
    /// Known, but refused in this version.
    var isBuilt: Bool

    init(_ name: String, _ shape: Shape, required: Bool = false, _ summary: String) {
        self.name = name
        self.shape = shape
        isRequired = required
        self.summary = summary
        isBuilt = true
    }

    /// A key of later versions: named in the specification, refused with its own message.
    static func notBuilt(_ name: String) -> Key {
        var key = Key(name, .anyScalar, "")
        key.isBuilt = false
        return key
    }
}

extension Shape {
    /// What to write, for messages.
    var wanted: String {
        switch self {
        case .text: "text"
        case .identifier: "a name of letters, digits, - and _"
        case .sha256: "64 hexadecimal digits"
        case .integer(let range) where range.lowerBound == range.upperBound: "\(range.lowerBound)"
        case .integer(let range):
            range.upperBound == .max
                ? "a whole number from \(range.lowerBound)" : "a whole number in \(Shape.text(range))"
        case .number(let range):
            range.upperBound.isInfinite
                ? (range.lowerBound.isInfinite ? "a number" : "a number from \(Shape.short(range.lowerBound))")
                : "a number from \(Shape.short(range.lowerBound)) to \(Shape.short(range.upperBound))"
        case .boolean: "true or false"
        case .reading: "exact, lazy-v:SHARE, certified:SHARE or budget:PAGES, such as lazy-v:0.01"
        case .bytes: "a size such as 12G or 512M"
        case .tokens: "a number of tokens such as 32768, 128K or 2M"
        case .share: "a percentage such as 95%"
        case .duration: "a duration such as 90s, 40m, 6h or 1h30m"
        case .words: "a length such as 180 words"
        case .pages: "page ranges such as 3-4 or 1-20,33"
        case .regex: "a regular expression"
        case .anyScalar: "a value"
        case .choice(let words, _): words.count == 1 ? "\(words[0])" : "one of " + words.joined(separator: ", ")
        case .list(let item): "a list of \(item.wanted)"
        case .oneOrMore(let item): "\(item.wanted) or a list"
        case .short(let short, let long): "\(short.wanted) or \(long.wanted)"
        case .either(let one, let other): "\(one.wanted), or \(other.wanted)"
        case .mapping(let mapping): "a mapping with \(Shape.names(mapping.keys.filter(\.isBuilt).map(\.name)))"
        case .named(let noun, _): "a mapping of names, each with \(noun)"
        case .oneKey(_, let keys): "one of \(Shape.names(keys.filter(\.isBuilt).map(\.name)))"
        }
    }

    private static func text(_ range: ClosedRange<Int>) -> String {
        "\(range.lowerBound) to \(range.upperBound)"
    }

    static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    }

    private static func names(_ names: [String]) -> String {
        names.count > 8 ? names.prefix(8).joined(separator: ", ") + " …" : names.joined(separator: ", ")
    }
}
