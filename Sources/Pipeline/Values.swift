// Values with units, as people write them: `12G`, `95%`, `40m`, `180 words`, `2M`.

/// Reads values with units; nil where the text is none.
enum Values {
    /// Bytes: a number with K, M, G or T (binary), optionally followed by `B` or `iB`.
    static func bytes(_ text: String) -> Int? {
        var body = Substring(text)
        for ending in ["iB", "B"] where body.hasSuffix(ending) {
            body = body.dropLast(ending.count)
            break
        }
        guard let unit = body.last, let shift = ["K": 10, "M": 20, "G": 30, "T": 40][String(unit)],
            let number = decimal(body.dropLast()), number > 0
        else { return nil }
        let value = number * Double(1 << shift)
        return value < Double(1 << 60) ? Int(value) : nil
    }

    /// Whether it is a mode of reading keys and values.
    static func isReading(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        switch (parts.first, parts.count) {
        case ("exact", 1): return true
        case ("lazy-v", 2), ("certified", 2): return Double(parts[1]).map { $0 > 0 && $0 < 1 } ?? false
        case ("budget", 2): return Int(parts[1]).map { $0 > 0 } ?? false
        default: return false
        }
    }

    /// Tokens: a number, or one with K (1,024) or M (1,048,576), as window sizes are usually given.
    static func tokens(_ text: String) -> Int? {
        if let plain = Int(text) { return plain > 0 ? plain : nil }
        guard let unit = text.last, let shift = ["K": 10, "M": 20][String(unit)],
            let number = decimal(text.dropLast()), number > 0, number < 1e9
        else { return nil }
        return Int(number * Double(1 << shift))
    }

    /// A share between 0 and 1 from `95%` or `99.5%`.
    static func share(_ text: String) -> Double? {
        guard text.hasSuffix("%"), let number = decimal(text.dropLast()), number <= 100 else { return nil }
        return number / 100
    }

    /// Seconds from `90s`, `40m`, `6h`, `2d` or `1h30m`.
    static func seconds(_ text: String) -> Double? {
        var total = 0.0
        var digits = ""
        var lastUnit = Double.infinity
        for character in text {
            if character.isASCII, character.isNumber || character == "." {
                digits.append(character)
                continue
            }
            guard let unit = ["s": 1.0, "m": 60, "h": 3600, "d": 86_400][character], unit < lastUnit,
                let number = decimal(Substring(digits))
            else { return nil }
            total += number * unit
            lastUnit = unit
            digits = ""
        }
        return digits.isEmpty && total > 0 ? total : nil
    }

    /// A number of words from `180 words` or `180`.
    static func words(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 1 || (parts.count == 2 && (parts[1] == "words" || parts[1] == "word")),
            let number = Int(parts[0]), number > 0
        else { return nil }
        return number
    }

    /// A calendar day, `2026-11-21`.
    static func isDate(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.count) == [4, 2, 2], let year = Int(parts[0]), let month = Int(parts[1]),
            let day = Int(parts[2]), (1...12).contains(month)
        else { return false }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }

    /// Digits with at most one point; no sign, no exponent.
    private static func decimal(_ text: Substring) -> Double? {
        guard let first = text.utf8.first, first != UInt8(ascii: "."),
            text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") })
        else { return nil }
        return Double(text)
    }
}
