// Links: which words of a page lie in the rectangles of its link annotations.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF
import Documents

enum Links {
    /// Gives each line the links that its words lie in, in the order of its text.
    static func place(_ page: cpdf_page, on blocks: inout [LaidOutBlock]) {
        let links = UnsafeBufferPointer(start: page.links, count: page.link_count).compactMap { link in
            target(link).map { (area: box(link.place), target: $0) }
        }
        guard !links.isEmpty else { return }
        for block in blocks.indices {
            for line in blocks[block].lines.indices {
                let found = links.compactMap { link in
                    range(of: link.area, in: blocks[block].lines[line]).map {
                        ExtractedLink(range: $0, target: link.target)
                    }
                }
                blocks[block].lines[line].links = found.sorted { $0.range.lowerBound < $1.range.lowerBound }
            }
        }
    }

    private static func target(_ link: cpdf_link) -> LinkTarget? {
        if link.page > 0 { return .page(Int(link.page)) }
        guard let uri = link.uri, let address = String(validatingCString: uri) else { return nil }
        return LinkTarget(address: address)
    }

    private static func box(_ place: cpdf_rectangle) -> Box {
        Box(
            x0: min(place.x0, place.x1), y0: min(place.y0, place.y1), x1: max(place.x0, place.x1),
            y1: max(place.y0, place.y1))
    }

    /// The part of a line's text that lies in an area: words of which more than half does, or that have more than half
    /// of it. A long word is cut by its share, as a script without spaces has whole lines of one word.
    private static func range(of area: Box, in line: LaidOutLine) -> Range<Int>? {
        let isVertical = line.words.isVertical
        let across =
            isVertical
            ? min(area.x1, line.box.x1) - max(area.x0, line.box.x0)
            : min(area.y1, line.box.y1) - max(area.y0, line.box.y0)
        let height = isVertical ? min(area.width, line.box.width) : min(area.height, line.box.height)
        guard across > 0.5 * height, height > 0 else { return nil }
        let (from, to) = isVertical ? (area.y0, area.y1) : (area.x0, area.x1)
        var words = line.words.words(in: line.box)
        if words.isEmpty {
            let (lower, upper) = isVertical ? (line.box.y0, line.box.y1) : (line.box.x0, line.box.x1)
            words = [.init(end: line.text.utf8.count, lower: lower, upper: upper)]
        }
        let text = Array(line.text.utf8)
        var range: Range<Int>?
        var start = 0
        for word in words {
            while start < word.end, start < text.count, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
            let shared = min(word.upper, to) - max(word.lower, from)
            if shared > 0.5 * min(word.upper - word.lower, to - from), shared > 0 {
                var own = start..<max(word.end, start)
                if own.count >= 16, shared < 0.8 * (word.upper - word.lower) { own = cut(own, word, from, to, text) }
                own = withoutMarks(own, text, before: from - word.lower > 1, behind: word.upper - to > 1)
                range = range.map { min($0.lowerBound, own.lowerBound)..<max($0.upperBound, own.upperBound) } ?? own
            }
            start = max(word.end, start)
        }
        return range.flatMap { $0.isEmpty || $0.upperBound > text.count ? nil : $0 }
    }

    /// A word without brackets, quotes and stops at an end that the area leaves out.
    private static func withoutMarks(_ word: Range<Int>, _ text: [UInt8], before: Bool, behind: Bool) -> Range<Int> {
        var (lower, upper) = (word.lowerBound, min(word.upperBound, text.count))
        while before, lower + 1 < upper, "([{<\"'".utf8.contains(text[lower]) { lower += 1 }
        while behind, lower + 1 < upper, ")]}>\"'.,;:!?".utf8.contains(text[upper - 1]) { upper -= 1 }
        return lower..<max(upper, lower)
    }

    /// The share of a word that lies between two edges, widened to whole characters.
    private static func cut(
        _ range: Range<Int>, _ word: WordPlaces.Word, _ from: Double, _ to: Double, _ text: [UInt8]
    ) -> Range<Int> {
        let scale = Double(range.count) / (word.upper - word.lower)
        var lower = range.lowerBound + Int((max(from - word.lower, 0) * scale).rounded())
        var upper = min(range.lowerBound + Int((min(to, word.upper) - word.lower) * scale + 0.5), range.upperBound)
        while lower > range.lowerBound, lower < text.count, text[lower] & 0xC0 == 0x80 { lower -= 1 }
        while upper < range.upperBound, text[upper] & 0xC0 == 0x80 { upper += 1 }
        return min(lower, upper)..<upper
    }
}
