// Page ranges as people write them: `3`, `3-4`, `1-20,33`.

/// A set of page numbers.
package struct PageSelection: Sendable, Equatable {
    /// Closed ranges in the order given; each at least 1.
    package var ranges: [ClosedRange<Int>]

    /// Reads `3`, `3-4` or `1-20,33`; nil for anything else, page 0 and ranges that run backwards.
    package init?(_ text: String) {
        var ranges: [ClosedRange<Int>] = []
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = piece.split(separator: "-", omittingEmptySubsequences: false).map { end -> Int? in
                let digits = end.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
                guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
                return Int(String(digits))
            }
            guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1], low >= 1,
                low <= high
            else { return nil }
            ranges.append(low...high)
        }
        guard !ranges.isEmpty else { return nil }
        self.ranges = ranges
    }

    /// Whether a page is meant.
    package func contains(_ page: Int) -> Bool {
        ranges.contains { $0.contains(page) }
    }

    /// As in the file: `3-4,9`.
    package var text: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }
}
