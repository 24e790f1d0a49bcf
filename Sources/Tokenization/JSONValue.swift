// Small parts of JSON files as trees; the large tables are read through JSONReader directly.

/// One value. Strings are bytes, so that comparisons are exact.
enum JSONValue: Equatable {
    struct Member: Equatable {
        var key: [UInt8]
        var value: JSONValue
    }

    case null
    case boolean(Bool)
    case integer(Int)
    case real(Double)
    case string([UInt8])
    case array([JSONValue])
    case object([Member])

    /// The first member of that name; nil for other values, and where the member is null.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self, let found = members.first(where: { $0.key == Array(name.utf8) }),
            found.value != .null
        else { return nil }
        return found.value
    }

    var text: String? {
        if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    var bytes: [UInt8]? { if case .string(let bytes) = self { bytes } else { nil } }

    var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }

    var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// Letter by letter; `==` of Swift's strings would take some other strings too.
    func `is`(_ text: String) -> Bool { bytes.map { $0.elementsEqual(text.utf8) } ?? false }

    /// For messages: a string as it is, the kind of anything else.
    var summary: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .real(let value): "\(value)"
        case .string: text ?? ""
        case .array: "an array"
        case .object: self["type"]?.text ?? "an object"
        }
    }

    /// The whole of a small file, such as tokenizer_config.json.
    init(_ bytes: [UInt8], file: String) throws(TokenizerError) {
        var reader = try JSONReader(bytes, file: file)
        self = try reader.value()
        try reader.finish()
    }
}

extension JSONReader {
    /// Values that a tree may have; a file with more is no configuration.
    private static let mostValues = 1 << 20

    /// The next value as a tree.
    mutating func value() throws(TokenizerError) -> JSONValue {
        var left = Self.mostValues
        return try value(&left)
    }

    private mutating func value(_ left: inout Int) throws(TokenizerError) -> JSONValue {
        left -= 1
        guard left > 0 else { throw failure("more than \(Self.mostValues) values") }
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [JSONValue.Member] = []
            var key: [UInt8] = []
            try beginObject()
            while try nextKey(&key) { members.append(.init(key: key, value: try value(&left))) }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try beginArray()
            while try nextElement() { elements.append(try value(&left)) }
            return .array(elements)
        case UInt8(ascii: "\""):
            var bytes: [UInt8] = []
            try string(appendingTo: &bytes)
            return .string(bytes)
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }
}
