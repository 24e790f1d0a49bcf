// Which elements a reader of the page can't see, by their attributes alone: no style sheet is read.
//
// What a control on the page brings to light counts as seen: the panels behind the tabs of a row, and what stands under
// a heading that is a button.

import CHTML

/// Finds what is hidden.
enum HTMLVisibility {
    /// Whether each node is hidden by its own attributes.
    static func hidden(_ tree: HTMLTree, _ hints: [HTMLHints]) -> [Bool] {
        var hidden = [Bool](repeating: false, count: tree.nodes.count)
        // The last element seen so far below each node.
        var previous = [Int](repeating: -1, count: tree.nodes.count)
        var hiddenPanels: [Int] = []
        var parentsOfShownPanels: Set<Int> = []
        for index in tree.nodes.indices {
            guard let tag = tree.nodes[index].tag else { continue }
            let parent = tree.nodes[index].parent
            let before = parent >= 0 ? previous[parent] : -1
            if parent >= 0 { previous[parent] = index }
            let isPanel = hints[index].contains(.tabPanel)
            if tag == .dialog {
                hidden[index] = true
            } else if isHidden(tree, index) {
                hidden[index] = !(before >= 0 && isSwitch(tree, before))
                if isPanel { hiddenPanels.append(index) }
            } else if isPanel {
                parentsOfShownPanels.insert(parent)
            }
        }
        for panel in hiddenPanels where parentsOfShownPanels.contains(tree.nodes[panel].parent) {
            hidden[panel] = false
        }
        return hidden
    }

    /// Whether an element is a heading or term with a button in it.
    private static func isSwitch(_ tree: HTMLTree, _ node: Int) -> Bool {
        guard let tag = tree.nodes[node].tag, tag.headingLevel != nil || tag == .dt else { return false }
        return (node..<tree.nodes[node].end).contains { tree.nodes[$0].tag == .button }
    }

    private static func isHidden(_ tree: HTMLTree, _ node: Int) -> Bool {
        for attribute in tree.attributes[tree.nodes[node].range] {
            let bytes = tree.bytes[attribute.range]
            switch attribute.kind {
            case Int(CH_HIDDEN):
                return true
            case Int(CH_ARIA_HIDDEN), Int(CH_ARIA_MODAL):
                // Captions that repeat the image's alternative are kept from screen readers only, and so are images.
                let tag = tree.nodes[node].tag
                if tag != .figcaption, tag != .img, bytes.elementsEqual("true".utf8) { return true }
            case Int(CH_STYLE):
                if hides(String(decoding: bytes, as: UTF8.self)) { return true }
            default: break
            }
        }
        return false
    }

    /// Whether a style makes text invisible: not shown, of no size or opacity, or far off the page.
    static func hides(_ style: String) -> Bool {
        for rule in style.lowercased().split(separator: ";") {
            let parts = rule.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let name = String(parts[0]).trimmed
            var value = String(parts[1]).trimmed
            if value.hasSuffix("!important") { value = String(value.dropLast(10)).trimmed }
            switch name {
            case "display": if value == "none" { return true }
            case "visibility": if value == "hidden" || value == "collapse" { return true }
            case "opacity": if number(value) == 0 { return true }
            case "font-size":
                if let size = number(value), size == 0 || size <= 1 && value.hasSuffix("px") { return true }
            case "text-indent", "left", "top", "margin-left":
                if let shift = number(value), shift <= -999 { return true }
            default: break
            }
        }
        return false
    }

    /// The number that a value begins with.
    private static func number(_ value: String) -> Double? {
        Double(value.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-") })
    }
}
