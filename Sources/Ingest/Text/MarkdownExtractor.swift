// Markdown to blocks: the structure of CommonMark and GitHub's tables, as far as reading needs it.
//
// Marks are left out of the text, so that a quote is what a reader sees; every run of text keeps its place in the
// file. One pass over the lines; nothing is nested, so hostile input costs no stack.

import Documents

/// Extracts Markdown.
struct MarkdownExtractor {
    /// Name and version; a change of the text that it gives is a new version.
    static let name = "markdown/1"

    private let utf8: [UInt8]
    private let lines: [Range<Int>]
    private var blocks: [ExtractedBlock] = []
    private var metadata: [String: String] = [:]
    /// Lines of the paragraph or item that is open, without marks and indentation.
    private var open: [Range<Int>] = []
    private var openKind = Element.Kind.paragraph

    private init(_ utf8: [UInt8]) {
        self.utf8 = utf8
        lines = SourceLines(utf8).map(\.range)
    }

    /// Reads decoded text; ranges of lines are offsets of it.
    static func extract(_ utf8: [UInt8]) -> ExtractedDocument {
        var extractor = MarkdownExtractor(utf8)
        extractor.read()
        let title = extractor.metadata.removeValue(forKey: "title")
        return ExtractedDocument(
            extractor: name, title: title, metadata: extractor.metadata,
            pages: [ExtractedPage(blocks: extractor.blocks)])
    }

    private mutating func read() {
        var index = frontMatter()
        while index < lines.count {
            let line = content(lines[index])
            if line.isEmpty {
                close()
                index += 1
            } else if let fence = Fence(utf8, line) {
                close()
                index = code(fence, from: index + 1)
            } else if open.isEmpty, indentation(lines[index]) >= 4 {
                index = indentedCode(from: index)
            } else if let level = atxLevel(line) {
                close()
                emit(.heading(level: level), [atxText(line, level)])
                index += 1
            } else if !open.isEmpty, openKind == .paragraph, let level = setextLevel(line) {
                openKind = .heading(level: level)
                close()
                index += 1
            } else if isRule(line) || isDefinition(line) {
                close()
                index += 1
            } else if isTable(at: index) {
                close()
                index = table(from: index)
            } else {
                paragraphLine(lines[index], line)
                index += 1
            }
        }
        close()
    }

    private mutating func paragraphLine(_ whole: Range<Int>, _ line: Range<Int>) {
        if utf8[line.lowerBound] == 0x3E {
            if openKind != .quote { close() }
            var start = line.lowerBound
            while start < line.upperBound, utf8[start] == 0x3E || utf8[start] == 0x20 { start += 1 }
            if start == line.upperBound { return close() }
            openKind = .quote
            open.append(start..<line.upperBound)
        } else if let mark = ListMarker.length(utf8, whole), whole.lowerBound + mark < line.upperBound {
            close()
            openKind = .listItem
            open.append(whole.lowerBound + mark..<line.upperBound)
        } else if utf8[line].starts(with: Array("[^".utf8)), let end = utf8[line].firstRange(of: Array("]:".utf8)) {
            close()
            openKind = .footnote
            open.append(end.upperBound..<line.upperBound)
        } else {
            if openKind == .quote { close() }
            open.append(line)
        }
    }

    // MARK: Blocks

    private mutating func close() {
        if !open.isEmpty { emit(openKind, open) }
        open.removeAll()
        openKind = .paragraph
    }

    private mutating func emit(_ kind: Element.Kind, _ ranges: [Range<Int>]) {
        var runs: [ExtractedLine] = []
        for range in ranges where !range.isEmpty {
            if let last = runs.last?.rawRange {
                runs.append(
                    ExtractedLine(text: "\n", rawRange: last.upperBound..<max(last.upperBound, range.lowerBound)))
            }
            runs.append(contentsOf: MarkdownInline.runs(utf8, range))
        }
        guard !runs.isEmpty else { return }
        blocks.append(ExtractedBlock(kind: kind, lines: runs))
    }

    private mutating func verbatim(_ first: Int, _ end: Int) {
        guard first < end else { return }
        let range = lines[first].lowerBound..<lines[end - 1].upperBound
        blocks.append(
            ExtractedBlock(
                kind: .code, lines: [ExtractedLine(text: String(decoding: utf8[range], as: UTF8.self), rawRange: range)]
            ))
    }

    private mutating func code(_ fence: Fence, from first: Int) -> Int {
        var index = first
        while index < lines.count, !fence.isClosed(by: utf8, content(lines[index])) { index += 1 }
        verbatim(first, index)
        return index + 1
    }

    private mutating func indentedCode(from first: Int) -> Int {
        var index = first
        var end = first
        while index < lines.count {
            let isBlank = content(lines[index]).isEmpty
            if !isBlank, indentation(lines[index]) < 4 { break }
            index += 1
            if !isBlank { end = index }
        }
        verbatim(first, end)
        return end
    }

    // MARK: Tables

    private func isTable(at index: Int) -> Bool {
        guard open.isEmpty, index + 1 < lines.count, utf8[lines[index]].contains(0x7C) else { return false }
        let rule = utf8[content(lines[index + 1])]
        return rule.contains(0x2D) && rule.contains(0x7C)
            && rule.allSatisfy { $0 == 0x2D || $0 == 0x7C || $0 == 0x3A || $0 == 0x20 }
    }

    private mutating func table(from first: Int) -> Int {
        var index = first
        while index < lines.count {
            let line = content(lines[index])
            guard utf8[line].contains(0x7C) else { break }
            if index != first + 1 { row(line) }
            index += 1
        }
        return index
    }

    private mutating func row(_ line: Range<Int>) {
        var cells: [Range<Int>] = []
        var start = line.lowerBound
        if utf8[start] == 0x7C { start += 1 }
        var at = start
        while at <= line.upperBound {
            if at == line.upperBound || (utf8[at] == 0x7C && utf8[at - 1] != 0x5C) {
                if at > start || at < line.upperBound { cells.append(start..<at) }
                start = at + 1
            }
            at += 1
        }
        var runs: [ExtractedLine] = []
        for (index, cell) in cells.enumerated() {
            if index > 0 { runs.append(ExtractedLine(text: " | ", rawRange: cell.lowerBound - 1..<cell.lowerBound)) }
            runs.append(contentsOf: MarkdownInline.runs(utf8, cell))
        }
        if !runs.isEmpty { blocks.append(ExtractedBlock(kind: .tableRow, lines: runs)) }
    }

    // MARK: Lines

    /// A line without white space at both ends.
    private func content(_ line: Range<Int>) -> Range<Int> {
        var (lower, upper) = (line.lowerBound, line.upperBound)
        while upper > lower, utf8[upper - 1] <= 0x20 { upper -= 1 }
        while lower < upper, utf8[lower] <= 0x20 { lower += 1 }
        return lower..<upper
    }

    private func indentation(_ line: Range<Int>) -> Int {
        var columns = 0
        for byte in utf8[line] {
            if byte == 0x20 { columns += 1 } else if byte == 0x09 { columns += 4 - columns % 4 } else { break }
        }
        return columns
    }

    private func atxLevel(_ line: Range<Int>) -> Int? {
        let level = utf8[line].prefix { $0 == 0x23 }.count
        guard (1...6).contains(level) else { return nil }
        let next = line.lowerBound + level
        return next == line.upperBound || utf8[next] == 0x20 || utf8[next] == 0x09 ? level : nil
    }

    private func atxText(_ line: Range<Int>, _ level: Int) -> Range<Int> {
        let text = content(line.lowerBound + level..<line.upperBound)
        var end = text.upperBound
        while end > text.lowerBound, utf8[end - 1] == 0x23 { end -= 1 }
        // `C#` is no closing mark; `title ##` has one.
        return end < text.upperBound && end > text.lowerBound && utf8[end - 1] != 0x20
            ? text : content(text.lowerBound..<end)
    }

    private func setextLevel(_ line: Range<Int>) -> Int? {
        let bytes = utf8[line]
        if bytes.allSatisfy({ $0 == 0x3D }) { return 1 }
        return bytes.allSatisfy { $0 == 0x2D } ? 2 : nil
    }

    private func isRule(_ line: Range<Int>) -> Bool {
        let marks = utf8[line].filter { $0 != 0x20 }
        guard marks.count >= 3, let first = marks.first, [0x2D, 0x2A, 0x5F].contains(first) else { return false }
        return marks.allSatisfy { $0 == first }
    }

    /// `[name]: address`, which readers don't see.
    private func isDefinition(_ line: Range<Int>) -> Bool {
        guard utf8[line].starts(with: [0x5B]), !utf8[line].starts(with: [0x5B, 0x5E]), open.isEmpty,
            let end = utf8[line].firstIndex(of: 0x5D)
        else { return false }
        return end + 1 < line.upperBound && utf8[end + 1] == 0x3A
    }

    // MARK: Front matter

    /// Reads `key: value` lines between two lines of `---` at the start of the file; returns the first line of text.
    private mutating func frontMatter() -> Int {
        guard let first = lines.first, utf8[content(first)].elementsEqual("---".utf8),
            let end = lines.indices.dropFirst().prefix(200).first(where: {
                let text = utf8[content(lines[$0])]
                return text.elementsEqual("---".utf8) || text.elementsEqual("...".utf8)
            })
        else { return 0 }
        for line in lines[1..<end] {
            let text = String(decoding: utf8[line], as: UTF8.self)
            guard let colon = text.firstIndex(of: ":"), !(text.first?.isWhitespace ?? true) else { continue }
            let key = text[..<colon].lowercased()
            let value = String(text[text.index(after: colon)...]).trimmed.trimming("\"").trimming("'")
            guard !key.isEmpty, !value.isEmpty, key.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" })
            else { continue }
            metadata[key == "lang" ? "language" : key] = value
        }
        return end + 1
    }
}

/// The fence of a code block.
private struct Fence {
    private let mark: UInt8
    private let count: Int

    init?(_ utf8: [UInt8], _ line: Range<Int>) {
        guard let first = utf8[line].first, first == 0x60 || first == 0x7E else { return nil }
        count = utf8[line].prefix { $0 == first }.count
        guard count >= 3 else { return nil }
        mark = first
        // ``` a ``` on one line is inline code.
        if first == 0x60, utf8[line].dropFirst(count).contains(0x60) { return nil }
    }

    func isClosed(by utf8: [UInt8], _ line: Range<Int>) -> Bool {
        line.count >= count && utf8[line].allSatisfy { $0 == mark }
    }
}

extension String {
    /// Without one mark at both ends, where both are there.
    fileprivate func trimming(_ mark: Character) -> String {
        count >= 2 && first == mark && last == mark ? String(dropFirst().dropLast()) : self
    }
}
