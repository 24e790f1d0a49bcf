// What an element's name, role, class and id say about its content. Words of common practice only; no site's own.

import CHTML

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

    init(_ tree: HTMLTree, _ node: Int) {
        var names = (tree.attribute(Int(CH_CLASS), of: node) ?? "") + " " + (tree.attribute(Int(CH_ID), of: node) ?? "")
        classes = Set(names.lowercased().split(separator: " ").map(String.init))
        // Elements of a page's own making say by their name what they are.
        if tree.nodes[node].tag == .other, let name = tree.attribute(Int(CH_NAME), of: node), name.contains("-") {
            names += " " + name
        }
        words = Self.words(of: names)
        role = tree.attribute(Int(CH_ROLE), of: node)?.lowercased()
        let named = tree.attribute(Int(CH_ITEMPROP), of: node) ?? ""
        properties = Set(named.split(separator: " ").map(String.init))
    }

    /// Splits at anything but letters and digits, and before a capital behind a small letter.
    static func words(of names: String) -> Set<String> {
        var words: Set<String> = []
        var word = ""
        var wasLower = false
        for character in names.unicodeScalars {
            let isLetter = character.properties.isAlphabetic || ("0"..."9").contains(character)
            if !isLetter || (wasLower && character.properties.isUppercase) {
                if !word.isEmpty { words.insert(word.lowercased()) }
                word = ""
            }
            if isLetter { word.unicodeScalars.append(character) }
            wasLower = character.properties.isLowercase
        }
        if !word.isEmpty { words.insert(word.lowercased()) }
        return words
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
