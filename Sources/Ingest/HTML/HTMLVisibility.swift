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

    /// Whether a style makes text invisible: not shown, of no size, colour or opacity, or far off the page.
    static func hides(_ style: String) -> Bool {
        var isCut = false
        var isEmpty = false
        for rule in withoutComments(style.lowercased()).split(separator: ";") {
            let parts = rule.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let name = String(parts[0]).trimmed
            var value = String(parts[1]).trimmed
            if value.hasSuffix("!important") { value = String(value.dropLast(10)).trimmed }
            switch name {
            case "display": if value == "none" { return true }
            case "visibility": if value == "hidden" || value == "collapse" { return true }
            case "content-visibility": if value == "hidden" { return true }
            case "opacity": if number(value) == 0 { return true }
            case "color": if value == "transparent" || isClear(value) { return true }
            case "transform": if argument(of: "scale", in: value) == 0 { return true }
            case "filter": if argument(of: "opacity", in: value) == 0 { return true }
            case "clip-path": if let inset = argument(of: "inset", in: value), inset >= 50 { return true }
            case "font-size":
                if let size = number(value), size == 0 || size <= 1 && value.hasSuffix("px") { return true }
            case "text-indent", "left", "top", "margin-left":
                if let shift = number(value), shift <= (value.hasSuffix("em") ? -60 : -999) { return true }
            case "overflow", "overflow-x", "overflow-y": isCut = isCut || value == "hidden" || value == "clip"
            case "width", "height", "max-width", "max-height": isEmpty = isEmpty || number(value) == 0
            default: break
            }
        }
        return isCut && isEmpty
    }

    private static func withoutComments(_ style: String) -> String {
        guard style.contains("/*") else { return style }
        var kept = ""
        var rest = style[...]
        while let open = rest.firstRange(of: "/*") {
            kept += rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            rest = rest.firstRange(of: "*/").map { rest[$0.upperBound...] } ?? ""
        }
        return kept + rest
    }

    /// Whether a colour with an opacity has none: `rgba(0, 0, 0, 0)`, `hsl(0 0% 0% / 0)`.
    private static func isClear(_ color: String) -> Bool {
        guard let open = color.firstIndex(of: "("), color.hasSuffix(")") else { return false }
        let parts = color[color.index(after: open)...].dropLast().split { ", /".contains($0) }
        return parts.count == 4 && number(String(parts[3])) == 0
    }

    /// The first number behind the name of a function.
    private static func argument(of function: String, in value: String) -> Double? {
        value.hasPrefix(function + "(") ? number(String(value.dropFirst(function.utf8.count + 1)).trimmed) : nil
    }

    /// The number that a value begins with.
    private static func number(_ value: String) -> Double? {
        Double(value.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-") })
    }
}
