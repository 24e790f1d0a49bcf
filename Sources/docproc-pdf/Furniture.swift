// Running heads, running foots and page numbers: lines near the edge of a page that other pages have at the same place.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Furniture {
    /// How far from the top or bottom a line may stand, as a part of the page's height.
    private static let margin = 0.12
    /// Lines at either edge that are looked at.
    private static let depth = 3

    private struct Key: Hashable {
        var text: String
        var isHeader: Bool
    }

    /// Sets apart the furniture of all pages as `pageHeader` and `pageFooter` blocks, first and last on their page.
    static func mark(_ pages: inout [LaidOutPage]) {
        guard pages.count >= 2 else { return }
        var seen: [Key: [(page: Int, at: Double)]] = [:]
        for (index, page) in pages.enumerated() {
            for line in edgeLines(page) {
                seen[key(line.line, line.isHeader), default: []].append((index, line.line.box.middle))
            }
        }
        for index in pages.indices {
            var found: [(line: LaidOutLine, isHeader: Bool)] = []
            for edge in edgeLines(pages[index]) {
                let others = seen[key(edge.line, edge.isHeader)] ?? []
                let height = pages[index].page.height
                let repeats = others.count { other in
                    other.page != index && abs(other.page - index) <= 4
                        && abs(other.at - edge.line.box.middle) < 0.01 * height
                }
                // Two pages may share a line by chance; three hardly do. A bare number needs one fellow only.
                let needed = pages.count > 4 && !isNumber(edge.line.text) ? 2 : 1
                if repeats >= needed { found.append(edge) }
            }
            setApart(found, on: &pages[index])
        }
    }

    private static func edgeLines(_ page: LaidOutPage) -> [(line: LaidOutLine, isHeader: Bool)] {
        let height = page.page.height
        let lines = page.blocks.flatMap(\.lines)
        let top = lines.filter { $0.box.y1 < margin * height }.sorted { $0.box.middle < $1.box.middle }.prefix(depth)
        let bottom = lines.filter { $0.box.y0 > (1 - margin) * height }.sorted { $0.box.middle > $1.box.middle }
            .prefix(depth)
        return top.map { ($0, true) } + bottom.map { ($0, false) }
    }

    /// Digits count as one sign, so that page numbers agree.
    private static func key(_ line: LaidOutLine, _ isHeader: Bool) -> Key {
        var text = ""
        var wasDigit = false
        let roman = isRoman(line.text)
        for scalar in roman ? "0".unicodeScalars : line.text.unicodeScalars {
            let isDigit = scalar.properties.numericType != nil
            if isDigit && wasDigit || scalar.properties.isWhitespace { continue }
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
                scalar.properties.numericType != nil || scalar.properties.isWhitespace
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
