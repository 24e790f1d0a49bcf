// Text of a growing token sequence, released only in complete characters.

/// Collects the bytes of tokens as they are generated and gives them out as soon as they form whole characters.
package struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    /// The beginning of a character: at most three bytes.
    private var pending: [UInt8] = []

    package init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// Adds a token; returns the text that is now certain, maybe "". Ill-formed bytes become U+FFFD.
    package mutating func append(_ id: Int32) -> String {
        pending += tokenizer.bytes(of: id)
        let certain = pending.count - Self.incompleteTail(pending)
        let text = String(decoding: pending[..<certain], as: UTF8.self)
        pending.removeFirst(certain)
        return text
    }

    /// What is left at the end; an incomplete character becomes U+FFFD.
    package mutating func finish() -> String {
        defer { pending.removeAll() }
        return String(decoding: pending, as: UTF8.self)
    }

    /// Bytes at the end that may yet become a character.
    static func incompleteTail(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            if byte & 0xC0 == 0x80 { continue }
            let needed = byte >= 0xF0 && byte <= 0xF4 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1
            return byte <= 0xF4 && needed > length ? length : 0
        }
        return 0
    }
}
