// From the bytes of a text file or web page to UTF-8: which character set, and the conversion.
//
// Order of belief: byte order mark; null bytes of UTF-16; valid UTF-8, whatever the page claims; the declared set,
// unless its text looks worse than another reading; then the best-looking reading. Labels mean what browsers mean.

/// Decoded text and how it came about.
struct DecodedText {
    /// Valid UTF-8, without a byte order mark.
    var utf8: [UInt8]
    /// The character set used.
    var charset: Charset
    /// Whether the set was neither declared nor certain from the bytes.
    var isGuessed: Bool
    /// Bytes that fitted nowhere.
    var errors: Int
    /// Bytes of the file before `utf8` begins.
    var markLength: Int
}

extension Decoders {
    /// Decodes bytes. `declared`: the label found in the file or beside it, if any.
    func decode(_ bytes: [UInt8], declared: Charset?) -> DecodedText {
        let choice = EncodingDetector(decoders: self).choose(bytes, declared: declared)
        let body = bytes[min(choice.markLength, bytes.count)...]
        if choice.charset == .utf8 {
            let (utf8, errors) = UTF8Repair.repaired(body)
            return DecodedText(
                utf8: utf8, charset: .utf8, isGuessed: choice.isGuessed, errors: errors, markLength: choice.markLength)
        }
        if let (text, errors) = decode(body, from: choice.charset) {
            return DecodedText(
                utf8: text, charset: choice.charset, isGuessed: choice.isGuessed, errors: errors,
                markLength: choice.markLength)
        }
        // Only where the system's converters are missing: ASCII survives, the rest is marked.
        let (utf8, errors) = UTF8Repair.repaired(body)
        return DecodedText(utf8: utf8, charset: .utf8, isGuessed: true, errors: errors, markLength: choice.markLength)
    }
}

/// Checks and mends UTF-8.
enum UTF8Repair {
    /// The same bytes where they are valid UTF-8; otherwise each bad sequence is replaced by U+FFFD.
    static func repaired(_ bytes: ArraySlice<UInt8>) -> (utf8: [UInt8], errors: Int) {
        if String(validating: bytes, as: UTF8.self) != nil { return (Array(bytes), 0) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 8)
        var errors = 0
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let length = validLength(bytes, at: index)
            if length > 0 {
                result.append(contentsOf: bytes[index..<index + length])
                index += length
            } else {
                result.append(contentsOf: [0xEF, 0xBF, 0xBD])
                errors += 1
                index += max(1, -length)
            }
        }
        return (result, errors)
    }

    /// Bytes of the valid character at `index`, or minus the bytes of the bad sequence there ("maximal subpart",
    /// Unicode 3.9, table 3-7).
    static func validLength(_ bytes: ArraySlice<UInt8>, at index: Int) -> Int {
        let first = bytes[index]
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0..<0x80: return 1
        case 0xC2...0xDF: count = 2
        case 0xE0:
            count = 3
            second = 0xA0...0xBF
        case 0xED:
            count = 3
            second = 0x80...0x9F
        case 0xE1...0xEF: count = 3
        case 0xF0:
            count = 4
            second = 0x90...0xBF
        case 0xF1...0xF3: count = 4
        case 0xF4:
            count = 4
            second = 0x80...0x8F
        default: return -1
        }
        for step in 1..<count {
            guard index + step < bytes.endIndex else { return -step }
            let allowed = step == 1 ? second : 0x80...0xBF
            guard allowed.contains(bytes[index + step]) else { return -step }
        }
        return count
    }
}
