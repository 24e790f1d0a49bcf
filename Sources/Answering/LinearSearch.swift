/// Substring search in linear time (Knuth, Morris and Pratt 1977), over bytes or folded symbols.
struct LinearSearch<Symbol: Equatable> {
    private let pattern: [Symbol]
    /// For each prefix, the length of its longest proper border.
    private let borders: [Int]

    init(_ pattern: [Symbol]) {
        self.pattern = pattern
        var borders = [Int](repeating: 0, count: pattern.count)
        var length = 0
        for index in pattern.indices.dropFirst() {
            while length > 0, pattern[index] != pattern[length] { length = borders[length - 1] }
            if pattern[index] == pattern[length] { length += 1 }
            borders[index] = length
        }
        self.borders = borders
    }

    /// Where the pattern begins in a text, overlapping places included, for as long as `take` returns true.
    func matches(in text: [Symbol], from start: Int = 0, take: (Int) -> Bool) {
        guard !pattern.isEmpty else { return }
        var length = 0
        for index in start..<max(start, text.count) {
            while length > 0, text[index] != pattern[length] { length = borders[length - 1] }
            if text[index] == pattern[length] { length += 1 }
            if length == pattern.count {
                if !take(index + 1 - length) { return }
                length = borders[length - 1]
            }
        }
    }
}
