// A JSON document as a tree whose objects keep their order: the order of properties is the order of the output.
// Numbers stay as they are written, so that constants come out as they went in.

/// Any JSON value.
indirect enum JSONSchemaValue: Equatable {
    struct Member: Equatable {
        var key: String
        var value: JSONSchemaValue
    }

    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONSchemaValue])
    case object([Member])

    /// The value of an object's key; nil elsewhere.
    subscript(key: String) -> JSONSchemaValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    /// A whole number, however it is written.
    var integer: Int? {
        guard case .number(let text) = self else { return nil }
        if let value = Int(text) { return value }
        return Double(text).flatMap { Int(exactly: $0) }
    }

    /// As `type` calls it.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: integer == nil ? "number" : "integer"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// On one line, with a space behind each colon and comma.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let value): Self.quoted(value)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.key) + ": " + $0.value.text }.joined(separator: ", ") + "}"
        }
    }

    /// A string as JSON writes it: only what must be escaped is.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar.isASCII, let escape = escape(UInt8(scalar.value)) {
                result += escape
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// How an ASCII character is written where it cannot stand for itself.
    static func escape(_ byte: UInt8) -> String? {
        switch byte {
        case 0x22: "\\\""
        case 0x5C: "\\\\"
        case 0x08: "\\b"
        case 0x09: "\\t"
        case 0x0A: "\\n"
        case 0x0C: "\\f"
        case 0x0D: "\\r"
        case 0..<0x20: "\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
        default: nil
        }
    }

    /// Equal as JSON values: numbers by value, members in any order.
    func equals(_ other: JSONSchemaValue) -> Bool {
        switch (self, other) {
        case (.number(let left), .number(let right)): left == right || Double(left) == Double(right)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
        case (.object(let left), .object(let right)):
            left.count == right.count && left.allSatisfy { other[$0.key]?.equals($0.value) ?? false }
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        default: self == other
        }
    }
}

/// Reads one document (RFC 8259). Depth is bounded; keys must differ.
struct JSONSchemaReader {
    private static let deepest = 64
    private let bytes: [UInt8]
    private var offset = 0

    static func read(_ bytes: [UInt8]) throws(JSONSchemaError) -> JSONSchemaValue {
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw .syntax(offset: error.byteOffsets.lowerBound, reason: "ill-formed UTF-8")
        }
        var reader = JSONSchemaReader(bytes: bytes)
        let value = try reader.value(depth: 0)
        guard reader.peek() == nil else { throw reader.failure("text after the end") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func failure(_ reason: String) -> JSONSchemaError { .syntax(offset: offset, reason: reason) }

    /// The next byte that is no white space.
    private mutating func peek() -> UInt8? {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
        return offset < bytes.count ? bytes[offset] : nil
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONSchemaError) -> JSONSchemaValue {
        guard depth < Self.deepest else { throw failure("nested more than \(Self.deepest) deep") }
        switch peek() {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["):
            offset += 1
            var elements: [JSONSchemaValue] = []
            if take("]") { return .array([]) }
            repeat { elements.append(try value(depth: depth + 1)) } while take(",")
            guard take("]") else { throw failure("expected ',' or ']'") }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(JSONSchemaError) -> JSONSchemaValue {
        offset += 1
        var members: [JSONSchemaValue.Member] = []
        if take("}") { return .object([]) }
        var keys: Set<[UInt8]> = []
        repeat {
            guard peek() == UInt8(ascii: "\"") else { throw failure("expected a key") }
            let key = try string()
            guard keys.insert(Array(key.utf8)).inserted else { throw failure("'\(key)' stands there twice") }
            guard take(":") else { throw failure("expected ':'") }
            members.append(.init(key: key, value: try value(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw failure("expected ',' or '}'") }
        return .object(members)
    }

    private mutating func word(_ word: String, _ value: JSONSchemaValue) throws(JSONSchemaError) -> JSONSchemaValue {
        guard bytes[offset...].starts(with: word.utf8) else { throw failure("expected a value") }
        offset += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONSchemaError) -> JSONSchemaValue {
        let start = offset
        func digits(_ reader: inout JSONSchemaReader) throws(JSONSchemaError) {
            let first = reader.offset
            while reader.offset < reader.bytes.count, (0x30...0x39).contains(reader.bytes[reader.offset]) {
                reader.offset += 1
            }
            if reader.offset == first { throw reader.failure("expected a value") }
        }
        func next(_ characters: String) -> Bool { offset < bytes.count && characters.utf8.contains(bytes[offset]) }
        if next("-") { offset += 1 }
        if next("0") { offset += 1 } else { try digits(&self) }
        if next(".") {
            offset += 1
            try digits(&self)
        }
        if next("eE") {
            offset += 1
            if next("+-") { offset += 1 }
            try digits(&self)
        }
        return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private mutating func string() throws(JSONSchemaError) -> String {
        offset += 1
        var result: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"): result += String(try escaped()).utf8
            case 0..<0x20: throw failure("a control character in a string")
            default: result.append(byte)
            }
        }
        throw failure("a string without end")
    }

    private mutating func escaped() throws(JSONSchemaError) -> Unicode.Scalar {
        guard offset < bytes.count else { throw failure("a string without end") }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if (0xD800..<0xDC00).contains(unit), bytes[offset...].starts(with: "\\u".utf8) {
                offset += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("half of a surrogate pair") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw failure("half of a surrogate pair") }
            return scalar
        default: throw failure("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(JSONSchemaError) -> UInt32 {
        let digits = bytes[offset...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("an escape needs four hexadecimal digits") }
        offset += 4
        return value
    }
}
