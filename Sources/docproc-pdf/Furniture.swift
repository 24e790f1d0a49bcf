// Running heads, running foots and page numbers: lines near the edge of a page that other pages have at the same place.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

struct Furniture {
    /// How far from the top or bottom a line may stand, as a part of the page's height.
    private static let margin = 0.12
    /// Lines at either edge that are looked at.
    private static let depth = 3

    /// Pages that far apart may share a line: left and right heads differ, and chapters begin without one.
    static let reach = 4

    private struct Key: Hashable {
        var text: String
        var isHeader: Bool
    }

    private typealias Edge = (line: LaidOutLine, isHeader: Bool)

    /// What other pages need to know of a page.
    private struct Edges {
        var lines: [(edge: Edge, key: Key)]
        /// Where lines stand.
        var places: [Key: [Double]]
        /// The first and last line that stand clear of the text.
        var outermost: [Edge]
    }

    /// Pages of the file.
    private let count: Int
    /// Pages added, from `first` on: those that are within reach of a page still to be marked.
    private var edges: [Edges] = []
    private var first = 0
    private var marked = 0

    init(count: Int) {
        self.count = count
    }

    /// Takes the next page into account.
    mutating func add(_ page: LaidOutPage) {
        let edgeLines = Self.edgeLines(page)
        var own = Edges(lines: [], places: [:], outermost: Self.outermost(edgeLines, of: page))
        for edge in edgeLines {
            let key = Self.key(edge.line, edge.isHeader)
            own.lines.append((edge, key))
            own.places[key, default: []].append(edge.line.box.middle)
        }
        edges.append(own)
    }

    /// Sets apart the furniture of the next page as `pageHeader` and `pageFooter` blocks, first and last on it. All
    /// pages within reach of it have been added.
    mutating func mark(_ page: inout LaidOutPage) {
        defer {
            marked += 1
            if marked - first > Self.reach {
                edges.removeFirst()
                first += 1
            }
        }
        guard count >= 2 else { return }
        let own = edges[marked - first]
        let around = (max(0, marked - Self.reach)...min(count - 1, marked + Self.reach))
            .filter { $0 != marked }.map { edges[$0 - first] }
        var found: [Edge] = []
        let tolerance = 0.01 * page.page.height
        for (edge, key) in own.lines {
            let repeats = around.count { other in
                other.places[key]?.contains { abs($0 - edge.line.box.middle) < tolerance } == true
            }
            // Two pages may share a line by chance; three hardly do. A bare number needs one fellow only.
            let needed = count > 4 && !Self.isNumber(edge.line.text) ? 2 : 1
            if repeats >= needed { found.append(edge) }
        }
        for edge in own.outermost where !found.contains(where: { $0.line == edge.line }) {
            if Self.isTitled(edge, around) { found.append(edge) }
        }
        // A page that has nothing else has no furniture: its text is what repeats.
        let lines = page.blocks.reduce(0) { $0 + $1.lines.count }
        if found.count == lines { found.removeAll { !Self.isNumber($0.line.text) } }
        Self.setApart(found, on: &page)
    }

    /// The first and last line of a page that stand clear of its text.
    private static func outermost(_ edges: [Edge], of page: LaidOutPage) -> [Edge] {
        edges.filter { edge in
            let box = edge.line.box
            return page.blocks.allSatisfy { block in
                block.lines.allSatisfy { other in
                    let gap = edge.isHeader ? other.box.y0 - box.y1 : box.y0 - other.box.y1
                    return gap > 1.2 * box.height || other == edge.line
                }
            }
        }
    }

    /// Whether most pages around have at this place a line that begins or ends with the same word: a head that names
    /// the section.
    private static func isTitled(_ edge: Edge, _ around: [Edges]) -> Bool {
        let own = ends(edge.line.text)
        guard !own.isEmpty else { return false }
        let alike = around.count { other in
            other.outermost.contains { fellow in
                fellow.isHeader == edge.isHeader && abs(fellow.line.box.middle - edge.line.box.middle) < 2
                    && abs(fellow.line.size - edge.line.size) < 0.3 && !own.isDisjoint(with: ends(fellow.line.text))
            }
        }
        return alike >= 2 && 2 * alike >= around.count
    }

    /// The first and the last word of a line where they are words.
    private static func ends(_ text: String) -> Set<String> {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count > 1 else { return [] }
        return Set(
            [words.first, words.last].compactMap { word in
                guard let word, word.unicodeScalars.count(where: \.isLetter) > 2 else { return nil }
                return word.lowercased()
            })
    }

    private static func edgeLines(_ page: LaidOutPage) -> [Edge] {
        let height = page.page.height
        var top: [LaidOutLine] = []
        var bottom: [LaidOutLine] = []
        for block in page.blocks where !block.isHidden {
            for line in block.lines {
                if line.box.y1 < margin * height { top.append(line) }
                if line.box.y0 > (1 - margin) * height { bottom.append(line) }
            }
        }
        top.sort { $0.box.middle < $1.box.middle }
        bottom.sort { $0.box.middle > $1.box.middle }
        return top.prefix(depth).map { ($0, true) } + bottom.prefix(depth).map { ($0, false) }
    }

    /// Digits count as one sign, so that page numbers agree.
    private static func key(_ line: LaidOutLine, _ isHeader: Bool) -> Key {
        var text = ""
        var wasDigit = false
        let roman = isRoman(line.text)
        for scalar in roman ? "0".unicodeScalars : line.text.unicodeScalars {
            let isDigit = scalar.isNumber
            if isDigit && wasDigit || scalar.isSpace { continue }
            text.unicodeScalars.append(isDigit ? "0" : scalar)
            wasDigit = isDigit
        }
        return Key(text: text, isHeader: isHeader)
    }

    private static func isRoman(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 8 && text.unicodeScalars.allSatisfy { "ivxlc".unicodeScalars.contains($0) }
    }

    private static func isNumber(_ text: String) -> Bool {
        isRoman(text)
            || text.unicodeScalars.allSatisfy { scalar in
                scalar.isNumber || scalar.isSpace
                    || "-–—".unicodeScalars.contains(scalar)
            }
    }

    private static func setApart(_ found: [Edge], on page: inout LaidOutPage) {
        guard !found.isEmpty else { return }
        for index in page.blocks.indices {
            page.blocks[index].lines.removeAll { line in
                found.contains { $0.line.box == line.box && $0.line.text == line.text }
            }
        }
        page.blocks.removeAll(where: \.lines.isEmpty)
        let headers = found.filter(\.isHeader).map { LaidOutBlock(kind: .pageHeader, lines: [$0.line]) }
        let footers = found.filter { !$0.isHeader }.map { LaidOutBlock(kind: .pageFooter, lines: [$0.line]) }
        page.blocks = headers + page.blocks + footers.reversed()
    }
}
