// One page from words to blocks: reading order, then rows, then paragraphs, list items and table rows.
//
// Headings, running heads and foots need the whole document and come later (`Headings`, `Furniture`).
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

/// A page with its blocks still open to change.
struct LaidOutPage {
    var page: ExtractedPage
    var blocks: [LaidOutBlock]

    /// The page as it travels.
    var extracted: ExtractedPage {
        var page = page
        page.blocks = blocks.map { block in
            ExtractedBlock(kind: block.kind, lines: block.lines.map(\.extracted), isHidden: block.isHidden)
        }
        return page
    }
}

/// Lines that belong together.
struct LaidOutBlock {
    var kind: Element.Kind
    var lines: [LaidOutLine]
    /// A reader of the page cannot see it.
    var isHidden = false
}

/// One row of a region.
struct LaidOutLine: Equatable {
    var text: String
    var box: Box
    /// Where its words stand within the box.
    var words: WordPlaces
    var size: Double
    var isBold: Bool
    var isRightToLeft: Bool
    /// Fragments that it was put together from.
    var cells: Int
    /// UTF-8 bytes of the longest of them.
    var longestCell: Int
    /// Parts of it that lead somewhere.
    var links: [ExtractedLink] = []

    var extracted: ExtractedLine {
        func round(_ value: Double) -> Double { (value * 100).rounded() / 100 }
        var line = ExtractedLine(
            text: text, box: Box(x0: round(box.x0), y0: round(box.y0), x1: round(box.x1), y1: round(box.y1)),
            words: words, fontSize: round(size))
        line.links = links
        return line
    }
}

enum PageLayout {
    /// Words that cannot be seen, line by line.
    static func hidden(_ lines: [[Word]]) -> [LaidOutBlock] {
        Fragments.of(lines).map { fragment in
            LaidOutBlock(kind: .paragraph, lines: [line([fragment], isRightToLeft: false)], isHidden: true)
        }
    }

    /// The blocks of a page in reading order, remarks on it last, and whether it has columns.
    static func blocks(
        of glyphs: Glyphs, notes: (inPlace: [Fragment], remarks: [Fragment])
    ) -> (blocks: [LaidOutBlock], hasColumns: Bool) {
        let fragments = withoutOrnaments(Fragments.of(glyphs.lines)) + notes.inPlace
        let (upright, numbers, watermarks) = Margins.part(Fractions.joined(fragments.filter(\.isUpright)))
        // Text that runs up or down the page keeps Poppler's order, which follows its direction.
        var last = (fragments.filter { !$0.isUpright } + watermarks + notes.remarks).map { fragment in
            LaidOutBlock(kind: .paragraph, lines: [line([fragment], isRightToLeft: false)])
        }
        if !numbers.isEmpty {
            let lines = numbers.map { line([$0], isRightToLeft: false) }
            last.append(LaidOutBlock(kind: .pageFooter, lines: lines))
        }
        let isRightToLeft = 2 * upright.count(where: \.isRightToLeft) > upright.count
        let regions = ReadingOrder(isRightToLeft: isRightToLeft).regions(upright)
        var blocks: [LaidOutBlock] = []
        for region in regions {
            for part in Tables.parts(region.fragments, isRightToLeft: isRightToLeft) {
                switch part {
                case .lines(let fragments):
                    blocks += Paragraphs.blocks(lines(fragments, isRightToLeft: isRightToLeft))
                case .row(let cells):
                    let lines = cells.map { line([$0], isRightToLeft: isRightToLeft) }
                    blocks.append(LaidOutBlock(kind: .tableRow, lines: lines))
                }
            }
        }
        return (blocks + last, regions.count(where: \.isColumn) > 1)
    }

    /// Frames and rules made of ornaments say nothing; one at the start of a line is a bullet.
    private static func withoutOrnaments(_ fragments: [Fragment]) -> [Fragment] {
        func isOrnament(_ fragment: Fragment) -> Bool {
            fragment.text.unicodeScalars.allSatisfy { $0 == "•" || $0 == " " }
        }
        guard fragments.count < 8_000, fragments.contains(where: isOrnament) else { return fragments }
        return fragments.filter { fragment in
            guard isOrnament(fragment) else { return true }
            return fragments.contains { other in
                abs(other.box.x0 - fragment.box.x1) < 5 * fragment.size && !isOrnament(other)
                    && other.box.verticalOverlap(fragment.box) > 0.5
            }
        }
    }

    /// Rows from top to bottom; fragments of a row in reading direction.
    private static func lines(_ fragments: [Fragment], isRightToLeft: Bool) -> [LaidOutLine] {
        var rows: [(box: Box, fragments: [Fragment])] = []
        for fragment in fragments.topDown {
            // A row may have grown past its neighbour; look at the last few.
            let index = rows.indices.suffix(3).last { rows[$0].box.verticalOverlap(fragment.box) > 0.5 }
            if let index, !overlaps(fragment, rows[index].fragments) {
                rows[index].fragments.append(fragment)
                rows[index].box = rows[index].box.union(fragment.box)
            } else {
                rows.append((fragment.box, [fragment]))
            }
        }
        return rows.map { line($0.fragments, isRightToLeft: isRightToLeft) }
    }

    /// Whether a fragment covers one of a row: then it is a line of its own, however close.
    private static func overlaps(_ fragment: Fragment, _ row: [Fragment]) -> Bool {
        row.contains { other in
            let shared = min(fragment.box.x1, other.box.x1) - max(fragment.box.x0, other.box.x0)
            return shared > 0.5 * min(fragment.box.width, other.box.width) && shared > 0
        }
    }

    private static func line(_ fragments: [Fragment], isRightToLeft: Bool) -> LaidOutLine {
        let ordered =
            fragments.count == 1
            ? fragments : fragments.sorted { isRightToLeft ? $0.box.x1 > $1.box.x1 : $0.box.x0 < $1.box.x0 }
        let longest = ordered.max { $0.text.utf8.count < $1.text.utf8.count } ?? ordered[0]
        let box = ordered.dropFirst().reduce(ordered[0].box) { $0.union($1.box) }
        return LaidOutLine(
            text: ordered.count == 1
                ? longest.text : ordered.map(\.text).joined(separator: ordered.count > 2 ? "\t" : " "), box: box,
            words: words(of: ordered, in: box), size: longest.size,
            isBold: longest.isBold, isRightToLeft: longest.isRightToLeft, cells: ordered.count,
            longestCell: longest.text.utf8.count)
    }

    /// The places of words in fragments that are joined with one byte between them.
    private static func words(of fragments: [Fragment], in box: Box) -> WordPlaces {
        let isVertical = !fragments[0].isUpright
        var words: [WordPlaces.Word] = []
        words.reserveCapacity(fragments.reduce(0) { $0 + max($1.places.count, 1) })
        var start = 0
        for fragment in fragments {
            let end = start + fragment.text.utf8.count
            // A note is one word.
            let places = fragment.places.isEmpty ? [WordPlace(end: end - start, box: fragment.box)] : fragment.places
            for place in places {
                words.append(
                    WordPlaces.Word(
                        end: start + place.end, lower: isVertical ? place.box.y0 : place.box.x0,
                        upper: isVertical ? place.box.y1 : place.box.x1))
            }
            start = end + 1
        }
        return WordPlaces(words, in: box, isVertical: isVertical)
    }
}
