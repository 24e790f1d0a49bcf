// What an element's name, role, class and id say about its content. Words of common practice only; no site's own.

import CHTML

/// The hints of a page's elements. Few names stand on many elements, so what they say is remembered.
final class HTMLHintCache {
    private let tree: HTMLTree
    private var known: [[UInt8]: HTMLHints] = [:]
    private static let most = 4_096

    init(_ tree: HTMLTree) {
        self.tree = tree
    }

    /// What a node's names say.
    func of(_ node: Int) -> HTMLHints {
        let isCustom = tree.nodes[node].tag == .other
        let key = tree.key(of: node, isCustom ? Self.kinds + [Int(CH_NAME)] : Self.kinds)
        guard !key.isEmpty else { return .none }
        if let hints = known[key] { return hints }
        func value(_ kind: Int) -> String { tree.attribute(kind, of: node) ?? "" }
        let custom = isCustom ? value(CH_NAME) : ""
        let hints = HTMLHints(
            names: value(CH_CLASS) + " " + value(CH_ID), custom: custom.contains("-") ? custom : nil,
            role: tree.attribute(Int(CH_ROLE), of: node), itemprop: value(CH_ITEMPROP))
        if known.count >= Self.most { known.removeAll() }
        known[key] = hints
        return hints
    }

    private static let kinds = [Int(CH_CLASS), Int(CH_ID), Int(CH_ROLE), Int(CH_ITEMPROP)]
}

/// Hints of one element.
struct HTMLHints {
    /// Words of its class and id, lower case: `siteNav-links` gives `site`, `nav`, `links`.
    let words: Set<String>
    /// Its class names, lower case, whole.
    let classes: Set<String>
    /// Its role.
    let role: String?
    /// What it is of the thing that it describes, by schema.org: `text`, `comment`, `articleBody`.
    let properties: Set<String>

    /// Of an element without any of these attributes.
    static let none = HTMLHints(names: "", custom: nil, role: nil, itemprop: "")

    /// `custom`: the name of an element of the page's own making, which says by it what it is.
    init(names: String, custom: String?, role: String?, itemprop: String) {
        classes = Set(names.lowercased().split(separator: " ").map(String.init))
        words = Self.words(of: custom.map { names + " " + $0 } ?? names)
        self.role = role?.lowercased()
        properties = Set(itemprop.split(separator: " ").map(String.init))
    }

    /// Splits at anything but letters and digits, and before a capital behind a small letter.
    static func words(of names: String) -> Set<String> {
        var words: Set<String> = []
        var word = ""
        var wasLower = false
        for character in names.unicodeScalars {
            let kind = Kind(character)
            if kind == .other || (wasLower && kind == .upper) {
                if !word.isEmpty { words.insert(word.lowercased()) }
                word = ""
            }
            if kind != .other { word.unicodeScalars.append(character) }
            wasLower = kind == .lower
        }
        if !word.isEmpty { words.insert(word.lowercased()) }
        return words
    }

    private enum Kind {
        case lower, upper, letter, other

        /// Names are ASCII nearly always, for which the tables of Unicode need not be asked.
        init(_ scalar: Unicode.Scalar) {
            switch scalar.value {
            case 0x61...0x7A: self = .lower
            case 0x41...0x5A: self = .upper
            case 0x30...0x39: self = .letter
            case 0..<0x80: self = .other
            default:
                let properties = scalar.properties
                self =
                    !properties.isAlphabetic
                    ? .other : properties.isLowercase ? .lower : properties.isUppercase ? .upper : .letter
            }
        }
    }

    private static let navigation: Set<String> = [
        "nav", "navbar", "navigation", "navigator", "menu", "menubar", "submenu", "dropdown", "breadcrumb",
        "breadcrumbs",
        "sidebar", "sidenav", "topnav", "subnav", "navbox", "navheader", "navfooter", "footer", "foot", "masthead",
        "topbar", "toolbar", "pagination", "pager", "paginator", "prevnext", "skip", "skiplink", "skiplinks", "toc",
        "sitemap", "tabs", "tablist", "hamburger",
    ]
    private static let extras: Set<String> = [
        "cookie", "cookies", "consent", "gdpr", "share", "sharing", "sharebar", "social", "related", "recommended",
        "recommendations", "recirc", "newsletter", "subscribe", "subscription", "promo", "promotion", "promoted", "ad",
        "ads", "advert", "adverts", "advertisement", "advertising", "sponsor", "sponsored", "login", "signup", "signin",
        "register", "modal", "popup", "lightbox", "feedback", "survey", "rating", "ratings", "vote", "voting",
        "votecell",
        "editsection", "headerlink", "noprint", "print", "catlinks", "banner", "announcement", "outbrain", "taboola",
        "disqus", "tooltip", "popover", "upsell", "cta", "linenos", "lineno", "gutter", "copybtn", "clipboard",
        "translations", "languages", "permalink", "backlink",
    ]
    private static let invisibleClasses: Set<String> = [
        "sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only", "u-visually-hidden",
        "screenreader-only", "usa-sr-only", "v-visible-sr", "show-for-sr", "offscreen", "element-invisible",
    ]
    private static let asides: Set<String> = [
        "note", "warning", "tip", "admonition", "callout", "important", "info", "caution", "alert", "example", "hint",
        "notice", "danger", "footnote", "footnotes", "pullquote", "definition",
    ]
    private static let boilerplateRoles: Set<String> = [
        "navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "toolbar", "dialog",
        "alertdialog", "tablist", "tooltip", "directory",
    ]

    private static let lineNumbers: Set<String> = [
        "linenos", "lineno", "linenumber", "linenumbers", "gutter", "ln", "lnt", "lnum",
    ]

    /// The number of a line of code.
    var isLineNumber: Bool {
        !words.isDisjoint(with: Self.lineNumbers) || classes.contains("line-number") || classes.contains("line-numbers")
    }
    /// A row of tabs, or those with what they show.
    var isTabs: Bool { words.intersection(Self.navigation) == ["tabs"] }
    /// Navigation, footers and the like by class or id.
    var isNavigation: Bool { !words.isDisjoint(with: Self.navigation) }
    /// Banners, advertising, sharing and other additions by class or id.
    var isExtra: Bool { !words.isDisjoint(with: Self.extras) }
    /// Text for screen readers only.
    var isForScreenReaders: Bool { !classes.isDisjoint(with: Self.invisibleClasses) }
    /// A box that belongs to the text: a note, a warning.
    var isAdmonition: Bool { !words.isDisjoint(with: Self.asides) }
    /// Not the page's own text by its role.
    var hasBoilerplateRole: Bool { role.map(Self.boilerplateRoles.contains) ?? false }
    /// Remarks of readers.
    var isComment: Bool {
        words.contains("comment") || words.contains("comments") || words.contains("replies")
            || properties.contains("comment")
    }
}
