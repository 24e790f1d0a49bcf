// Title, author, date and language from the Dublin Core elements that office documents and e-books share.

import Documents

/// Metadata of a document.
struct OfficeMetadata {
    private(set) var title: String?
    private(set) var values: [String: String] = [:]

    /// Nothing known.
    init() {}

    /// Reads the elements of a part; the first of each kind counts, but all authors do.
    init(_ xml: XMLEvents) {
        var open: (key: String, text: String)?
        for index in xml.indices {
            switch xml[index] {
            case .open(let name, _): if let key = Self.keys[name] { open = (key, "") }
            case .text(let range, _): open?.text += xml.text(range)
            case .close(let name):
                guard let (key, text) = open, Self.keys[name] == key else { continue }
                open = nil
                let value = Normalizer.folded(text)
                guard !value.isEmpty else { continue }
                switch key {
                case "title": title = title ?? value
                case "author": values[key] = values[key].map { $0 + ", " + value } ?? value
                default: values[key] = values[key] ?? value
                }
            }
        }
    }

    private static let keys = [
        "dc:title": "title", "dc:creator": "author", "dc:language": "language", "dc:date": "date",
        "dcterms:created": "date", "dc:description": "description", "dc:publisher": "publisher",
        "dc:identifier": "identifier",
    ]

    /// The language, where another part names it.
    mutating func setLanguage(_ language: String?) {
        if values["language"] == nil { values["language"] = language }
    }
}
