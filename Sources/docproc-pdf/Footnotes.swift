// Footnotes: small print at the foot of a page that begins with a number or a mark.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Footnotes {
    /// Letters of a note are smaller than this part of the body's.
    private static let smaller = 0.93

    /// Marks the notes of the first `count` pages.
    static func mark(_ pages: inout [LaidOutPage], count: Int, body: Double) {
        for page in 0..<count {
            let half = 0.5 * pages[page].page.height
            var isNote = false
            for block in pages[page].blocks.indices {
                let candidate = pages[page].blocks[block]
                guard candidate.kind == .paragraph || candidate.kind == .listItem, !candidate.isHidden,
                    let first = candidate.lines.first, first.box.y0 > half,
                    candidate.lines.allSatisfy({ $0.size < smaller * body })
                else {
                    isNote = false
                    continue
                }
                // What follows a note in the same print goes on with it.
                isNote = isNote || startsWithMark(first.text)
                if isNote { pages[page].blocks[block].kind = .footnote }
            }
        }
    }

    /// `1 See`, `12See`, `* See`, `† See`.
    private static func startsWithMark(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first else { return false }
        if "*∗†‡§¶".unicodeScalars.contains(first) { return true }
        let digits = text.unicodeScalars.prefix { $0.isNumber }
        guard (1...3).contains(digits.count) else { return false }
        let rest = text.unicodeScalars.dropFirst(digits.count).drop { $0 == " " }
        return rest.first?.isLetter == true
    }
}
