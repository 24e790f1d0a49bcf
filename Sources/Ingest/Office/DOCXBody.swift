// One part of a Word document to blocks: paragraphs, list items, headings, table rows.
//
// A walk over the events with a stack of what is open. Deleted text, field codes and the fallbacks of drawings are
// left out; inserted text, links, text boxes and the numbers of lists are kept. A block's lines are runs of text that
// follow each other without a separator, as for HTML.

import Documents

/// Walks one part.
struct DOCXBody {
    private let xml: XMLEvents
    private let styles: DOCXStyles
    private let part: String
    private let base: Int
    /// What all blocks of the part are, if not told by their styles.
    private let fixedKind: Element.Kind?
    private var numbering: DOCXNumbering

    private var blocks: [ExtractedBlock] = []
    private var paragraphs: [Paragraph] = []
    private var rows: [Row] = []
    private var run = Run()
    private var isInProperties = false
    /// Open fields: whether their code stands here, and not their result.
    private var fields: [Bool] = []
    /// Paragraphs whose end was deleted: they go on in the next one.
    private var carried: [ExtractedLine] = []
    /// Reading aids above the characters, and whether they stand here.
    private var ruby = ""
    private var isInRuby = false
    private var paragraphCount = 0
    private var rowCount = 0
    /// Behind the last raw byte that was used.
    private var rawEnd = 0

    private struct Paragraph {
        var number: Int
        var style: String?
        var outlineLevel: Int?
        var isNumbered = false
        var list: String?
        var listLevel: Int?
        /// Its end was deleted while changes were tracked.
        var isOpenEnded = false
        var visible: [ExtractedLine] = []
        var hidden: [ExtractedLine] = []
        /// Rows that were open when it began.
        var rows: Int
    }

    private struct Run {
        var style: String?
        var isHidden: Bool?
    }

    private struct Row {
        var number: Int
        var end: Int
        var cells = 0
        var lines: [ExtractedLine] = []
        var hasInk = false
    }

    /// The blocks of a part. `base`: offset of the part in the raw text.
    static func blocks(
        _ xml: XMLEvents, _ styles: DOCXStyles, _ numbering: DOCXNumbering, part: String, base: Int,
        kind: Element.Kind?
    ) -> [ExtractedBlock] {
        var body = DOCXBody(
            xml: xml, styles: styles, numbering: numbering, part: part, base: base, fixedKind: kind)
        body.walk()
        return body.blocks
    }

    private init(
        xml: XMLEvents, styles: DOCXStyles, numbering: DOCXNumbering, part: String, base: Int, fixedKind: Element.Kind?
    ) {
        self.xml = xml
        self.styles = styles
        self.numbering = numbering
        self.part = part
        self.base = base
        self.fixedKind = fixedKind
        rawEnd = base
    }

    private mutating func walk() {
        var index = xml.indices.lowerBound
        // Elements whose text counts: `w:t` and the like.
        var textDepth = 0
        while index < xml.indices.upperBound {
            switch xml[index] {
            case .open(let name, let attributes):
                if Self.leftOut.contains(name) || isDeletedRow(name, index) {
                    if isInProperties, name == "w:del" || name == "w:moveFrom" { current { $0.isOpenEnded = true } }
                    index = xml.end(of: index)
                    continue
                }
                if Self.texts.contains(name) { textDepth += 1 }
                open(name, attributes, index)
            case .text(let range, let raw):
                if textDepth > 0 { add(xml.text(range), raw: raw.lowerBound + base..<raw.upperBound + base) }
            case .close(let name):
                if Self.texts.contains(name) { textDepth -= 1 }
                close(name, index)
            }
            index += 1
        }
        if hasInk(carried) { emit(fixedKind ?? .paragraph, carried, "p[\(paragraphCount)]") }
    }

    private static let texts: Set<String> = ["w:t", "m:t", "a:t"]
    /// Deleted and moved-away text, codes of fields, older copies of drawings, properties as they were.
    private static let leftOut: Set<String> = [
        "w:del", "w:moveFrom", "w:delText", "w:instrText", "w:delInstrText", "mc:Fallback", "w:rPrChange",
        "w:pPrChange", "w:sectPrChange", "w:tblPrChange", "w:sdtPr",
    ]

    private mutating func open(_ name: String, _ attributes: Range<Int>, _ index: Int) {
        let value = xml.attribute("w:val", in: attributes)
        switch name {
        case "w:p":
            paragraphCount += 1
            paragraphs.append(Paragraph(number: paragraphCount, rows: rows.count))
            run = Run()
        case "w:pPr": isInProperties = true
        case "w:pStyle": current { $0.style = value }
        case "w:outlineLvl": current { $0.outlineLevel = value.flatMap { Int($0) } }
        case "w:numId": current { ($0.isNumbered, $0.list) = (value != "0", value) }
        case "w:ilvl": current { $0.listLevel = value.flatMap { Int($0) } }
        case "w:r": run = Run()
        case "w:rStyle": run.style = value
        case "w:vanish": run.isHidden = DOCXStyles.isOn(value)
        case "w:sz": if let halves = value.flatMap({ Int($0) }), halves <= 2 { run.isHidden = true }
        case "w:fldChar":
            switch xml.attribute("w:fldCharType", in: attributes) {
            case "begin": fields.append(true)
            case "separate": if !fields.isEmpty { fields[fields.count - 1] = false }
            default: _ = fields.popLast()
            }
        case "w:ruby": ruby = ""
        case "w:rt": isInRuby = true
        // As a property of a paragraph a tab is a place on the ruler.
        case "w:tab", "w:ptab": if !isInProperties { add(isCode ? "\t" : " ") }
        case "w:br", "w:cr": add("\n")
        case "w:noBreakHyphen": add("\u{2011}")
        case "wp:docPr": image(xml.attribute("descr", in: attributes))
        case "w:tr":
            rowCount += 1
            if isDataRow(index) { rows.append(Row(number: rowCount, end: xml.end(of: index))) }
        case "w:tc":
            guard let last = rows.indices.last, isOwnCell(index) else { return }
            rows[last].cells += 1
            if rows[last].cells > 1 { rows[last].lines.append(separator(" | ")) }
        default: break
        }
    }

    private mutating func close(_ name: String, _ index: Int) {
        switch name {
        case "w:r": run = Run()
        case "w:rt": isInRuby = false
        case "w:ruby": if !ruby.isEmpty { add("(" + ruby + ")") }
        case "w:pPr":
            isInProperties = false
            run = Run()  // properties of the paragraph's mark are not those of its text
        case "w:p": if let paragraph = paragraphs.popLast() { end(paragraph) }
        case "w:tr":
            guard let row = rows.last, row.end == index + 1 else { return }
            rows.removeLast()
            if rows.isEmpty {
                if row.hasInk { emit(.tableRow, row.lines, "tr[\(row.number)]") }
            } else if row.hasInk {
                append(row.lines)
            }
        default: break
        }
    }

    private mutating func current(_ change: (inout Paragraph) -> Void) {
        if let last = paragraphs.indices.last { change(&paragraphs[last]) }
    }

    // MARK: Text

    private mutating func add(_ text: String, raw: Range<Int>? = nil) {
        guard let last = paragraphs.indices.last, !text.isEmpty else { return }
        // The result of a field within another's code is part of that code.
        if fields.dropLast().contains(true) { return }
        if isInRuby {
            ruby += text
            return
        }
        let range = raw ?? rawEnd..<rawEnd
        rawEnd = max(rawEnd, range.upperBound)
        let line = ExtractedLine(text: text, rawRange: range)
        let isHidden = run.isHidden ?? styles.isHidden(run.style) ?? styles.isHidden(paragraphs[last].style)
        if isHidden ?? false {
            paragraphs[last].hidden.append(line)
        } else {
            paragraphs[last].visible.append(line)
        }
    }

    private func separator(_ text: String) -> ExtractedLine { ExtractedLine(text: text, rawRange: rawEnd..<rawEnd) }

    private var isCode: Bool { paragraphs.last.map { styles.kind($0.style) == .code } ?? false }

    /// The words that stand for an image, where they are more than a file's name. A caption with the same words says
    /// them, before the image or behind it.
    private mutating func image(_ description: String?) {
        let words = (description ?? "").split(whereSeparator: \.isWhitespace)
        guard words.count >= 3, rows.isEmpty else { return }
        let text = words.joined(separator: " ")
        if let last = blocks.last, last.ends(with: text) { return }
        emit(.image, [ExtractedLine(text: text, rawRange: rawEnd..<rawEnd)], "p[\(paragraphCount)]")
    }

    private mutating func end(_ paragraph: Paragraph) {
        run = Run()
        if hasInk(paragraph.hidden) { emit(.paragraph, paragraph.hidden, path(paragraph), isHidden: true) }
        if paragraph.isOpenEnded, rows.count == paragraph.rows {
            carried += paragraph.visible
            return
        }
        var lines = carried + paragraph.visible
        carried = []
        // Hidden paragraphs are not counted.
        let label = hasInk(lines) || !hasInk(paragraph.hidden) ? label(paragraph) : nil
        guard hasInk(lines) else { return }
        if let label, let start = lines[0].rawRange?.lowerBound {
            lines.insert(ExtractedLine(text: label + " ", rawRange: start..<start), at: 0)
        }
        if rows.isEmpty { emit(kind(paragraph), lines, path(paragraph)) } else { append(lines) }
    }

    /// The number before a paragraph.
    private mutating func label(_ paragraph: Paragraph) -> String? {
        if paragraph.list == "0" { return nil }
        let styled = styles.list(paragraph.style)
        guard let list = paragraph.list ?? styled?.id else { return nil }
        return numbering.label(
            list: list, level: paragraph.listLevel ?? (paragraph.list == nil ? styled?.level : nil),
            style: paragraph.style)
    }

    private mutating func append(_ lines: [ExtractedLine]) {
        guard let last = rows.indices.last else { return }
        if let text = rows[last].lines.last?.text, text != " | " { rows[last].lines.append(separator(" ")) }
        rows[last].lines += lines
        rows[last].hasInk = true
    }

    private func hasInk(_ lines: [ExtractedLine]) -> Bool {
        lines.contains { $0.text.contains { !$0.isWhitespace } }
    }

    private func path(_ paragraph: Paragraph) -> String { "p[\(paragraph.number)]" }

    private func kind(_ paragraph: Paragraph) -> Element.Kind {
        if let fixedKind { return fixedKind }
        if let level = paragraph.outlineLevel, (0..<9).contains(level) { return .heading(level: level + 1) }
        let styled = styles.kind(paragraph.style)
        if case .heading = styled { return styled ?? .paragraph }
        return paragraph.isNumbered ? .listItem : styled ?? .paragraph
    }

    private mutating func emit(
        _ kind: Element.Kind, _ lines: [ExtractedLine], _ path: String, isHidden: Bool = false
    ) {
        // Two paragraphs of code that follow each other are lines of one passage.
        if kind == .code, let last = blocks.indices.last, blocks[last].kind == .code, !blocks[last].isHidden, !isHidden
        {
            blocks[last].lines += [separator("\n")] + lines
            return
        }
        let block = ExtractedBlock(kind: kind, lines: lines, path: part + "/" + path, isHidden: isHidden)
        if let last = blocks.last, last.kind == .image, kind != .image, !isHidden,
            block.ends(with: last.lines.map(\.text).joined())
        {
            blocks.removeLast()
        }
        blocks.append(block)
    }

    // MARK: Tables

    /// Whether a row is data: several cells, with a paragraph or two each. Other tables lay out a page.
    private func isDataRow(_ index: Int) -> Bool {
        if !rows.isEmpty { return true }
        if fixedKind == .pageHeader || fixedKind == .pageFooter { return false }
        var cells = 0
        var paragraphs = 0
        var tables = 0
        for at in index..<xml.end(of: index) {
            guard case .open(let name, _) = xml[at] else { continue }
            switch name {
            case "w:tbl": tables += 1
            case "w:tc": if tables == 0 { cells += 1 }
            case "w:p": paragraphs += 1
            default: break
            }
        }
        return cells > 1 && paragraphs <= cells * 3
    }

    /// Whether a cell belongs to the innermost open row, and not to one that lays out.
    private func isOwnCell(_ index: Int) -> Bool { index < (rows.last?.end ?? 0) }

    /// A row that was deleted while changes were tracked.
    private func isDeletedRow(_ name: String, _ index: Int) -> Bool {
        guard name == "w:tr" else { return false }
        for at in index..<min(index + 64, xml.indices.upperBound) {
            switch xml[at] {
            case .open("w:tc", _), .close("w:trPr"): return false
            case .open("w:del", _): return true
            default: continue
            }
        }
        return false
    }
}
