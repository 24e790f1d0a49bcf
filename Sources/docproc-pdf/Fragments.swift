// From words to fragments: stretches of one line without a wide gap, the atoms that page layout moves about.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

/// Words that follow each other on one line, in logical order.
struct Fragment {
    var text: String
    var box: Box
    /// The size of most of its characters.
    var size: Double
    var isBold: Bool
    var isRightToLeft: Bool
    /// False for text that runs up or down the page.
    var isUpright: Bool
    /// What it was put together from; empty for right-to-left text and for notes.
    var words: [Word] = []
    /// Where its words end in the text and stand on the page; empty for notes.
    var places: [WordPlace] = []
}

extension [Fragment] {
    /// From top to bottom, fragments of one height from the left. Only keys are moved about to find the order, and where
    /// it is that of the array, nothing.
    var topDown: [Fragment] {
        typealias Key = (middle: Double, x0: Double, index: Int)
        func precedes(_ a: Key, _ b: Key) -> Bool { (a.middle, a.x0) < (b.middle, b.x0) }
        var keys = indices.map { (middle: self[$0].box.middle, x0: self[$0].box.x0, index: $0) }
        if !zip(keys, keys.dropFirst()).contains(where: { precedes($1, $0) }) { return self }
        keys.sort(by: precedes)
        return keys.map { self[$0.index] }
    }
}

/// A word of a fragment.
struct WordPlace {
    /// UTF-8 bytes of the fragment's text up to its end.
    var end: Int
    var box: Box
}

enum Fragments {
    /// A gap wider than this many ems parts two fragments: a column, a table cell, a label from its value.
    private static let wideGap = 1.5
    /// A gap wider than this many ems between right-to-left words is a space.
    private static let space = 0.13

    /// A gap wider than this many ems between other words is one even if Poppler has none.
    private static let wordGap = 0.3

    /// A gap that is no wider is none even if Poppler has one, as in formulas: the signs of a product, an index.
    private static let thinSpace = 0.12

    /// The fragments of lines in Poppler's order.
    static func of(_ lines: [[Word]]) -> [Fragment] {
        lines.flatMap { line in
            line.contains { $0.direction == .rightToLeft } ? mixed(line) : leftToRight(line)
        }
    }

    /// Words in order, as one fragment.
    static func line(_ words: [Word]) -> Fragment { join(words, isRightToLeft: false, hasSpace) }

    private static func leftToRight(_ all: [Word]) -> [Fragment] {
        var fragments: [Fragment] = []
        var words: [Word] = []
        for word in all {
            if let last = words.last, parts(last, word) {
                fragments.append(line(words))
                words = []
            }
            words.append(word)
        }
        fragments.append(line(words))
        return fragments
    }

    /// Poppler has none where it starts a new line or word for another reason, such as another font.
    private static func hasSpace(_ a: Word, _ b: Word) -> Bool {
        let gap = (b.box.x0 - a.box.x1) / max(a.size, b.size, 0.1)
        guard b.followsSpace, abs(gap) < thinSpace else { return b.followsSpace || gap > wordGap }
        // The number of a footnote is no part of the word before it, an index is part of a variable.
        return b.size < 0.9 * a.size && a.text.utf8.count > 3
    }

    private static func parts(_ a: Word, _ b: Word) -> Bool {
        guard a.isUpright, b.isUpright else { return false }
        let size = max(a.size, b.size)
        let gap = b.box.x0 - a.box.x1
        // Small print at a distance, such as a line number, is no part of the line; at no distance it is an index. So is
        // print that is a little smaller at a larger one: notes in the margin.
        let small = min(a.size, b.size)
        let isOther = small < 0.7 * size && gap > 0.5 * size || small < 0.95 * size && gap > 0.8 * size
        return isOther || gap > wideGap * size || gap < -2 * size
    }

    /// A line with right-to-left words: ordered by place, since Poppler keeps neither runs of the other direction
    /// nor spaces together. After the Unicode bidirectional algorithm (UAX #9), applied backwards to whole words.
    private static func mixed(_ line: [Word]) -> [Fragment] {
        guard line.allSatisfy(\.isUpright) else {
            return [join(line, isRightToLeft: true) { _, _ in true }]
        }
        let rightWidth = line.reduce(0) { $0 + ($1.direction == .rightToLeft ? $1.box.width : 0) }
        let leftWidth = line.reduce(0) { $0 + ($1.direction == .leftToRight ? $1.box.width : 0) }
        // Poppler marks both directions in a right-to-left line and only the odd one in the other kind; widths decide
        // where the line is of both.
        let isRightToLeft = rightWidth > 0.3 * leftWidth
        let sorted = line.sorted { isRightToLeft ? $0.box.x1 > $1.box.x1 : $0.box.x0 < $1.box.x0 }
        var fragments: [Fragment] = []
        var words: [Word] = []
        for word in sorted {
            if let last = words.last, gap(last, word) > wideGap * max(last.size, word.size) {
                fragments.append(logical(words, isRightToLeft))
                words = []
            }
            words.append(word)
        }
        fragments.append(logical(words, isRightToLeft))
        return fragments
    }

    /// Turns runs of the other direction around. Signs between two words of a run belong to it.
    private static func logical(_ words: [Word], _ isRightToLeft: Bool) -> Fragment {
        let other: Word.Direction = isRightToLeft ? .leftToRight : .rightToLeft
        var ordered: [Word] = []
        var start = 0
        while start < words.count {
            guard words[start].direction == other else {
                ordered.append(words[start])
                start += 1
                continue
            }
            let end = words[start...].firstIndex { $0.direction != other && $0.direction != .neutral } ?? words.count
            let last = words[start..<end].lastIndex { $0.direction == other } ?? start
            ordered += turned(Array(words[start...last]), isRightToLeft)
            start = last + 1
        }
        return join(ordered, isRightToLeft: isRightToLeft) { a, b in
            gap(a, b) > space * max(a.size, b.size)
        }
    }

    /// Numbers alone keep the order of the line around them; anything with a letter turns (UAX #9, rules W7 and N1).
    private static func turned(_ run: [Word], _ isRightToLeft: Bool) -> [Word] {
        let hasLetter = run.contains { $0.text.unicodeScalars.contains { $0.isLetter } }
        return isRightToLeft && !hasLetter ? run : run.reversed()
    }

    /// The empty space between two words, whichever stands left.
    private static func gap(_ a: Word, _ b: Word) -> Double {
        max(a.box.x0, b.box.x0) - min(a.box.x1, b.box.x1)
    }

    private static func join(
        _ words: [Word], isRightToLeft: Bool, _ hasSpace: (Word, Word) -> Bool
    ) -> Fragment {
        var text = ""
        let bytes = words.reduce(0) { $0 + $1.text.utf8.count + 1 }
        // Shorter strings take no memory of their own.
        if bytes > 16 { text.reserveCapacity(bytes) }
        var places: [WordPlace] = []
        places.reserveCapacity(words.count)
        var box = words[0].box
        var sizes: [(size: Double, characters: Int)] = []
        var bold = 0
        var count = 0
        for (index, word) in words.enumerated() {
            if index > 0, hasSpace(words[index - 1], word) { text += " " }
            text += word.text
            places.append(WordPlace(end: text.utf8.count, box: word.box))
            box = box.union(word.box)
            let characters = word.text.utf8.count
            let size = (word.size * 10).rounded() / 10
            if let known = sizes.firstIndex(where: { $0.size == size }) {
                sizes[known].characters += characters
            } else {
                sizes.append((size, characters))
            }
            if word.isBold { bold += characters }
            count += characters
        }
        let size = sizes.max { ($0.characters, $0.size) < ($1.characters, $1.size) }?.size ?? 0
        return Fragment(
            text: text, box: box, size: size, isBold: 2 * bold > count, isRightToLeft: isRightToLeft,
            isUpright: 2 * words.count(where: \.isUpright) >= words.count, words: isRightToLeft ? [] : words,
            places: places)
    }
}
