// From the marked tree to blocks of text: headings, paragraphs, list items, table rows, code.
//
// A block's lines are runs of text that follow each other without a separator: each is either a stretch of the
// source, byte for byte, or something that stands for one, such as a character reference or a line break. White space
// is left as it is; the normalizer folds it and keeps the way back.

import CHTML
import Documents

/// Builds the blocks of a page.
struct HTMLBlocks {
    /// Blocks in document order.
    private(set) var blocks: [ExtractedBlock] = []

    private let tree: HTMLTree
    private let content: HTMLContent
    private let keepsHidden: Bool

    private var runs: [ExtractedLine] = []
    private var kind = Element.Kind.paragraph
    private var pathNode = 0
    private var hasInk = false
    private var lineBreaks = 0
    private var row: Row?
    /// Reading aids of the characters so far, which stand behind them, and how many `ruby` are open.
    private var aids = ""
    private var rubies = 0
    /// What surrounds the walk, innermost last.
    private var surroundings: [Surrounding] = []

    private struct Row {
        var node: Int
        var cells = 0
    }

    private struct Surrounding {
        var end: Int
        var tag: HTMLTag
        var isHidden: Bool
        /// Ends a block when left.
        var isBlock: Bool
        /// The kind of a block that begins here, and the element that it belongs to.
        var kind: Element.Kind
        var blockNode: Int
        /// Inside `pre`.
        var isCode: Bool
        /// Where the link leads that this is, or is in.
        var link: LinkTarget?
    }

    /// Walks the content of the root.
    init(_ tree: HTMLTree, _ content: HTMLContent, keepsHidden: Bool) {
        self.tree = tree
        self.content = content
        self.keepsHidden = keepsHidden
        guard !tree.nodes.isEmpty else { return }
        pathNode = content.root
        walk()
    }

    private mutating func walk() {
        let end = tree.nodes[content.root].end
        // The root's own ancestors say nothing: it is a paragraph container.
        var index =
            tree.nodes[content.root].tag.map { $0 == .body || $0 == .html } ?? false
            ? content.root + 1 : content.root
        while index < end {
            while let last = surroundings.last, last.end <= index { leave() }
            let node = tree.nodes[index]
            guard let tag = node.tag else {
                text(index)
                index += 1
                continue
            }
            switch content.marks[index] {
            case .opaque, .boilerplate:
                // Fields of a form stand between words.
                if tag.isField { separator(" ", at: index) }
                index = node.end
                continue
            case .invisible where !keepsHidden:
                index = node.end
                continue
            default: break
            }
            if rubies > 0, tag == .rt || tag == .rtc {
                aids += aid(index)
                index = node.end
                continue
            }
            enter(index, tag)
            index += 1
        }
        while !surroundings.isEmpty { leave() }
        flush()
    }

    private mutating func enter(_ index: Int, _ tag: HTMLTag) {
        let isHidden = (surroundings.last?.isHidden ?? false) || content.marks[index] == .invisible
        let wasHidden = surroundings.last?.isHidden ?? false
        var isBlock = tag.isBlock || isHidden != wasHidden
        switch tag {
        case .br:
            lineBreak(index)
            return
        case .img:
            image(index)
            return
        case .hr:
            flush()
            return
        case .ruby:
            rubies += 1
        case .button:
            separator(" ", at: index)
        case .a where touchesLink(index):
            separator(" ", at: index)
        case .tr where row == nil && isDataRow(index):
            flush()
            row = Row(node: index)
        case .td, .th:
            if row != nil {
                isBlock = false
                row?.cells += 1
                if let row, row.cells > 1 { separator(" | ", at: index) }
            }
        default: break
        }
        if isBlock {
            if inCode, tag != .pre {
                newline(at: index)
            } else if row != nil, tag != .tr {
                separator(" ", at: index)
            } else {
                flush()
            }
        }
        let outer = surroundings.last
        surroundings.append(
            Surrounding(
                end: tree.nodes[index].end, tag: tag, isHidden: isHidden, isBlock: isBlock,
                kind: inCode ? .code : Self.kind(of: tag, inside: outer?.kind ?? .paragraph),
                blockNode: isBlock ? index : outer?.blockNode ?? content.root,
                isCode: tag == .pre || (outer?.isCode ?? false),
                link: tag == .a ? target(of: index) : outer?.link))
    }

    private mutating func leave() {
        guard let last = surroundings.last else { return }
        if last.tag == .ruby { endRuby() }
        if last.tag == .button { separator(" ", at: last.end - 1) }
        if last.tag == .tr, let current = row, tree.nodes[current.node].end == last.end {
            flush()
            row = nil
        } else if last.isBlock, row == nil {
            if last.tag == .pre || !last.isCode { flush() } else { newline(at: last.end - 1) }
        } else if last.isBlock {
            separator(" ", at: last.end - 1)
        }
        surroundings.removeLast()
    }

    private var inCode: Bool { surroundings.last?.isCode ?? false }

    /// The kind of a block directly inside an element. Plain containers pass on what they stand in.
    private static func kind(of tag: HTMLTag, inside outer: Element.Kind) -> Element.Kind {
        switch tag {
        case .h1, .h2, .h3, .h4, .h5, .h6: .heading(level: tag.headingLevel ?? 1)
        case .pre: .code
        case .li, .dt, .dd: .listItem
        case .figcaption, .caption: .caption
        case .blockquote: .quote
        case .article, .section, .main, .body, .table: .paragraph
        default: outer
        }
    }

    // MARK: Runs

    private mutating func text(_ index: Int) {
        let node = tree.nodes[index]
        guard !node.range.isEmpty else { return }
        let bytes = tree.bytes[node.range]
        let isBlank = bytes.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
        if isBlank && !hasInk && !inCode { return }
        if !isBlank {
            if !hasInk { begin() }
            hasInk = true
            lineBreaks = 0
        }
        append(String(decoding: bytes, as: UTF8.self), raw: node.raw)
    }

    private mutating func begin() {
        kind = row == nil ? surroundings.last?.kind ?? .paragraph : .tableRow
        pathNode = row?.node ?? surroundings.last?.blockNode ?? content.root
    }

    private mutating func append(_ text: String, raw: Range<Int>) {
        var run = ExtractedLine(text: text, rawRange: raw)
        if let target = surroundings.last?.link {
            run.links = [ExtractedLink(range: 0..<text.utf8.count, target: target)]
        }
        runs.append(run)
    }

    private func target(of link: Int) -> LinkTarget? {
        tree.attribute(Int(CH_HREF), of: link).flatMap { LinkTarget(address: $0) }
    }

    private mutating func separator(_ text: String, at index: Int) {
        guard hasInk || text == " | " else { return }
        let raw = tree.nodes[index].raw.lowerBound
        append(text, raw: raw..<raw)
    }

    private mutating func newline(at index: Int) {
        guard let last = runs.last, !last.text.utf8.elementsEqual("\n".utf8), last.text.utf8.last != 0x0A else {
            return
        }
        let raw = max(tree.nodes[index].raw.lowerBound, last.rawRange?.upperBound ?? 0)
        append("\n", raw: raw..<raw)
    }

    /// Whether a link stands right behind another one, word at word: two words.
    private func touchesLink(_ index: Int) -> Bool {
        guard hasInk, runs.last?.text.last?.isLetter ?? false else { return false }
        let parent = tree.nodes[index].parent
        var before = index - 1
        while before > parent, tree.nodes[before].parent != parent { before = tree.nodes[before].parent }
        return before > parent && tree.nodes[before].tag == .a
            && tree.text(of: index, limit: 4).first?.isLetter ?? false
    }

    /// The text of a reading aid, without the parentheses for programs that know none.
    private func aid(_ index: Int) -> String {
        var text = ""
        var at = index + 1
        while at < tree.nodes[index].end {
            if tree.nodes[at].tag == .rp {
                at = tree.nodes[at].end
                continue
            }
            if tree.nodes[at].tag == nil { text += String(decoding: tree.bytes[tree.nodes[at].range], as: UTF8.self) }
            at += 1
        }
        return text.trimmed
    }

    private mutating func endRuby() {
        rubies -= 1
        guard rubies == 0 else { return }
        if hasInk, !aids.isEmpty {
            let raw = runs.last?.rawRange?.upperBound ?? 0
            append("(" + aids + ")", raw: raw..<raw)
        }
        aids = ""
    }

    private mutating func lineBreak(_ index: Int) {
        if inCode {
            let raw = tree.nodes[index].raw.lowerBound
            append("\n", raw: raw..<raw)
            return
        }
        lineBreaks += 1
        if lineBreaks > 1, row == nil { flush() } else { separator(" ", at: index) }
    }

    /// The words that stand for an image, where they are more than a file's name. A caption with the same words says
    /// them, before the image or behind it.
    private mutating func image(_ index: Int) {
        guard let alt = tree.attribute(Int(CH_ALT), of: index) else { return }
        let words = alt.split { $0 == " " || $0 == "\n" || $0 == "\t" }
        guard words.count >= 3 || (hasInk && !words.isEmpty && row == nil && !isAlone(index)) else { return }
        let raw = tree.nodes[index].raw.lowerBound
        if hasInk || row != nil {
            append(" " + words.joined(separator: " ") + " ", raw: raw..<raw)
            return
        }
        flush()
        let text = words.joined(separator: " ")
        if let last = blocks.last, last.kind == .caption, last.ends(with: text) { return }
        blocks.append(
            ExtractedBlock(
                kind: .image, lines: [ExtractedLine(text: text, rawRange: raw..<raw)],
                path: tree.path(of: index), isHidden: surroundings.last?.isHidden ?? false))
    }

    /// Whether an image stands in a link or figure of its own.
    private func isAlone(_ index: Int) -> Bool {
        guard tree.nodes[index].parent >= 0 else { return true }
        let parent = tree.nodes[tree.nodes[index].parent]
        return parent.tag == .a || parent.tag == .figure || parent.tag == .picture
    }

    private mutating func flush() {
        defer {
            runs.removeAll()
            hasInk = false
            lineBreaks = 0
        }
        guard hasInk else { return }
        let block = ExtractedBlock(
            kind: kind, lines: runs, path: tree.path(of: pathNode), isHidden: surroundings.last?.isHidden ?? false)
        if kind == .caption, let last = blocks.last, last.kind == .image, !block.isHidden,
            block.ends(with: last.lines.map(\.text).joined())
        {
            blocks.removeLast()
        }
        blocks.append(block)
    }

    // MARK: Tables

    /// Whether a row is data: several short cells, none holding blocks of its own. Other tables lay out a page.
    private func isDataRow(_ index: Int) -> Bool {
        let node = tree.nodes[index]
        var cells = 0
        var cellsWithInk = 0
        var blocks = 0
        var boxes = 0
        var isEmpty = true
        for at in index + 1..<node.end {
            guard let tag = tree.nodes[at].tag else {
                if isEmpty, tree.bytes[tree.nodes[at].range].contains(where: { $0 > 0x20 }) {
                    isEmpty = false
                    cellsWithInk += 1
                }
                continue
            }
            switch tag {
            case .td, .th:
                cells += 1
                isEmpty = true
            case .table, .pre, .h1, .h2, .h3, .article, .section, .blockquote: return false
            case .p, .ul, .ol, .dl: blocks += 1
            case .div: boxes += 1
            default: break
            }
        }
        // One cell beside empty ones, with boxes in it: those are space around it.
        if cellsWithInk == 1, blocks + boxes > 1 { return false }
        return cells > 1 && blocks <= cells * 2
    }
}

extension ExtractedBlock {
    /// Whether a block's folded text ends with some words.
    func ends(with words: String) -> Bool { Normalizer.folded(lines.map(\.text).joined()).hasSuffix(words) }
}
