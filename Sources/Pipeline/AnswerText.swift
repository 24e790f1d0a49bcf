// Answers as checks compare them: markers, case, white space and typography do not count.

/// Folds texts for comparison.
enum AnswerText {
    /// The text without citation markers such as `[1]` or `[2, 3]` and the spaces before them.
    static func withoutMarkers(_ text: String) -> String {
        var out = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "[") {
            out += rest[..<open]
            let inside = rest[rest.index(after: open)...]
            if let close = inside.firstIndex(of: "]"), inside[..<close].contains(where: \.isNumber),
                inside[..<close].allSatisfy({ $0.isNumber || $0 == "," || $0 == " " || $0 == "-" })
            {
                while out.last == " " { out.removeLast() }
                rest = inside[inside.index(after: close)...]
            } else {
                out.append("[")
                rest = inside
            }
        }
        return out + rest
    }

    /// Lower case, single spaces, plain quotes and hyphens, no markers.
    static func folded(_ text: String) -> String {
        var out = ""
        var pendingSpace = false
        for character in withoutMarkers(text).lowercased() {
            if character.isWhitespace {
                pendingSpace = !out.isEmpty
                continue
            }
            if pendingSpace { out.append(" ") }
            pendingSpace = false
            switch character {
            case "‘", "’", "‚", "‛", "′": out.append("'")
            case "“", "”", "„", "‟", "«", "»", "″": out.append("\"")
            case "‐", "‑", "‒", "–", "—", "−": out.append("-")
            case "\u{AD}": break
            default: out.append(character)
            }
        }
        return out
    }

    /// Whether a text occurs in another, both folded. Bytes are compared: folding has made equal what should be.
    /// Numbers are not found inside longer ones: `30` is neither in `300` nor in `30,000`.
    static func contains(_ text: String, _ piece: String) -> Bool {
        let piece = Array(folded(piece).utf8)
        let text = Array(folded(text).utf8)
        guard !piece.isEmpty, text.count >= piece.count else { return piece.isEmpty }
        return (0...text.count - piece.count).contains { start in
            text[start] == piece[0] && text[start..<start + piece.count].elementsEqual(piece)
                && !cutsNumber(text, start..<start + piece.count)
        }
    }

    /// Whether a range begins or ends in the middle of a number.
    private static func cutsNumber(_ text: [UInt8], _ range: Range<Int>) -> Bool {
        func isDigit(_ index: Int) -> Bool { text.indices.contains(index) && (48...57).contains(text[index]) }
        func isComma(_ index: Int) -> Bool { text.indices.contains(index) && text[index] == UInt8(ascii: ",") }
        /// Exactly three digits from here on, as behind the comma of `30,000`.
        func isGroup(_ index: Int) -> Bool {
            isDigit(index) && isDigit(index + 1) && isDigit(index + 2) && !isDigit(index + 3)
        }
        let first = range.lowerBound
        let end = range.upperBound
        if isDigit(first), isDigit(first - 1) || (isComma(first - 1) && isDigit(first - 2) && isGroup(first)) {
            return true
        }
        return isDigit(end - 1) && (isDigit(end) || (isComma(end) && isGroup(end + 1)))
    }

    /// The number of words: pieces between white space that hold a letter or digit.
    static func wordCount(_ text: String) -> Int {
        withoutMarkers(text).split(whereSeparator: \.isWhitespace).count { $0.contains { $0.isLetter || $0.isNumber } }
    }

    /// The text on one line, cut to some length, for messages.
    static func excerpt(_ text: String, _ length: Int = 120) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > length ? line.prefix(length) + "…" : line
    }
}
