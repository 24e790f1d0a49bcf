// What a page says about itself: title, author, date, language, canonical address.

import CHTML

/// Metadata of a page.
struct HTMLMetadata {
    private(set) var title: String?
    private(set) var values: [String: String] = [:]

    init(_ tree: HTMLTree) {
        var pageTitle: String?
        var named: [String: String] = [:]
        var headings: [String] = []
        for index in tree.nodes.indices {
            switch tree.nodes[index].tag {
            case .html:
                if let language = tree.attribute(Int(CH_LANG), of: index), !language.isEmpty {
                    values["language"] = language
                }
            case .title where pageTitle == nil:
                pageTitle = tree.text(of: index)
            case .h1:
                headings.append(tree.text(of: index))
            case .meta:
                guard let content = tree.attribute(Int(CH_CONTENT), of: index), !content.isEmpty else { continue }
                for kind in [Int(CH_META_NAME), Int(CH_PROPERTY), Int(CH_ITEMPROP)] {
                    if let name = tree.attribute(kind, of: index)?.lowercased(), named[name] == nil {
                        named[name] = content.trimmed
                    }
                }
            case .link:
                if tree.attribute(Int(CH_REL), of: index)?.lowercased() == "canonical",
                    let address = tree.attribute(Int(CH_HREF), of: index)
                {
                    named["canonical"] = address
                }
            case .time where named["time"] == nil:
                if let date = tree.attribute(Int(CH_DATETIME), of: index) { named["time"] = date }
            default: break
            }
        }
        func first(_ names: [String]) -> String? {
            names.lazy.compactMap { named[$0] }.first { !$0.isEmpty }
        }
        title = first(["og:title", "citation_title", "dc.title", "twitter:title"]) ?? pageTitle ?? headings.first
        if title?.isEmpty ?? false { title = headings.first }
        values["author"] = first(["author", "article:author", "citation_author", "dc.creator", "parsely-author"])
        values["date"] = first([
            "article:published_time", "citation_publication_date", "citation_date", "dc.date", "dcterms.date",
            "dc.date.issued", "date", "datepublished", "pubdate", "time", "article:modified_time",
        ])
        values["canonical"] = first(["canonical", "og:url"])
        values["description"] = first(["description", "og:description"])
        if values["language"] == nil { values["language"] = first(["og:locale", "dc.language", "language"]) }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        var slice = self[...]
        while slice.first?.isWhitespace ?? false { slice.removeFirst() }
        while slice.last?.isWhitespace ?? false { slice.removeLast() }
        return String(slice)
    }
}
