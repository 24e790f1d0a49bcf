// What the names of styles say about paragraphs: headings, quotations, captions, code, and what is hidden.

import Documents

/// The styles of a document.
struct DOCXStyles {
    /// What a style adds to a paragraph or run.
    struct Style {
        var name = ""
        var basedOn: String?
        var outlineLevel: Int?
        var isNumbered = false
        var list: String?
        var listLevel: Int?
        var isHidden: Bool?
    }

    private var styles: [String: Style] = [:]
    /// The language of text that says nothing else.
    private(set) var language: String?

    /// No styles.
    init() {}

    /// Reads the part that defines them.
    init(_ xml: XMLEvents) {
        var open: (id: String, style: Style)?
        for index in xml.indices {
            switch xml[index] {
            case .open("w:style", let attributes):
                open = xml.attribute("w:styleId", in: attributes).map { ($0, Style()) }
            case .close("w:style"):
                if let (id, style) = open { styles[id] = style }
                open = nil
            case .open(let name, let attributes):
                let value = xml.attribute("w:val", in: attributes)
                switch name {
                case "w:name": open?.style.name = value?.lowercased() ?? ""
                case "w:basedOn": open?.style.basedOn = value
                case "w:outlineLvl": open?.style.outlineLevel = value.flatMap { Int($0) }
                case "w:numPr": open?.style.isNumbered = true
                case "w:numId": open?.style.list = value
                case "w:ilvl": open?.style.listLevel = value.flatMap { Int($0) }
                case "w:vanish": open?.style.isHidden = DOCXStyles.isOn(value)
                case "w:lang": if open == nil, language == nil { language = value }
                default: break
                }
            default: break
            }
        }
    }

    /// A style and those that it is based on, nearest first.
    private func chain(_ id: String?) -> [Style] {
        var found: [Style] = []
        var next = id
        while let id = next, let style = styles[id], found.count < 16 {
            found.append(style)
            next = style.basedOn
        }
        return found
    }

    /// What a paragraph of a style is, by the nearest style that says something.
    func kind(_ id: String?) -> Element.Kind? {
        for style in chain(id) {
            if let level = style.outlineLevel, (0..<9).contains(level) { return .heading(level: level + 1) }
            if let kind = Self.kinds[style.name] { return kind }
            if style.name.hasPrefix("heading "), let level = Int(style.name.dropFirst(8)), (1...9).contains(level) {
                return .heading(level: level)
            }
            if style.isNumbered || style.name.hasPrefix("list ") || style.name.hasPrefix("toc ") { return .listItem }
        }
        return nil
    }

    /// The list whose labels paragraphs of a style have, and their level where it is named.
    func list(_ id: String?) -> (id: String, level: Int?)? {
        let chain = chain(id)
        guard let list = chain.lazy.compactMap(\.list).first, list != "0" else { return nil }
        return (list, chain.lazy.compactMap(\.listLevel).first)
    }

    /// Whether a style hides its text or shows it; nil where it says nothing.
    func isHidden(_ id: String?) -> Bool? { chain(id).lazy.compactMap(\.isHidden).first }

    /// Whether a property that needs no value is on.
    static func isOn(_ value: String?) -> Bool { !["0", "false", "off"].contains(value ?? "1") }

    private static let kinds: [String: Element.Kind] = [
        "title": .heading(level: 1), "caption": .caption, "table caption": .caption, "image caption": .caption,
        "quote": .quote, "intense quote": .quote, "block text": .quote, "source code": .code,
        "html preformatted": .code, "preformatted text": .code, "plain text": .paragraph, "footnote text": .footnote,
        "endnote text": .footnote,
    ]
}
