// Reads JSON from bytes, one value at a time: tokenizer files are tens of megabytes, and their keys must be told apart
// byte by byte, which Swift's strings don't do (a composed and a decomposed é are equal to them).
// The input may be hostile: depth is bounded, and nothing is allocated that the file doesn't hold.

/// Where a reader stands in a text of well-formed UTF-8.
struct JSONReader {
    /// For messages.
    let file: String
    private let bytes: [UInt8]
    private var offset = 0
    private var depth = 0
    /// The last thing read was an opening bracket.
    private var isFresh = false

    /// Deeper files are refused.
    static let deepest = 64

    init(_ bytes: [UInt8], file: String) throws(TokenizerError) {
        self.file = file
        self.bytes = bytes
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw .malformed(file: file, offset: error.byteOffsets.lowerBound, reason: "ill-formed UTF-8")
        }
    }

    func failure(_ reason: String) -> TokenizerError { .malformed(file: file, offset: offset, reason: reason) }

    /// The first byte of the next value or bracket; 0 at the end.
    mutating func peek() -> UInt8 {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            offset += 1
        }
        return 0
    }

    private mutating func take(_ byte: UInt8, _ name: String) throws(TokenizerError) {
        guard peek() == byte, offset < bytes.count else { throw failure("expected \(name)") }
        offset += 1
    }

    // MARK: Containers

    mutating func beginObject() throws(TokenizerError) { try begin(UInt8(ascii: "{"), "an object") }

    mutating func beginArray() throws(TokenizerError) { try begin(UInt8(ascii: "["), "an array") }

    private mutating func begin(_ bracket: UInt8, _ name: String) throws(TokenizerError) {
        try take(bracket, name)
        guard depth < Self.deepest else { throw failure("nested more than \(Self.deepest) deep") }
        depth += 1
        isFresh = true
    }

    /// Moves to the next member of the object and puts its key, decoded, in `key`; false after the last one.
    mutating func nextKey(_ key: inout [UInt8]) throws(TokenizerError) -> Bool {
        guard try advance(past: UInt8(ascii: "}")) else { return false }
        key.removeAll(keepingCapacity: true)
        try string(appendingTo: &key)
        try take(UInt8(ascii: ":"), "a colon")
        return true
    }

    /// Moves to the next element of the array; false after the last one.
    mutating func nextElement() throws(TokenizerError) -> Bool { try advance(past: UInt8(ascii: "]")) }

    private mutating func advance(past close: UInt8) throws(TokenizerError) -> Bool {
        let byte = peek()
        if byte == close {
            offset += 1
            depth -= 1
            isFresh = false
            return false
        }
        if isFresh {
            isFresh = false
        } else {
            try take(UInt8(ascii: ","), "a comma or the end")
        }
        return true
    }

    /// Makes sure that nothing follows the value that was read.
    mutating func finish() throws(TokenizerError) {
        guard peek() == 0, offset == bytes.count else { throw failure("text after the end") }
    }

    // MARK: Values

    /// Appends a string's bytes, escapes resolved.
    mutating func string(appendingTo result: inout [UInt8]) throws(TokenizerError) {
        try take(UInt8(ascii: "\""), "a string")
        var start = offset
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                result.append(contentsOf: bytes[start..<offset])
                offset += 1
                return
            }
            if byte == UInt8(ascii: "\\") {
                result.append(contentsOf: bytes[start..<offset])
                try escape(appendingTo: &result)
                start = offset
            } else if byte < 0x20 {
                throw failure("a control character in a string")
            } else {
                offset += 1
            }
        }
        throw failure("a string without an end")
    }

    private mutating func escape(appendingTo result: inout [UInt8]) throws(TokenizerError) {
        guard offset + 1 < bytes.count else { throw failure("an escape without an end") }
        let letter = bytes[offset + 1]
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(letter)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"): return try unicodeEscape(appendingTo: &result)
        default: throw failure("an unknown escape")
        }
        offset += 2
    }

    private mutating func unicodeEscape(appendingTo result: inout [UInt8]) throws(TokenizerError) {
        var value = try codeUnit()
        if (0xD800..<0xDC00).contains(value) {
            guard offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
            else { throw failure("half a surrogate pair") }
            let low = try codeUnit()
            guard (0xDC00..<0xE000).contains(low) else { throw failure("half a surrogate pair") }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw failure("half a surrogate pair") }
        result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    /// The four digits of `\uXXXX`.
    private mutating func codeUnit() throws(TokenizerError) -> UInt32 {
        guard offset + 6 <= bytes.count else { throw failure("an escape without an end") }
        var value: UInt32 = 0
        for byte in bytes[offset + 2..<offset + 6] {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw failure("no hexadecimal digit")
            }
            value = value << 4 | UInt32(digit)
        }
        offset += 6
        return value
    }

    /// A number without fraction and exponent that fits.
    mutating func integer() throws(TokenizerError) -> Int {
        guard case .integer(let value) = try number() else { throw failure("expected a whole number") }
        return value
    }

    mutating func number() throws(TokenizerError) -> JSONValue {
        _ = peek()
        let start = offset
        func digits(_ offset: inout Int) -> Int {
            let first = offset
            while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) { offset += 1 }
            return offset - first
        }
        var end = start
        if end < bytes.count, bytes[end] == UInt8(ascii: "-") { end += 1 }
        let first = end
        let count = digits(&end)
        guard count == 1 || count > 1 && bytes[first] != 0x30 else { throw failure("expected a value") }
        var isWhole = true
        if end < bytes.count, bytes[end] == UInt8(ascii: ".") {
            isWhole = false
            end += 1
            guard digits(&end) > 0 else { throw failure("a number without its digits") }
        }
        if end < bytes.count, bytes[end] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            end += 1
            if end < bytes.count, bytes[end] == UInt8(ascii: "+") || bytes[end] == UInt8(ascii: "-") { end += 1 }
            guard digits(&end) > 0 else { throw failure("a number without its digits") }
        }
        let text = String(decoding: bytes[start..<end], as: UTF8.self)
        offset = end
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text) else { throw failure("a number out of range") }
        return .real(value)
    }

    mutating func word(_ word: StaticString, _ value: JSONValue) throws(TokenizerError) -> JSONValue {
        let letters = Array("\(word)".utf8)
        guard bytes[offset...].starts(with: letters) else { throw failure("expected a value") }
        offset += letters.count
        return value
    }
}
