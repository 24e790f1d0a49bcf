// Where one paragraph ends and the next begins within a region.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Paragraphs {
    /// Groups lines, which follow each other in reading order.
    static func blocks(_ lines: [LaidOutLine]) -> [LaidOutBlock] {
        guard !lines.isEmpty else { return [] }
        let edges = Edges(lines)
        var blocks: [LaidOutBlock] = []
        for (index, line) in lines.enumerated() {
            let isRow = isTableRow(index, of: lines)
            let kind: Element.Kind = isRow ? .tableRow : startsItem(line.text) ? .listItem : .paragraph
            if index > 0, kind == .paragraph, blocks[blocks.count - 1].kind != .tableRow,
                continues(lines[index - 1], line, edges, inItem: blocks[blocks.count - 1].kind == .listItem)
            {
                blocks[blocks.count - 1].lines.append(line)
            } else {
                blocks.append(LaidOutBlock(kind: kind, lines: [line]))
            }
        }
        return blocks
    }

    /// The common edges and line distance of a region.
    private struct Edges {
        var start: Double
        var end: Double
        var pitch: Double

        init(_ lines: [LaidOutLine]) {
            // Where most lines begin and end, so that an indented first line or a short last one stands out.
            func common(_ values: [Double]) -> Double {
                var votes: [Double: Int] = [:]
                for value in values { votes[value.rounded(), default: 0] += 1 }
                return votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
            }
            start = common(lines.map(\.start))
            end = common(lines.map(\.end))
            let pitches = zip(lines, lines.dropFirst()).map { $1.box.y1 - $0.box.y1 }.filter { $0 > 0 }.sorted()
            pitch = pitches.isEmpty ? 0 : pitches[pitches.count / 2]
        }
    }

    private static func continues(_ above: LaidOutLine, _ line: LaidOutLine, _ edges: Edges, inItem: Bool) -> Bool {
        let size = max(above.size, line.size, 1)
        let pitch = line.box.y1 - above.box.y1
        guard pitch > -0.5 * size, pitch < max(1.3 * edges.pitch, 0), pitch < 2.5 * size else { return false }
        guard abs(above.size - line.size) < 0.12 * size, above.isBold == line.isBold else { return false }
        guard !inItem else { return line.start > edges.start - size }
        // An indented line below one that is not begins a paragraph.
        return !(line.start - edges.start > 0.8 * size && abs(above.start - edges.start) < 0.5 * size)
    }

    /// A row of a table has three cells, or two and a neighbour that has as many. A cell that fills most of a line is
    /// prose with something beside it.
    private static func isTableRow(_ index: Int, of lines: [LaidOutLine]) -> Bool {
        guard lines[index].cells >= 2, lines[index].longestCell < 70 else { return false }
        if lines[index].cells >= 3 { return true }
        let before = index > 0 && lines[index - 1].cells >= 2
        let after = index + 1 < lines.count && lines[index + 1].cells >= 2
        return before || after
    }

    /// Whether a line opens with a bullet, or with a number or letter and a closing mark.
    static func startsItem(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first else { return false }
        let rest = text.unicodeScalars.dropFirst()
        if first.value >= 0x80, "•◦▪‣●○■□–".unicodeScalars.contains(first) {
            return rest.first.map { $0 == " " } ?? true
        }
        let opening = first == "(" ? text.unicodeScalars.dropFirst() : text.unicodeScalars[...]
        let label = opening.prefix { $0.isNumber || $0.isLetter }
        guard (1...3).contains(label.count) else { return false }
        let isNumber = label.allSatisfy { ("0"..."9").contains($0) }
        guard isNumber || (first == "(" && label.count <= 3) || label.count == 1 else { return false }
        let after = opening.dropFirst(label.count)
        guard let mark = after.first, mark == ")" || (mark == "." && isNumber && first != "(") else { return false }
        return after.dropFirst().first == " "
    }
}

extension LaidOutLine {
    /// The edge where reading begins, mirrored for right-to-left lines so that indents always count up.
    var start: Double { isRightToLeft ? -box.x1 : box.x0 }
    var end: Double { isRightToLeft ? -box.x0 : box.x1 }
}
