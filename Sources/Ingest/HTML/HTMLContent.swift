// Which parts of a page are its content: what is invisible, what is navigation, and where the main text stands.
//
// Three steps. Invisible elements are marked. In mode `main`, elements are marked whose name, role or class says that
// they are not the text, unless they hold a large share of it: a class called `nav` around the whole article is
// wrong, not the article. Then the smallest element that holds most of the remaining text becomes the root, and
// blocks in it that are nothing but links are marked.

import CHTML

/// Marks of a page's nodes.
struct HTMLContent {
    /// Why an element is left out.
    enum Mark: UInt8 {
        case keep, opaque, invisible, boilerplate
    }

    /// What a subtree holds, counted without its marked parts.
    struct Weight {
        /// Letters and digits outside of links, and in links, in characters.
        var plain = 0
        var linked = 0
        var links = 0

        var total: Int { plain + linked }
        var linkShare: Double { total == 0 ? 0 : Double(linked) / Double(total) }

        static func += (left: inout Weight, right: Weight) {
            left.plain += right.plain
            left.linked += right.linked
            left.links += right.links
        }
    }

    /// A mark for each node; that of an element holds for all below.
    private(set) var marks: [Mark]
    /// The element whose content is the text.
    private(set) var root: Int
    /// Words of prose that a reader can't see, inside the root.
    private(set) var hiddenWords = 0

    private let tree: HTMLTree
    private let hints: [HTMLHints]
    /// Letters and digits of each text.
    private let letters: [Int]
    private var weights: [Weight] = []
    /// Nodes inside `article`, `main` or `section`.
    private var isInContent: [Bool] = []

    /// Looks at a page.
    init(_ tree: HTMLTree, mode: IngestOptions.HTMLMode) {
        self.tree = tree
        hints = HTMLHints.all(of: tree)
        letters = mode == .full ? [] : tree.nodes.map { $0.tag == nil ? Self.letters(tree.bytes[$0.range]) : 0 }
        marks = Array(repeating: .keep, count: tree.nodes.count)
        root = tree.nodes.firstIndex { $0.tag == .body } ?? 0
        guard !tree.nodes.isEmpty else { return }
        markInvisible()
        if mode == .main {
            isInContent = Array(repeating: false, count: tree.nodes.count)
            for index in tree.nodes.indices where tree.nodes[index].parent >= 0 {
                let parent = tree.nodes[index].parent
                let tag = tree.nodes[parent].tag
                isInContent[index] = isInContent[parent] || tag == .article || tag == .main || tag == .section
            }
            weigh()
            markBoilerplate()
            weigh()
            root = mainRoot()
            markOutsidePosts()
            markLinkBlocks()
        }
        hiddenWords = countHiddenWords()
    }

    // MARK: Invisible

    private mutating func markInvisible() {
        let hidden = HTMLVisibility.hidden(tree, hints)
        for index in tree.nodes.indices {
            guard let tag = tree.nodes[index].tag else { continue }
            if tag.isOpaque || (tag == .input) {
                marks[index] = .opaque
            } else if hidden[index] {
                marks[index] = .invisible
            } else if hints[index].contains(.screenReaders) {
                marks[index] = .opaque
            }
        }
    }

    private func countHiddenWords() -> Int {
        var words = 0
        var index = root
        while index < (tree.nodes.isEmpty ? 0 : tree.nodes[root].end) {
            switch marks[index] {
            case .keep: index += 1
            case .invisible:
                let text = tree.text(of: index)
                if tree.nodes[index].tag != .dialog { words += text.split(separator: " ").count }
                index = tree.nodes[index].end
            default: index = tree.nodes[index].end
            }
        }
        return words
    }

    // MARK: Weights

    private mutating func weigh() {
        weights = Array(repeating: Weight(), count: tree.nodes.count)
        // Whether a node stands in a link, and whether it is left out, going down.
        var inLink = [Bool](repeating: false, count: tree.nodes.count)
        var out = [Bool](repeating: false, count: tree.nodes.count)
        for index in tree.nodes.indices {
            let node = tree.nodes[index]
            let parentOut = node.parent >= 0 && out[node.parent]
            out[index] = parentOut || marks[index] != .keep
            inLink[index] =
                (node.parent >= 0 && inLink[node.parent]) || node.tag == .a || node.tag == .button
            if out[index] { continue }
            if node.tag == nil {
                if inLink[index] {
                    weights[index].linked = letters[index]
                } else {
                    weights[index].plain = letters[index]
                }
            } else if node.tag == .a {
                weights[index].links = 1
            }
        }
        for index in tree.nodes.indices.reversed() where tree.nodes[index].parent >= 0 && !out[index] {
            weights[tree.nodes[index].parent] += weights[index]
        }
    }

    /// Letters and digits: bytes of ASCII ones, and characters beyond ASCII counted double, since the scripts that
    /// write without spaces say more in each.
    private static func letters(_ bytes: ArraySlice<UInt8>) -> Int {
        var count = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: count += 1
            case 0xC3...0xDF: count += 1
            case 0xE1...0xFF: count += 2
            default: break
            }
        }
        return count
    }

    // MARK: Boilerplate

    private mutating func markBoilerplate() {
        let all = max(weights[root].plain, 1)
        let comments = commentWeight()
        let commentsAreContent = comments * 2 > all
        var index = root + 1
        let end = tree.nodes[root].end
        while index < end {
            guard let tag = tree.nodes[index].tag else {
                index += 1
                continue
            }
            if marks[index] == .keep, isBoilerplate(index, tag, all: all, commentsAreContent: commentsAreContent) {
                marks[index] = .boilerplate
            }
            index = marks[index] == .keep ? index + 1 : tree.nodes[index].end
        }
    }

    /// Plain text under elements that are readers' remarks by their class, outermost ones counted once.
    private func commentWeight() -> Int {
        var sum = 0
        var index = root + 1
        let end = tree.nodes[root].end
        while index < end {
            if tree.nodes[index].tag != nil, marks[index] == .keep, hints[index].contains(.comment) {
                sum += weights[index].plain
                index = tree.nodes[index].end
            } else {
                index += 1
            }
        }
        return sum
    }

    private func isBoilerplate(_ index: Int, _ tag: HTMLTag, all: Int, commentsAreContent: Bool) -> Bool {
        let weight = weights[index]
        let share = Double(weight.plain) / Double(all)
        switch tag {
        case .nav, .menu, .search:
            return share < 0.5
        case .footer:
            return share < 0.4
        case .button where isInHeading(index):
            return false
        case .button, .label, .legend, .fieldset, .optgroup, .option:
            return share < 0.2
        case .form:
            return share < 0.2
        case .header:
            if share < 0.2, !isInContent[index], weight.plain < 600 { return true }
        case .a:
            // The mark behind a heading that links to it.
            let text = tree.text(of: index, limit: 16)
            if ["¶", "#", "§", "🔗", "", "edit", "[edit]"].contains(text), weight.total < 8 { return true }
        case .aside:
            if share < 0.3, !hints[index].contains(.admonition) { return true }
        default: break
        }
        let hints = self.hints[index]
        guard !hints.isEmpty else { return false }
        if hints.contains(.lineNumber), isDigits(index) { return true }
        if hints.contains(.boilerplateRole) { return share < 0.4 }
        guard tag != .main, tag != .article, tag != .h1 else { return false }
        if hints.isTabs, holdsPanels(index) { return false }
        if hints.isNavigation { return share < (weight.linkShare > 0.3 ? 0.3 : 0.12) }
        if hints.contains(.extra) { return share < 0.12 }
        if hints.contains(.comment), !commentsAreContent { return share < 0.5 }
        return false
    }

    /// Whether a button is what a heading says: it opens and closes what follows.
    private func isInHeading(_ index: Int) -> Bool {
        var above = tree.nodes[index].parent
        for _ in 0..<3 where above >= 0 {
            if tree.nodes[above].tag?.headingLevel != nil || tree.nodes[above].tag == .dt { return true }
            above = tree.nodes[above].parent
        }
        return false
    }

    /// Whether an element holds text, and not only the names of tabs. Looks at its first nodes.
    private func holdsPanels(_ index: Int) -> Bool {
        for at in index..<min(tree.nodes[index].end, index + 2000) {
            switch tree.nodes[at].tag {
            case .p, .pre, .table, .blockquote, .dl: return true
            case .div: if hints[at].contains(.tabPanel) { return true }
            default: break
            }
        }
        return false
    }

    /// Whether the text of an element is nothing but numbers.
    private func isDigits(_ index: Int) -> Bool {
        for at in index..<tree.nodes[index].end where tree.nodes[at].tag == nil {
            let isNumber = tree.bytes[tree.nodes[at].range].allSatisfy { (0x30...0x39).contains($0) || $0 <= 0x20 }
            if !isNumber { return false }
        }
        return true
    }

    // MARK: Root

    /// The smallest element that holds most of the text.
    private func mainRoot() -> Int {
        var best = root
        let all = max(weights[root].plain, 1)
        if let main = heaviest(where: { self.isMain($0) }), weights[main].plain * 10 >= all * 4 { best = main }
        let articles = outermost(.article, in: best)
        if let article = articles.max(by: { weights[$0].plain < weights[$1].plain }),
            weights[article].plain * 10 >= weights[best].plain * 7
        {
            best = article
        }
        // Down through wrappers: as long as one child has nearly all of the text and nothing beside it is prose.
        while let child = children(of: best).max(by: { weights[$0].plain < weights[$1].plain }),
            weights[child].plain * 100 >= weights[best].plain * 85, let tag = tree.nodes[child].tag,
            tag.isBlock, tag != .p, tag != .pre, tag != .ul, tag != .ol, tag != .table, tag != .li,
            prose(in: best, except: child) < Self.muchProse
        {
            best = child
        }
        return best
    }

    /// Letters in paragraphs from which the root is not narrowed any further: some sentences.
    private static let muchProse = 120

    /// Letters in the longer paragraphs of an element that are not links, apart from one child's.
    private func prose(in node: Int, except child: Int) -> Int {
        var sum = 0
        var index = node + 1
        while index < tree.nodes[node].end {
            let tag = tree.nodes[index].tag
            if index == child || (tag != nil && marks[index] != .keep) {
                index = tree.nodes[index].end
                continue
            }
            if tag == .p || tag == .li || tag == .blockquote || tag == .pre {
                if weights[index].plain >= 60, weights[index].linkShare < 0.3 { sum += weights[index].plain }
                index = tree.nodes[index].end
                continue
            }
            index += 1
        }
        return sum
    }

    // MARK: Posts

    /// Where a page says by schema.org's `text` which parts are the posts of its authors, as forums do, and these
    /// are most of its text, the rest of the root is left out: names, dates, votes and notices around them. Remarks
    /// and first headings stay.
    private mutating func markOutsidePosts() {
        let end = tree.nodes[root].end
        var posts: [Int] = []
        var index = root + 1
        while index < end {
            guard tree.nodes[index].tag != nil, marks[index] == .keep else {
                index = tree.nodes[index].tag == nil ? index + 1 : tree.nodes[index].end
                continue
            }
            if weights[index].plain > 0, hints[index].contains(.post) {
                posts.append(index)
                index = tree.nodes[index].end
            } else {
                index += 1
            }
        }
        let sum = posts.reduce(0) { $0 + weights[$1].plain }
        guard posts.count > 1, sum * 2 > weights[root].plain else { return }
        var next = 0
        index = root + 1
        while index < end {
            guard let tag = tree.nodes[index].tag else {
                index += 1
                continue
            }
            while next < posts.count, posts[next] < index { next += 1 }
            let holdsPost = next < posts.count && posts[next] < tree.nodes[index].end
            if holdsPost, posts[next] != index {
                index += 1
                continue
            }
            if !holdsPost, marks[index] == .keep, tag != .h1 {
                marks[index] = .boilerplate
            }
            index = tree.nodes[index].end
        }
    }

    private func isMain(_ index: Int) -> Bool {
        tree.nodes[index].tag == .main || hints[index].contains(.mainRole)
    }

    private func heaviest(where matches: (Int) -> Bool) -> Int? {
        var best: Int?
        for index in root..<tree.nodes[root].end where tree.nodes[index].tag != nil && matches(index) {
            if best.map({ weights[index].plain > weights[$0].plain }) ?? true { best = index }
        }
        return best
    }

    private func outermost(_ tag: HTMLTag, in node: Int) -> [Int] {
        var found: [Int] = []
        var index = node + 1
        while index < tree.nodes[node].end {
            if tree.nodes[index].tag == tag {
                found.append(index)
                index = tree.nodes[index].end
            } else {
                index += 1
            }
        }
        return found
    }

    private func children(of node: Int) -> [Int] {
        var found: [Int] = []
        var index = node + 1
        while index < tree.nodes[node].end {
            if tree.nodes[index].tag != nil { found.append(index) }
            index = tree.nodes[index].end
        }
        return found
    }

    // MARK: Links

    /// Marks blocks of links inside the root, unless links are what the page is about.
    private mutating func markLinkBlocks() {
        let all = weights[root]
        guard all.linkShare < 0.5 else { return }
        var index = root + 1
        while index < tree.nodes[root].end {
            guard let tag = tree.nodes[index].tag, marks[index] == .keep else {
                index = tree.nodes[index].end
                continue
            }
            let weight = weights[index]
            let isList =
                tag == .ul || tag == .ol || tag == .div || tag == .section || tag == .table || tag == .p || tag == .dl
            if isList, weight.links >= 4, weight.linkShare > 0.85, weight.total * 10 < max(all.total, 1) * 2,
                weight.linked < weight.links * 60, !isIntroduced(index)
            {
                marks[index] = .boilerplate
            }
            index = marks[index] == .keep ? index + 1 : tree.nodes[index].end
        }
    }

    /// Whether the paragraph before an element leads to it: it ends with a colon, or both stand in one item of a list.
    /// A word or two is the title of what follows and no sentence.
    private func isIntroduced(_ index: Int) -> Bool {
        let texts = (root..<index).reversed().prefix(200).lazy.filter { at in
            tree.nodes[at].tag == nil && tree.bytes[tree.nodes[at].range].contains { $0 > 0x20 }
        }
        guard let before = texts.first else { return false }
        var paragraph = tree.nodes[before].parent
        while paragraph > root, tree.nodes[paragraph].tag?.isBlock == false { paragraph = tree.nodes[paragraph].parent }
        guard tree.nodes[paragraph].tag == .p, weights[paragraph].plain >= 20 else { return false }
        let outer = tree.nodes[paragraph].parent
        if tree.nodes[outer].tag == .li, index < tree.nodes[outer].end { return true }
        let end = tree.bytes[tree.nodes[before].range].reversed().drop { $0 <= 0x20 }
        return end.starts(with: ":".utf8) || end.starts(with: "\u{FF1A}".utf8.reversed())
    }
}
