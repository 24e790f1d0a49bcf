// Running heads, running foots and page numbers: lines near the edge of a page that other pages have at the same place.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Furniture {
    /// How far from the top or bottom a line may stand, as a part of the page's height.
    private static let margin = 0.12
    /// Lines at either edge that are looked at.
    private static let depth = 3

    /// Pages that far apart may share a line: left and right heads differ, and chapters begin without one.
    private static let reach = 4

    private struct Key: Hashable {
        var text: String
        var isHeader: Bool
        var page: Int
    }

    /// Sets apart the furniture of all pages as `pageHeader` and `pageFooter` blocks, first and last on their page.
    static func mark(_ pages: inout [LaidOutPage]) {
        guard pages.count >= 2 else { return }
        var seen: [Key: [Double]] = [:]
        for (index, page) in pages.enumerated() {
            for edge in edgeLines(page) {
                seen[key(edge.line, edge.isHeader, page: index), default: []].append(edge.line.box.middle)
            }
        }
        let titled = outermost(pages)
        for index in pages.indices {
            var found: [(line: LaidOutLine, isHeader: Bool)] = []
            for edge in edgeLines(pages[index]) {
                var key = key(edge.line, edge.isHeader, page: index)
                let tolerance = 0.01 * pages[index].page.height
                let repeats = (max(0, index - reach)...min(pages.count - 1, index + reach)).count { other in
                    key.page = other
                    return other != index
                        && seen[key]?.contains { abs($0 - edge.line.box.middle) < tolerance } == true
                }
                // Two pages may share a line by chance; three hardly do. A bare number needs one fellow only.
                let needed = pages.count > 4 && !isNumber(edge.line.text) ? 2 : 1
                if repeats >= needed { found.append(edge) }
            }
            for edge in titled[index] ?? [] where !found.contains(where: { $0.line == edge.line }) {
                if isTitled(edge, on: index, of: pages.count, titled) { found.append(edge) }
            }
            // A page that has nothing else has no furniture: its text is what repeats.
            let lines = pages[index].blocks.reduce(0) { $0 + $1.lines.count }
            if found.count == lines { found.removeAll { !isNumber($0.line.text) } }
            setApart(found, on: &pages[index])
        }
    }

    /// The first and last line of each page that stands clear of the text.
    private static func outermost(_ pages: [LaidOutPage]) -> [Int: [(line: LaidOutLine, isHeader: Bool)]] {
        var lines: [Int: [(line: LaidOutLine, isHeader: Bool)]] = [:]
        for (index, page) in pages.enumerated() {
            let all = page.blocks.flatMap(\.lines)
            for edge in edgeLines(page) {
                let box = edge.line.box
                let isClear = all.allSatisfy { other in
                    let gap = edge.isHeader ? other.box.y0 - box.y1 : box.y0 - other.box.y1
                    return other == edge.line || gap > 1.2 * box.height
                }
                if isClear { lines[index, default: []].append(edge) }
            }
        }
        return lines
    }

    /// Whether most pages around have at this place a line that begins or ends with the same word: a head that names
    /// the section.
    private static func isTitled(
        _ edge: (line: LaidOutLine, isHeader: Bool), on page: Int, of count: Int,
        _ titled: [Int: [(line: LaidOutLine, isHeader: Bool)]]
    ) -> Bool {
        let own = ends(edge.line.text)
        guard !own.isEmpty else { return false }
        let around = (max(0, page - reach)...min(count - 1, page + reach)).filter { $0 != page }
        let alike = around.count { other in
            titled[other]?.contains { fellow in
                fellow.isHeader == edge.isHeader && abs(fellow.line.box.middle - edge.line.box.middle) < 2
                    && abs(fellow.line.size - edge.line.size) < 0.3 && !own.isDisjoint(with: ends(fellow.line.text))
            } == true
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

    private static func edgeLines(_ page: LaidOutPage) -> [(line: LaidOutLine, isHeader: Bool)] {
        let height = page.page.height
        let lines = page.blocks.filter { !$0.isHidden }.flatMap(\.lines)
        let top = lines.filter { $0.box.y1 < margin * height }.sorted { $0.box.middle < $1.box.middle }.prefix(depth)
        let bottom = lines.filter { $0.box.y0 > (1 - margin) * height }.sorted { $0.box.middle > $1.box.middle }
            .prefix(depth)
        return top.map { ($0, true) } + bottom.map { ($0, false) }
    }

    /// Digits count as one sign, so that page numbers agree.
    private static func key(_ line: LaidOutLine, _ isHeader: Bool, page: Int) -> Key {
        var text = ""
        var wasDigit = false
        let roman = isRoman(line.text)
        for scalar in roman ? "0".unicodeScalars : line.text.unicodeScalars {
            let isDigit = scalar.isNumber
            if isDigit && wasDigit || scalar.isSpace { continue }
            text.unicodeScalars.append(isDigit ? "0" : scalar)
            wasDigit = isDigit
        }
        return Key(text: text, isHeader: isHeader, page: page)
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

    private static func setApart(_ found: [(line: LaidOutLine, isHeader: Bool)], on page: inout LaidOutPage) {
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
