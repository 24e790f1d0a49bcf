// What an element's name, role, class and id say about its content. Words of common practice only; no site's own.

import CHTML

/// Hints of one element.
struct HTMLHints: OptionSet {
    let rawValue: UInt16

    /// A word of navigation, footers and the like, other than `tabs`, in its class or id.
    static let navigation = HTMLHints(rawValue: 1 << 0)
    /// The word `tabs` there.
    static let tabs = HTMLHints(rawValue: 1 << 1)
    /// Banners, advertising, sharing and other additions by class or id.
    static let extra = HTMLHints(rawValue: 1 << 2)
    /// Text for screen readers only.
    static let screenReaders = HTMLHints(rawValue: 1 << 3)
    /// A box that belongs to the text: a note, a warning.
    static let admonition = HTMLHints(rawValue: 1 << 4)
    /// The number of a line of code.
    static let lineNumber = HTMLHints(rawValue: 1 << 5)
    /// Remarks of readers.
    static let comment = HTMLHints(rawValue: 1 << 6)
    /// What its author wrote, by schema.org.
    static let post = HTMLHints(rawValue: 1 << 7)
    /// Not the page's own text by its role.
    static let boilerplateRole = HTMLHints(rawValue: 1 << 8)
    /// The page's text by its role.
    static let mainRole = HTMLHints(rawValue: 1 << 9)
    /// What a tab shows, by its role.
    static let tabPanel = HTMLHints(rawValue: 1 << 10)

    /// Whether its names speak of navigation.
    var isNavigation: Bool { !isDisjoint(with: [.navigation, .tabs]) }
    /// A row of tabs, or those with what they show.
    var isTabs: Bool { contains(.tabs) && !contains(.navigation) }

    /// What the attributes of each node say.
    static func all(of tree: HTMLTree) -> [HTMLHints] {
        tree.nodes.map { node in
            guard let tag = node.tag else { return [] }
            var hints: HTMLHints = []
            for attribute in tree.attributes[node.range] {
                let value = tree.bytes[attribute.range]
                switch attribute.kind {
                case Int(CH_CLASS), Int(CH_ID): hints.formUnion(names(value))
                case Int(CH_ROLE): hints.formUnion(HTMLVocabulary.roles.hints(of: value))
                case Int(CH_ITEMPROP):
                    for property in value.split(separator: 0x20) {
                        hints.formUnion(HTMLVocabulary.properties.hints(of: property))
                    }
                // An element of the page's own making says by its name what it is.
                case Int(CH_NAME) where tag == .other && value.contains(0x2D): hints.formUnion(names(value))
                default: break
                }
            }
            return hints
        }
    }

    /// What a list of names says by its words and by names as a whole.
    ///
    /// Words end at anything but letters and digits, and before a capital behind a small letter: `siteNav-links` has
    /// `site`, `nav` and `links`. Bytes beyond ASCII count as letters.
    static func names(_ names: some Sequence<UInt8>) -> HTMLHints {
        var hints: HTMLHints = []
        var word = HTMLVocabulary.Hash()
        var name = HTMLVocabulary.Hash()
        var wasLower = false
        for byte in names {
            let isUpper = byte &- 0x41 < 26
            let lower = isUpper ? byte | 0x20 : byte
            let isLower = byte &- 0x61 < 26
            let isInWord = isUpper || isLower || byte &- 0x30 < 10 || byte >= 0x80
            if !isInWord || (wasLower && isUpper) {
                hints.formUnion(HTMLVocabulary.words.hints(of: word))
                word = HTMLVocabulary.Hash()
            }
            if isInWord { word.add(lower) }
            if byte > 0x20 {
                name.add(lower)
            } else {
                hints.formUnion(HTMLVocabulary.names.hints(of: name))
                name = HTMLVocabulary.Hash()
            }
            wasLower = isLower
        }
        hints.formUnion(HTMLVocabulary.words.hints(of: word))
        return hints.union(HTMLVocabulary.names.hints(of: name))
    }
}
