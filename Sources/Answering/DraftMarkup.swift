/// Brings HTML drafts into the form that `DraftQuotations` reads, line numbers kept.
///
/// Not a parser of HTML: tags go, entities become characters, `q` becomes quotation marks, and a `blockquote` becomes
/// lines that begin with ">".
enum DraftMarkup {
    /// The same lines without tags.
    static func plain(_ html: String) -> String {
        var out = ""
        var rest = Substring(html)
        var quoted = 0
        var skipping: String?
        while let next = rest.first {
            if next == "<", let end = rest.firstIndex(of: ">") {
                let tag = rest[rest.index(after: rest.startIndex)..<end]
                let closing = tag.hasPrefix("/")
                let name = String(tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }).lowercased()
                // Line breaks inside of a tag are lines of the draft too.
                let breaks = String(tag.filter(\.isNewline))
                rest = rest[rest.index(after: end)...]
                if let open = skipping {
                    if closing, name == open { skipping = nil }
                    out += breaks
                    continue
                }
                switch name {
                case "script", "style": if !closing, !tag.hasSuffix("/") { skipping = name }
                case "q": out += closing ? "”" : "“"
                case "blockquote":
                    quoted += closing ? -1 : 1
                    quoted = max(quoted, 0)
                    out += closing ? Self.paragraph : Self.quote
                case "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "td", "th", "dd", "dt", "section", "cite",
                    "footer":
                    // Inside of a block quote only the line that says whence it is stands apart.
                    let isSource = name == "cite" || name == "footer"
                    if quoted > 0 {
                        out += isSource && !closing ? Self.attribution : " "
                    } else {
                        out += isSource ? " " : Self.paragraph
                    }
                case "br": out += " "
                default: break
                }
                out += breaks
            } else if skipping != nil {
                if next.isNewline { out.append(next) }
                rest = rest.dropFirst()
            } else if next == "&", let end = rest.prefix(12).firstIndex(of: ";") {
                out += entity(String(rest[rest.index(after: rest.startIndex)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                out.append(next)
                rest = rest.dropFirst()
            }
        }
        return out
    }

    /// Private-use marks for borders that are no line breaks, so that lines keep their numbers.
    static let paragraph = "\u{F8D2}"
    static let quote = "\u{F8D4}"
    static let attribution = "\u{F8D3}"

    /// The quotations of HTML.
    static func quotations(_ html: String) -> [DraftQuotations.Quotation] {
        var found: [DraftQuotations.Quotation] = []
        var line = 1
        var paragraph: [DraftQuotations.Line] = []
        var current = ""
        var inQuote = false
        func endLine() {
            if !current.allSatisfy(\.isWhitespace) { paragraph.append(.init(number: line, text: current)) }
            current = ""
        }
        func flush() {
            endLine()
            if inQuote {
                let text = paragraph.map { "> " + $0.text.replacing(attribution, with: "\n— ") }
                let lines = text.joined(separator: "\n").replacing("\n— ", with: "\n> — ")
                for var quotation in DraftQuotations.inMarkdown(lines) {
                    quotation.line = paragraph.first?.number ?? line
                    found.append(quotation)
                }
            } else {
                found += DraftQuotations.inParagraph(paragraph)
            }
            paragraph = []
        }
        for character in plain(html) {
            switch String(character) {
            case Self.paragraph:
                // Paragraphs of one block quote belong together as long as it is open; the end of it closes both.
                flush()
                inQuote = false
            case Self.quote:
                flush()
                inQuote = true
            default:
                if character.isNewline {
                    endLine()
                    line += 1
                } else {
                    current.append(character)
                }
            }
        }
        flush()
        return found
    }

    private static func entity(_ name: String) -> String {
        let named = [
            "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "ldquo": "“", "rdquo": "”",
            "laquo": "«", "raquo": "»", "bdquo": "„", "lsquo": "‘", "rsquo": "’", "mdash": "—", "ndash": "–",
            "hellip": "…", "shy": "\u{AD}",
        ]
        if let known = named[name] { return known }
        let value: UInt32? =
            name.hasPrefix("#x") || name.hasPrefix("#X")
            ? UInt32(name.dropFirst(2), radix: 16)
            : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
        guard let value, let scalar = Unicode.Scalar(value) else { return "&" + name + ";" }
        return String(scalar)
    }
}
