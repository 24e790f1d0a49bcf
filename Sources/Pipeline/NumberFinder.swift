// The numbers in a text, in digits and in English words.
//
// `1,234` is one number in English and another in German; a check asks for one value, so every reading of an
// ambiguous number counts as found. Digits that belong to a word, as in `A4`, are no numbers.

/// Finds numbers.
enum NumberFinder {
    /// Every number of a text in order, ambiguous ones with each of their readings.
    static func numbers(in text: String) -> [Double] {
        let text = AnswerText.withoutMarkers(text)
        return (digits(in: text) + words(in: text)).sorted { $0.offset < $1.offset }.map(\.value)
    }

    private typealias Found = (offset: Int, value: Double)

    // MARK: - Digits

    private static func digits(in text: String) -> [Found] {
        let characters = Array(text)
        var found: [Found] = []
        var index = 0
        while index < characters.count {
            guard isDigit(characters, index) else {
                index += 1
                continue
            }
            let start = index
            while index < characters.count, isDigit(characters, index) || isSeparator(characters, index) { index += 1 }
            if start > 0, characters[start - 1].isLetter || characters[start - 1] == "_" { continue }
            let run = String(characters[start..<index])
            var values = readings(run)
            // `12 500`: groups of three behind a space may belong together.
            var joined = run
            var end = index
            while joined.allSatisfy(\.isNumber), joined.count % 3 != 0 || joined.count >= 3, end + 3 < characters.count,
                isGroupSpace(characters[end]), (1...3).allSatisfy({ isDigit(characters, end + $0) }),
                !isDigit(characters, end + 4), run.count <= 3
            {
                joined += String(characters[end + 1...end + 3])
                end += 4
            }
            if joined != run, let value = Double(joined) { values.append(value) }
            let factor = multiplier(characters, from: index)
            let isNegative =
                start > 0 && (characters[start - 1] == "-" || characters[start - 1] == "−")
                && (start == 1 || characters[start - 2].isWhitespace || characters[start - 2] == "(")
            for value in values { found.append((start, (isNegative ? -value : value) * factor)) }
        }
        return found
    }

    private static func isDigit(_ characters: [Character], _ index: Int) -> Bool {
        characters.indices.contains(index) && ("0"..."9").contains(characters[index])
    }

    private static func isSeparator(_ characters: [Character], _ index: Int) -> Bool {
        [".", ",", "'", "’"].contains(characters[index]) && isDigit(characters, index - 1)
            && isDigit(characters, index + 1)
    }

    private static func isGroupSpace(_ character: Character) -> Bool {
        [" ", "\u{A0}", "\u{2009}", "\u{202F}"].contains(character)
    }

    /// What a run of digits and separators may mean.
    private static func readings(_ run: String) -> [Double] {
        let text = String(run.filter { $0 != "'" && $0 != "’" })
        let separators = text.filter { $0 == "." || $0 == "," }
        let parts = text.split { $0 == "." || $0 == "," }.map(String.init)
        guard let mark = separators.last else { return [Double(text)].compactMap { $0 } }
        let grouped =
            parts[0].count <= 3 && parts[0] != "0" && parts.dropFirst().allSatisfy { $0.count == 3 }
        if separators.count == 1 {
            let decimal = Double(parts[0] + "." + parts[1])
            if grouped { return [Double(parts.joined()), decimal].compactMap { $0 } }
            // `4,5` may also be a list.
            return mark == ","
                ? [decimal, Double(parts[0]), Double(parts[1])].compactMap { $0 } : [decimal].compactMap { $0 }
        }
        let others = separators.dropLast()
        if others.allSatisfy({ $0 != mark }), Set(others).count == 1, parts[0].count <= 3,
            parts.dropFirst().dropLast().allSatisfy({ $0.count == 3 })
        {
            return [Double(parts.dropLast().joined() + "." + parts[parts.count - 1])].compactMap { $0 }
        }
        if Set(separators).count == 1, grouped { return [Double(parts.joined())].compactMap { $0 } }
        // A date, a version or a list.
        return parts.compactMap { Double($0) }
    }

    private static let multipliers: [String: Double] = [
        "hundred": 100, "thousand": 1000, "million": 1e6, "millions": 1e6, "billion": 1e9, "trillion": 1e12,
    ]

    /// The factor of the word behind a number: `2 million`.
    private static func multiplier(_ characters: [Character], from index: Int) -> Double {
        guard index < characters.count, isGroupSpace(characters[index]) || characters[index] == "-" else { return 1 }
        let word = characters[(index + 1)...].prefix { $0.isLetter }
        return multipliers[String(word).lowercased()] ?? 1
    }

    // MARK: - Words

    private static let units: [String: Double] = [
        "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
        "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
        "seventeen": 17, "eighteen": 18, "nineteen": 19,
    ]
    private static let tens: [String: Double] = [
        "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
        "ninety": 90,
    ]

    private static func words(in text: String) -> [Found] {
        var found: [Found] = []
        // What has been read of the current number: finished thousands, and the part below them.
        var total = 0.0
        var part: Double?
        var start = 0
        func finish() {
            if let part { found.append((start, total + part)) }
            total = 0
            part = nil
        }
        for (offset, word, joined) in tokens(text) {
            if !joined { finish() }
            if let unit = units[word] {
                if let current = part, current.truncatingRemainder(dividingBy: 100) == 0 && current > 0 {
                    part = current + unit
                } else if let current = part, (20...90).contains(current.truncatingRemainder(dividingBy: 100)),
                    current.truncatingRemainder(dividingBy: 10) == 0, (1...9).contains(unit)
                {
                    part = current + unit
                } else if part == 0, total > 0 {
                    part = unit
                } else {
                    finish()
                    (part, start) = (unit, offset)
                }
            } else if let ten = tens[word] {
                if let current = part, current.truncatingRemainder(dividingBy: 100) == 0, current > 0 || total > 0 {
                    part = current + ten
                } else {
                    finish()
                    (part, start) = (ten, offset)
                }
            } else if word == "hundred", (part ?? 1) < 100 {
                if part == nil { start = offset }
                part = (part ?? 1) * 100
            } else if word == "thousand" || word == "million", let current = part, current > 0 {
                total += current * (word == "thousand" ? 1000 : 1e6)
                part = 0
            } else if word == "and", let current = part, current.truncatingRemainder(dividingBy: 100) == 0,
                current + total > 0
            {
                continue
            } else {
                finish()
            }
        }
        finish()
        return found
    }

    /// Words in lower case with their offsets, and whether only spaces or a hyphen stand before them.
    private static func tokens(_ text: String) -> [(Int, String, Bool)] {
        var tokens: [(Int, String, Bool)] = []
        var word = ""
        var start = 0
        var joined = false
        for (offset, character) in text.enumerated() {
            if character.isLetter || character.isNumber {
                if word.isEmpty { start = offset }
                word.append(character)
                continue
            }
            if !word.isEmpty {
                tokens.append((start, word.lowercased(), joined))
                word = ""
                joined = true
            }
            if !character.isWhitespace, character != "-", character != "‑" { joined = false }
        }
        if !word.isEmpty { tokens.append((start, word.lowercased(), joined)) }
        return tokens
    }
}
