// The words that hints are read from, found by their hash.
//
// Every element of a page asks several times, so there are no strings here: a hash is made while a name is read. That
// of another word may be the same; then a page's element counts as what that word says, which its author could have
// written at once.

/// Words and what they say.
struct HTMLVocabulary {
    /// FNV-1a of a word in small letters.
    struct Hash {
        private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func add(_ byte: UInt8) {
            value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }

    /// Open addressing, at most a quarter full; a slot without hints is free.
    private var slots: [(hash: UInt64, hints: HTMLHints)]

    private init(_ entries: [(HTMLHints, String)]) {
        let words = entries.flatMap { hints, list in list.split { $0 == " " || $0 == "\n" }.map { ($0, hints) } }
        var size = 8
        while size < words.count * 4 { size *= 2 }
        slots = Array(repeating: (0, []), count: size)
        for (word, hints) in words {
            let hash = Self.hash(word.utf8).value
            let slot = slot(of: hash)
            slots[slot] = (hash, slots[slot].hints.union(hints))
        }
    }

    /// What a word says, whatever the size of its letters.
    func hints(of word: some Sequence<UInt8>) -> HTMLHints { hints(of: Self.hash(word)) }

    /// What the word with a hash says.
    func hints(of hash: Hash) -> HTMLHints { slots[slot(of: hash.value)].hints }

    private static func hash(_ word: some Sequence<UInt8>) -> Hash {
        var hash = Hash()
        for byte in word { hash.add(byte &- 0x41 < 26 ? byte | 0x20 : byte) }
        return hash
    }

    private func slot(of hash: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & (slots.count - 1)
        while !slots[slot].hints.isEmpty, slots[slot].hash != hash { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    /// Words of classes, ids and custom elements.
    static let words = HTMLVocabulary([
        (
            .navigation,
            """
            nav navbar navigation navigator menu menubar submenu dropdown breadcrumb breadcrumbs sidebar sidenav topnav
            subnav navbox navheader navfooter footer foot masthead topbar toolbar pagination pager paginator prevnext
            skip skiplink skiplinks toc sitemap tablist hamburger
            """
        ),
        (.tabs, "tabs"),
        (
            .extra,
            """
            cookie cookies consent gdpr share sharing sharebar social related recommended recommendations recirc
            newsletter subscribe subscription promo promotion promoted ad ads advert adverts advertisement advertising
            sponsor sponsored login signup signin register modal popup lightbox feedback survey rating ratings vote
            voting votecell editsection headerlink noprint print catlinks banner announcement outbrain taboola disqus
            tooltip popover upsell cta linenos lineno gutter copybtn clipboard translations languages permalink backlink
            """
        ),
        (
            .admonition,
            """
            note warning tip admonition callout important info caution alert example hint notice danger footnote
            footnotes pullquote definition
            """
        ),
        (.lineNumber, "linenos lineno linenumber linenumbers gutter ln lnt lnum"),
        (.comment, "comment comments replies"),
    ])

    /// Classes and ids as a whole.
    static let names = HTMLVocabulary([
        (
            .screenReaders,
            """
            sr-only visually-hidden visuallyhidden screen-reader-text screen-reader-only u-visually-hidden
            screenreader-only usa-sr-only v-visible-sr show-for-sr offscreen element-invisible
            """
        ),
        (.lineNumber, "line-number line-numbers"),
    ])

    static let roles = HTMLVocabulary([
        (
            .boilerplateRole,
            """
            navigation banner contentinfo search complementary menu menubar toolbar dialog alertdialog tablist tooltip
            directory
            """
        ),
        (.mainRole, "main"),
        (.tabPanel, "tabpanel"),
    ])

    /// What an element is of the thing that it describes, by schema.org.
    static let properties = HTMLVocabulary([(.comment, "comment"), (.post, "text")])
}
