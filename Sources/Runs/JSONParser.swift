// Reads JSON text into `JSONValue`, keeping the order of members and the column of every mistake.
//
// Question files and baselines are read with it: a mistake in line 14 must be shown in line 14, at the right column,
// which Foundation's decoder can't tell. Strict as RFC 8259: no comments, no trailing commas, one value.

/// A mistake in JSON text.
package struct JSONError: Error, Sendable, Equatable {
    /// What was found or expected.
    package var message: String
    /// Unicode scalars before the mistake, from the start of the text.
    package var offset: Int
}

extension JSONValue {
    /// Deepest nesting that is read.
    private static let deepest = 100

    /// Reads one JSON value and nothing behind it but white space.
    ///
    /// - Throws: `JSONError`; repeated keys are errors too.
    package init(parsing text: String) throws(JSONError) {
        var parser = JSONParser(scalars: Array(text.unicodeScalars), deepest: Self.deepest)
        self = try parser.document()
    }
}

private struct JSONParser {
    let scalars: [Unicode.Scalar]
    let deepest: Int
    var position = 0

    init(scalars: [Unicode.Scalar], deepest: Int) {
        self.scalars = scalars
        self.deepest = deepest
    }

    var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    func error(_ message: String, at offset: Int? = nil) -> JSONError {
        JSONError(message: message, offset: offset ?? position)
    }

    var found: String { next.map { "found \"\($0)\"" } ?? "the text ends" }

    mutating func skipSpace() {
        while let scalar = next, scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" { position += 1 }
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard next == nil else { throw error("expected the end, \(found)") }
        return value
    }

    mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        guard depth < deepest else { throw error("nested deeper than \(deepest) levels") }
        switch next {
        case "{": return try object(depth: depth)
        case "[": return try array(depth: depth)
        case "\"": return .string(try string())
        case "t": return try word("true", .bool(true))
        case "f": return try word("false", .bool(false))
        case "n": return try word("null", .null)
        case .some(let scalar) where scalar == "-" || ("0"..."9").contains(scalar): return try number()
        default: throw error("expected a value, \(found)")
        }
    }

    mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let end = position + word.unicodeScalars.count
        guard end <= scalars.count, scalars[position..<end].elementsEqual(word.unicodeScalars) else {
            throw error("expected a value, \(found)")
        }
        position = end
        return value
    }

    mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        var members: [JSONValue.Member] = []
        var keys: Set<String> = []
        position += 1
        skipSpace()
        if next == "}" {
            position += 1
            return .object([])
        }
        while true {
            skipSpace()
            let start = position
            guard next == "\"" else { throw error("expected a key in double quotes, \(found)") }
            let key = try string()
            guard keys.insert(key).inserted else { throw error("the key \"\(key)\" is given twice", at: start) }
            skipSpace()
            guard next == ":" else { throw error("expected \":\", \(found)") }
            position += 1
            members.append(JSONValue.Member(key, try value(depth: depth + 1)))
            skipSpace()
            if next == "," {
                position += 1
            } else if next == "}" {
                position += 1
                return .object(members)
            } else {
                throw error("expected \",\" or \"}\", \(found)")
            }
        }
    }

    mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        var elements: [JSONValue] = []
        position += 1
        skipSpace()
        if next == "]" {
            position += 1
            return .array([])
        }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if next == "," {
                position += 1
            } else if next == "]" {
                position += 1
                return .array(elements)
            } else {
                throw error("expected \",\" or \"]\", \(found)")
            }
        }
    }

    mutating func string() throws(JSONError) -> String {
        let start = position
        var out = String.UnicodeScalarView()
        position += 1
        while let scalar = next {
            position += 1
            switch scalar {
            case "\"": return String(out)
            case "\\": out.append(try escape())
            case "\u{0}"..."\u{1F}": throw error("a control character in a string must be escaped", at: position - 1)
            default: out.append(scalar)
            }
        }
        throw error("this string has no end", at: start)
    }

    mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = position - 1
        guard let kind = next else { throw error("this string has no end", at: start) }
        position += 1
        switch kind {
        case "\"", "\\", "/": return kind
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            let first = try hexadecimal(start)
            if let scalar = Unicode.Scalar(first) { return scalar }
            // A surrogate: the other half must follow.
            guard (0xD800..<0xDC00).contains(first), position + 1 < scalars.count, scalars[position] == "\\",
                scalars[position + 1] == "u"
            else { throw error("half of a surrogate pair", at: start) }
            position += 2
            let second = try hexadecimal(start)
            guard (0xDC00..<0xE000).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            else { throw error("half of a surrogate pair", at: start) }
            return scalar
        default: throw error("unknown escape \"\\\(kind)\"", at: start)
        }
    }

    mutating func hexadecimal(_ start: Int) throws(JSONError) -> UInt32 {
        guard position + 4 <= scalars.count else { throw error("expected four hexadecimal digits", at: start) }
        var value: UInt32 = 0
        for scalar in scalars[position..<position + 4] {
            guard scalar.isASCII, let digit = Character(scalar).hexDigitValue else {
                throw error("expected four hexadecimal digits", at: start)
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        func isDigit(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { ("0"..."9").contains($0) } ?? false }
        if next == "-" { position += 1 }
        guard isDigit(next) else { throw error("expected a digit, \(found)") }
        if next == "0" { position += 1 } else { while isDigit(next) { position += 1 } }
        var isInteger = true
        if next == "." {
            isInteger = false
            position += 1
            guard isDigit(next) else { throw error("expected a digit, \(found)") }
            while isDigit(next) { position += 1 }
        }
        if next == "e" || next == "E" {
            isInteger = false
            position += 1
            if next == "+" || next == "-" { position += 1 }
            guard isDigit(next) else { throw error("expected a digit, \(found)") }
            while isDigit(next) { position += 1 }
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[start..<position])
        if isInteger, let value = Int(String(text)) { return .int(value) }
        guard let value = Double(String(text)), value.isFinite else {
            throw error("this number is too large", at: start)
        }
        return .double(value)
    }
}
