// Words from letters that a file places one by one with a font for vertical writing, though along the line.
//
// Of such a font Poppler knows only that a letter takes its height down the page, so it gives each a square of one em
// around its middle and no spaces. Where the next letter stands tells the rest: as far away as half of both letters'
// widths, or farther by a space. Widths are those that letters have in most typefaces.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Letters {
    /// Fewer letters than this are more likely labels.
    private static let minimum = 10
    /// A gap wider than this many ems is a space.
    private static let space = 0.16

    /// Lines with letters joined to words; as they are where the page is not of that kind.
    static func joined(_ lines: [[Word]]) -> [[Word]] {
        let words = lines.joined()
        let count = words.count(where: isSquare)
        guard count >= minimum, 10 * count >= 9 * words.count else { return lines }
        var rows: [(middle: Double, words: [Word])] = []
        for word in words.sorted(by: { ($0.box.middle, $0.box.x0) < ($1.box.middle, $1.box.x0) }) {
            if let last = rows.last, word.box.middle - last.middle < 0.3 * word.size {
                rows[rows.count - 1].words.append(word)
            } else {
                rows.append((word.box.middle, [word]))
            }
        }
        return rows.map { row in
            var joined: [Word] = []
            for var word in row.words.sorted(by: { $0.box.x0 < $1.box.x0 }) {
                if isSquare(word) { narrow(&word) }
                guard let last = joined.last, word.box.x0 - last.box.x1 <= space * word.size else {
                    word.followsSpace = !joined.isEmpty
                    joined.append(word)
                    continue
                }
                joined[joined.count - 1].text += word.text
                joined[joined.count - 1].box = last.box.union(word.box)
            }
            for index in joined.indices { joined[index].direction = Word.Direction(of: joined[index].text) }
            return joined
        }
    }

    /// A single letter, not of a script whose signs are square, in a box of one em.
    private static func isSquare(_ word: Word) -> Bool {
        // No such letter has more than three bytes.
        guard word.text.utf8.count <= 3 else { return false }
        let scalars = word.text.unicodeScalars
        guard scalars.count == 1, let scalar = scalars.first, scalar.value < 0x1100 else { return false }
        return abs(word.box.width - word.size) < 0.03 * word.size && abs(word.box.height - word.size) < 0.1 * word.size
    }

    private static func narrow(_ word: inout Word) {
        let middle = (word.box.x0 + word.box.x1) / 2
        let half = 0.5 * word.size * width(word.text.unicodeScalars.first ?? " ")
        word.box.x0 = middle - half
        word.box.x1 = middle + half
    }

    /// The usual width of a letter in ems.
    private static func width(_ scalar: Unicode.Scalar) -> Double {
        switch scalar {
        case "i", "j", "l", "'", "|": 0.23
        case "f", "t", "r", "I", ".", ",", ":", ";", "!", "/", "\\", "(", ")", "[", "]", "-", "`": 0.3
        case "J", "c", "k", "s", "v", "x", "y", "z", "\"", "*": 0.5
        case "A", "B", "E", "K", "P", "S", "V", "X", "Y": 0.67
        case "C", "D", "H", "N", "R", "U", "w", "&": 0.72
        case "G", "O", "Q": 0.77
        case "M", "m": 0.83
        case "W", "%", "@", "—": 0.95
        default: scalar.properties.isUppercase ? 0.65 : 0.56
        }
    }
}
