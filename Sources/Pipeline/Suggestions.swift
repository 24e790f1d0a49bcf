// Finds what somebody probably meant.

/// Near misses among known words.
enum Suggestions {
    /// `did you mean "length"?`, or nil if nothing is near.
    static func didYouMean(_ word: String, among known: some Sequence<String>) -> String? {
        nearest(word, among: known).map { "did you mean \"\($0)\"?" }
    }

    /// The nearest word: at most a third of it differs, and swapped neighbours count once. Ties go to the first in
    /// the alphabet.
    static func nearest(_ word: String, among known: some Sequence<String>) -> String? {
        let folded = word.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 }
        let limit = max(1, folded.count / 3)
        var best: (distance: Int, word: String)?
        for candidate in known {
            let distance = distance(folded, Array(candidate.lowercased()), limit: limit)
            guard distance <= limit, distance < candidate.count else { continue }
            if best.map({ (distance, candidate) < ($0.distance, $0.word) }) ?? true { best = (distance, candidate) }
        }
        if let best { return best.word }
        // A word cut short or with something added: `doc` for `documents`, `max_words_total`.
        let text = String(folded)
        guard text.count >= 3 else { return nil }
        return known.filter { $0.hasPrefix(text) || (text.hasPrefix($0) && $0.count >= 4) }.min()
    }

    /// Optimal string alignment distance, cut off above `limit`.
    static func distance(_ one: [Character], _ other: [Character], limit: Int) -> Int {
        if abs(one.count - other.count) > limit { return limit + 1 }
        var twoBefore: [Int] = []
        var before = Array(0...other.count)
        for i in 0..<one.count {
            var row = [i + 1] + Array(repeating: 0, count: other.count)
            for j in 0..<other.count {
                let cost = one[i] == other[j] ? 0 : 1
                row[j + 1] = min(before[j + 1] + 1, row[j] + 1, before[j] + cost)
                if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
                    row[j + 1] = min(row[j + 1], twoBefore[j - 1] + 1)
                }
            }
            twoBefore = before
            before = row
        }
        return before[other.count]
    }
}
