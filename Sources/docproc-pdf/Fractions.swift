// Fractions within a line: what stands above and below the line at a place where the line itself has a hole.
//
// Without this their parts would be lines of their own, read before and after the line.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Fractions {
    /// Longer text is no part of a fraction that stands in a line.
    private static let longest = 16
    /// A page with more fragments is no text.
    private static let maximumFragments = 3_000

    /// Fragments with fractions put in their place.
    static func joined(_ fragments: [Fragment]) -> [Fragment] {
        guard fragments.count <= maximumFragments else { return fragments }
        var parts: [(fragment: Int, word: Word)] = []
        for (index, fragment) in fragments.enumerated() where fragment.text.utf8.count <= longest {
            if !fragment.isRightToLeft { parts += fragment.words.map { (index, $0) } }
        }
        guard parts.count > 1 else { return fragments }
        parts.sort { $0.word.box.middle < $1.word.box.middle }
        var taken: [Int: [Word]] = [:]
        var lines: [Int: [Word]] = [:]
        var used: Set<Int> = []
        for upper in parts.indices where !used.contains(upper) {
            guard let lower = denominator(of: upper, in: parts, used) else { continue }
            let (above, below) = (parts[upper], parts[lower])
            let box = above.word.box.union(below.word.box)
            let middle = (above.word.box.y1 + below.word.box.y0) / 2
            let line = fragments.indices.first { index in
                index != above.fragment && index != below.fragment
                    && holds(box, at: middle, lines[index] ?? fragments[index].words, fragments[index])
            }
            guard let line else { continue }
            used.formUnion([upper, lower])
            taken[above.fragment, default: []].append(above.word)
            taken[below.fragment, default: []].append(below.word)
            var word = above.word
            word.text += "/" + below.word.text
            word.box = Box(x0: box.x0, y0: fragments[line].box.y0, x1: box.x1, y1: fragments[line].box.y1)
            word.followsSpace = true
            var words = lines[line] ?? fragments[line].words
            words.insert(word, at: words.firstIndex { $0.box.x0 > box.x0 } ?? words.count)
            lines[line] = words
        }
        guard !used.isEmpty else { return fragments }
        return fragments.indices.compactMap { index in
            var words = lines[index] ?? fragments[index].words
            for word in taken[index] ?? [] {
                if let at = words.firstIndex(where: { $0.box == word.box && $0.text == word.text }) {
                    words.remove(at: at)
                }
            }
            if lines[index] == nil, taken[index] == nil { return fragments[index] }
            return words.isEmpty ? nil : Fragments.line(words)
        }
    }

    /// The part right below another, about as far to the left and right.
    private static func denominator(
        of upper: Int, in parts: [(fragment: Int, word: Word)], _ used: Set<Int>
    ) -> Int? {
        let above = parts[upper].word
        let size = max(above.size, 1)
        for lower in (upper + 1)..<max(parts.count, upper + 1) where !used.contains(lower) {
            let below = parts[lower].word
            if below.box.middle - above.box.middle > 2.2 * size { return nil }
            let gap = below.box.y0 - above.box.y1
            let shift = abs((above.box.x0 + above.box.x1) - (below.box.x0 + below.box.x1)) / 2
            if gap > -0.4 * size, gap < 0.8 * size, shift < 0.3 * size, abs(above.size - below.size) < 0.1 * size {
                return lower
            }
        }
        return nil
    }

    /// Whether a line of text has a hole for a fraction, or ends or begins at it.
    private static func holds(_ box: Box, at middle: Double, _ words: [Word], _ line: Fragment) -> Bool {
        let size = max(line.size, 1)
        guard !line.isRightToLeft, abs(line.box.middle - middle) < 0.45 * size else { return false }
        guard box.x0 > line.box.x0 - 1.5 * size, box.x1 < line.box.x1 + 1.5 * size else { return false }
        return !words.contains { min($0.box.x1, box.x1) - max($0.box.x0, box.x0) > 0.15 * size }
    }
}
