// Which character set some bytes are in.
//
// A reading is judged by how its characters look: common letters of the languages that use the set speak for it,
// undefined codes, symbols inside words and capitals behind small letters against it. The figures of one reading are
// a mean over its non-ASCII characters, so readings of one text by different sets can be compared.

/// Chooses the character set of a file.
struct EncodingDetector {
    /// Converters, used on a sample of the file.
    let decoders: Decoders

    /// What was chosen.
    struct Choice: Equatable {
        /// The character set.
        var charset: Charset
        /// Bytes of a byte order mark.
        var markLength = 0
        /// Neither declared nor certain.
        var isGuessed = false
    }

    /// Bytes of the file that are looked at: a stretch from the first non-ASCII byte on.
    private static let sampleBytes = 96 << 10

    /// Chooses.
    func choose(_ bytes: [UInt8], declared: Charset?) -> Choice {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Choice(charset: .utf8, markLength: 3) }
        if bytes.starts(with: [0xFF, 0xFE]) { return Choice(charset: .utf16LE, markLength: 2) }
        if bytes.starts(with: [0xFE, 0xFF]) { return Choice(charset: .utf16BE, markLength: 2) }
        if let wide = Self.wideWithoutMark(bytes) { return Choice(charset: wide, isGuessed: declared != wide) }
        guard let first = bytes.firstIndex(where: { $0 >= 0x80 }) else {
            let escapes = Self.hasJapaneseEscapes(bytes)
            return Choice(charset: escapes ? .iso2022JP : .utf8, isGuessed: escapes && declared != .iso2022JP)
        }
        // A page that says UTF-16 in ASCII bytes isn't; the standard reads it as UTF-8.
        let declared = declared == .utf16LE || declared == .utf16BE ? Charset.utf8 : declared
        if let sequences = Self.utf8Sequences(bytes[first...]) {
            // Two accents in a row that happen to be UTF-8 occur in other sets; many don't.
            if declared == nil || declared == .utf8 || sequences > 2 {
                return Choice(charset: .utf8, isGuessed: declared != nil && declared != .utf8)
            }
        }
        let sample = Self.sample(bytes, from: first)
        let declaredMerit = declared.flatMap { merit(of: sample, in: $0) }
        var best: (charset: Charset, merit: Double)?
        for charset in Self.candidates where charset != declared {
            guard let merit = merit(of: sample, in: charset) else { continue }
            if best.map({ merit > $0.merit }) ?? true { best = (charset, merit) }
        }
        if let declared, let declaredMerit {
            // A label is strong evidence; only a clearly better reading of clearly bad text outweighs it.
            guard let best, declaredMerit < 0.1, best.merit > declaredMerit + 0.35 else {
                return Choice(charset: declared)
            }
            return Choice(charset: best.charset, isGuessed: true)
        }
        if let best, best.merit > -0.5 { return Choice(charset: best.charset, isGuessed: true) }
        return Choice(charset: .windows1252, isGuessed: true)
    }

    /// Readings tried where nothing is declared, the likelier first.
    private static let candidates: [Charset] = [
        .utf8, .windows1252, .eucKR, .shiftJIS, .eucJP, .gb18030, .big5, .windows1251, .koi8R, .windows1250,
        .iso8859x2, .windows1253, .windows1254, .windows1255, .windows1256, .windows874, .iso8859x5, .ibm866,
    ]

    /// UTF-16 without a mark: markup and spaces give null bytes at every other place, and nowhere else.
    private static func wideWithoutMark(_ bytes: [UInt8]) -> Charset? {
        let head = bytes.prefix(4096)
        guard head.count >= 16 else { return nil }
        var nulls = [0, 0]
        for (index, byte) in head.enumerated() where byte == 0 { nulls[index & 1] += 1 }
        let half = head.count / 2
        if nulls[0] * 5 > half, nulls[1] * 50 < half { return .utf16BE }
        if nulls[1] * 5 > half, nulls[0] * 50 < half { return .utf16LE }
        return nil
    }

    private static func hasJapaneseEscapes(_ bytes: [UInt8]) -> Bool {
        var at = bytes.startIndex
        while let escape = bytes[at...].firstIndex(of: 0x1B) {
            if bytes[escape...].starts(with: [0x1B, 0x24, 0x42]) || bytes[escape...].starts(with: [0x1B, 0x24, 0x40]) {
                return true
            }
            at = escape + 1
        }
        return false
    }

    /// How many characters beyond ASCII there are in valid UTF-8, counted up to three; nil for other bytes. A cut last
    /// character is forgiven behind three whole ones.
    private static func utf8Sequences(_ bytes: ArraySlice<UInt8>) -> Int? {
        func isValid(_ bytes: ArraySlice<UInt8>) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
        let sequences = bytes.lazy.filter { $0 >= 0xC0 }.prefix(3).count
        if isValid(bytes) { return sequences }
        return sequences == 3 && (1...3).contains { isValid(bytes.dropLast($0)) } ? sequences : nil
    }

    private static func sample(_ bytes: [UInt8], from first: Int) -> ArraySlice<UInt8> {
        // From a line start, so that double-byte readings begin at a character.
        let start = bytes[..<first].lastIndex { $0 < 0x40 } ?? 0
        return bytes[start..<min(bytes.count, start + sampleBytes)]
    }

    /// How much a reading looks like text, from about -2 to 1; nil without a converter.
    private func merit(of sample: ArraySlice<UInt8>, in charset: Charset) -> Double? {
        let decoded: [UInt8]
        if charset == .utf8 {
            decoded = UTF8Repair.repaired(sample).utf8
        } else {
            guard let (text, _) = decoders.decode(sample, from: charset) else { return nil }
            decoded = text
        }
        let judge = ReadingJudge(charset)
        var sum = 0.0
        var count = 0
        var previous: Unicode.Scalar = " "
        for scalar in String(decoding: decoded, as: UTF8.self).unicodeScalars {
            if scalar.value >= 0x80 {
                sum += judge.merit(of: scalar, after: previous)
                count += 1
            } else if previous.value >= 0x80 {
                sum += judge.merit(ofASCII: scalar, after: previous)
            }
            previous = scalar
        }
        return count == 0 ? 0 : sum / Double(count) + judge.prior
    }
}
