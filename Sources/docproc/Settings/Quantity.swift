/// Sizes and durations as people type them.
enum Quantity {
    /// `8G`, `512M`, `1.5GiB`, `1000` (bytes). Units are powers of 1024.
    static func size(_ text: String) -> Int? {
        let lower = text.lowercased()
        let digits = lower.prefix { $0.isNumber || $0 == "." }
        var unit = lower.dropFirst(digits.count)
        if unit.hasSuffix("ib") { unit = unit.dropLast(2) } else if unit.hasSuffix("b") { unit = unit.dropLast() }
        let factors: [Substring: Double] = [
            "": 1, "k": 1024, "m": 1_048_576, "g": 1_073_741_824, "t": 1_099_511_627_776,
        ]
        guard let amount = Double(digits), let factor = factors[unit], amount * factor < 9e18 else { return nil }
        return Int(amount * factor)
    }

    /// `2h`, `40m`, `30s`, `1h30m`, `90` (seconds).
    static func seconds(_ text: String) -> Double? {
        let factors: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        var total = 0.0
        var digits = ""
        for character in text.lowercased() {
            if character.isNumber || character == "." {
                digits.append(character)
            } else {
                guard let factor = factors[character], let amount = Double(digits) else { return nil }
                total += amount * factor
                digits = ""
            }
        }
        if !digits.isEmpty {
            guard total == 0, let amount = Double(digits) else { return nil }
            total = amount
        }
        return total > 0 ? total : nil
    }

    /// Tokens: `8192` or `8K`.
    static func tokens(_ text: String) -> Int? {
        guard let last = text.last else { return nil }
        guard let factor = ["k": 1024, "m": 1_048_576][last.lowercased()] else { return Int(text) }
        return Int(text.dropLast()).map { $0 * factor }
    }

    /// Pages: `1-20,33`, in ascending order without overlaps.
    static func pages(_ text: String) -> [ClosedRange<Int>]? {
        var ranges: [ClosedRange<Int>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count), let first = Int(ends[0]), let last = Int(ends[ends.count - 1]),
                first >= 1, last >= first
            else { return nil }
            ranges.append(first...last)
        }
        return ranges.sorted { $0.lowerBound < $1.lowerBound }
    }
}

/// The nearest of some names, for "did you mean".
enum Spelling {
    /// The candidate at most a third of its letters away; nil if none is that near.
    static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
        candidates.map { ($0, distance(word, $0)) }
            .filter { $0.1 <= max(1, max(word.count, $0.0.count) / 3) }
            .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.lowercased())
        let b = Array(b.lowercased())
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
