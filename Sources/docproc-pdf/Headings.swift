// Headings: short blocks set larger than the text of the document, or in bold with a section number.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

struct Headings {
    /// How many characters of the pages seen so far are set in which size.
    private var characters: [Double: Int] = [:]
    /// Sizes of headings found so far.
    private var sizes: Set<Double> = []

    /// Takes the sizes of a page into account.
    mutating func add(_ page: LaidOutPage) {
        for block in page.blocks {
            for line in block.lines { characters[Self.rounded(line.size), default: 0] += line.text.utf8.count }
        }
    }

    /// Marks the headings and footnotes of the first `count` pages by what was seen of the file so far, these pages and
    /// those behind them included; levels follow the sizes found, largest first.
    mutating func mark(_ pages: inout [LaidOutPage], count: Int) {
        // The size in which most characters are set.
        guard let body = characters.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else { return }
        Footnotes.mark(&pages, count: count, body: body)
        for page in pages {
            for block in page.blocks where Self.isHeading(block, body: body) {
                sizes.insert(Self.rounded(block.lines[0].size))
            }
        }
        let levels = Array(sizes.sorted(by: >).prefix(6))
        for page in 0..<count {
            for block in pages[page].blocks.indices where Self.isHeading(pages[page].blocks[block], body: body) {
                let size = Self.rounded(pages[page].blocks[block].lines[0].size)
                let level = levels.firstIndex { $0 <= size } ?? levels.count - 1
                pages[page].blocks[block].kind = .heading(level: level + 1)
            }
        }
    }

    private static func rounded(_ size: Double) -> Double { (size * 2).rounded() / 2 }

    private static func isHeading(_ block: LaidOutBlock, body: Double) -> Bool {
        guard block.kind == .paragraph || block.kind == .listItem, !block.isHidden, block.lines.count <= 3 else {
            return false
        }
        let text = block.lines.map(\.text).joined(separator: " ")
        guard text.utf8.count <= 300, text.unicodeScalars.contains(where: \.isLetter) else {
            return false
        }
        let size = rounded(block.lines[0].size)
        // Larger still is a watermark.
        if size > 1.12 * body { return size < 6 * body }
        return block.lines.allSatisfy(\.isBold) && size >= body - 0.5 && block.lines.count <= 2
            && startsWithNumber(text)
    }

    /// `3`, `3.1` or `3.1.` and then words.
    private static func startsWithNumber(_ text: String) -> Bool {
        let number = text.unicodeScalars.prefix { ("0"..."9").contains($0) || $0 == "." }
        guard let first = number.first, first != "." else { return false }
        return text.unicodeScalars.dropFirst(number.count).first == " "
    }
}
