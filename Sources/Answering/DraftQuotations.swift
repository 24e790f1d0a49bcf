/// Finds quotations in a draft, with the page or document named beside each.
///
/// A quotation is text between paired quotation marks of any of the usual kinds, or a block quote. Single words in
/// quotation marks are mentions more often than quotes and are passed over.
enum DraftQuotations {
    /// A quotation as the draft has it.
    struct Quotation: Equatable {
        /// 1-based.
        var line: Int
        var quote: String
        var cited: VerifiedQuotation.Cited?
    }

    /// A stretch of text with the line it begins on.
    struct Line {
        var number: Int
        var text: String
    }

    /// The quotations of Markdown or plain text. Blocks of code are passed over.
    static func inMarkdown(_ draft: String) -> [Quotation] {
        var found: [Quotation] = []
        var paragraph: [Line] = []
        var block: [Line] = []
        var fenced = false
        func flush() {
            found += inParagraph(paragraph)
            paragraph = []
            found += inBlock(block)
            block = []
        }
        for (index, raw) in draft.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let text = raw.drop { $0 == " " || $0 == "\t" }
            if text.hasPrefix("```") || text.hasPrefix("~~~") {
                flush()
                fenced.toggle()
            } else if fenced {
                continue
            } else if text.hasPrefix(">") {
                found += inParagraph(paragraph)
                paragraph = []
                block.append(Line(number: index + 1, text: String(text.drop { $0 == ">" || $0 == " " })))
            } else if text.allSatisfy(\.isWhitespace) {
                flush()
            } else {
                if !block.isEmpty { flush() }
                // A list item or a numbered note begins a paragraph of its own.
                if startsItem(text) { flush() }
                paragraph.append(Line(number: index + 1, text: String(text)))
            }
        }
        flush()
        return found
    }

    private static func startsItem(_ text: Substring) -> Bool {
        if text.hasPrefix("- ") || text.hasPrefix("* ") || text.hasPrefix("#") || text.hasPrefix("|") { return true }
        guard text.hasPrefix("[") else { return false }
        return text.dropFirst().first?.isNumber ?? false
    }

    /// Block quotes: the whole is one quotation, less the line that says whence it is.
    private static func inBlock(_ lines: [Line]) -> [Quotation] {
        var body: [Line] = []
        var source = ""
        for line in lines {
            if line.text.hasPrefix("—") || line.text.hasPrefix("--") || line.text.hasPrefix("–") {
                source += line.text
            } else {
                body.append(line)
            }
        }
        guard let first = body.first else { return [] }
        let text = body.map(\.text).joined(separator: "\n")
        // A block that only holds marked quotations is read as these.
        let inner = inParagraph(body)
        if inner.count == 1, inner[0].quote.utf8.count * 10 >= text.utf8.count * 6 { return inner }
        let quote = plain(text)
        guard words(quote) >= 2 else { return [] }
        return [Quotation(line: first.number, quote: quote, cited: DraftReference.nearest(before: "", after: source))]
    }

    /// Pairs of marks: what opens, what closes it.
    private static let pairs: [Character: [Character]] = [
        "“": ["”"], "„": ["“", "”"], "«": ["»"], "»": ["«"], "\"": ["\""], "‟": ["”"], "「": ["」"],
    ]

    /// The marked quotations of a paragraph.
    static func inParagraph(_ lines: [Line]) -> [Quotation] {
        let text = Array(lines.map(\.text).joined(separator: "\n"))
        var lineStarts: [(offset: Int, number: Int)] = []
        var offset = 0
        for line in lines {
            lineStarts.append((offset, line.number))
            offset += line.text.count + 1
        }
        var spans: [(range: Range<Int>, inner: Range<Int>)] = []
        var index = 0
        while index < text.count {
            if let closing = pairs[text[index]], opens(text, index),
                let end = text[(index + 1)...].firstIndex(where: { closing.contains($0) })
            {
                spans.append((index..<end + 1, index + 1..<end))
                index = end + 1
            } else {
                index += 1
            }
        }
        return spans.enumerated().compactMap { position, span in
            let quote = plain(String(text[span.inner]))
            guard words(quote) >= 2 else { return nil }
            let from = position > 0 ? spans[position - 1].range.upperBound : 0
            let to = position + 1 < spans.count ? spans[position + 1].range.lowerBound : text.count
            let line = lineStarts.last { $0.offset <= span.range.lowerBound }?.number ?? 1
            return Quotation(
                line: line, quote: quote,
                cited: DraftReference.nearest(
                    before: String(text[from..<span.range.lowerBound]), after: String(text[span.range.upperBound..<to]))
            )
        }
    }

    /// A straight mark behind a digit is an inch; one behind a letter closes.
    private static func opens(_ text: [Character], _ index: Int) -> Bool {
        guard text[index] == "\"", index > 0 else { return true }
        return !text[index - 1].isLetter && !text[index - 1].isNumber
    }

    /// Without the marks of Markdown for emphasis, code and links.
    private static func plain(_ text: String) -> String {
        SourceQuote.oneLine(text.filter { $0 != "*" && $0 != "`" && $0 != "\\" })
    }

    private static func words(_ text: String) -> Int {
        text.split(whereSeparator: \.isWhitespace).count { word in word.contains { $0.isLetter || $0.isNumber } }
            + (text.contains { $0.unicodeScalars.contains { (0x3040...0x9FFF).contains($0.value) } } ? 1 : 0)
    }
}

/// A page or document named beside a quotation.
enum DraftReference {
    /// How many characters away a reference may stand.
    private static let reach = 120

    /// The reference nearest to a quotation; behind it where both sides have one equally near.
    static func nearest(before: String, after: String) -> VerifiedQuotation.Cited? {
        let behind = find(in: String(after.prefix(reach)))
        let ahead = find(in: String(before.suffix(reach)), last: true)
        switch (behind, ahead) {
        case (let one?, let other?):
            // Both sides name something: what belongs to the next quotation is farther away.
            return one.distance <= other.distance ? one.cited : other.cited
        case (let one?, nil): return one.cited
        case (nil, let other?): return other.cited
        case (nil, nil): return nil
        }
    }

    private static func find(in text: String, last: Bool = false) -> (cited: VerifiedQuotation.Cited, distance: Int)? {
        let words = text.split { $0.isWhitespace }.map(String.init)
        var page: (value: String, word: Int)?
        var document: (value: String, word: Int)?
        for (index, word) in words.enumerated() {
            let bare = trimmed(word)
            if let number = pageNumber(bare, next: index + 1 < words.count ? words[index + 1] : nil),
                last || page == nil
            {
                page = (number, index)
            } else if isFileName(bare), last || document == nil {
                document = (bare, index)
            }
        }
        guard page != nil || document != nil else { return nil }
        let places = [page?.word, document?.word].compactMap { $0 }
        let distance = last ? words.count - 1 - (places.max() ?? 0) : places.min() ?? 0
        return (VerifiedQuotation.Cited(doc: document?.value, page: page?.value), distance)
    }

    private static func trimmed(_ word: String) -> String {
        let marks = Set<Character>("()[]{},;:*_`\"'”“")
        var bare = Substring(word)
        while let first = bare.first, marks.contains(first) { bare.removeFirst() }
        while let end = bare.last, marks.contains(end) || end == "." { bare.removeLast() }
        return String(bare)
    }

    private static let pageWords: Set<String> = ["p", "pp", "page", "pages", "pg", "s", "seite", "seiten"]

    /// "p. 14", "pp. 14-15", "page iv", "p.14".
    private static func pageNumber(_ word: String, next: String?) -> String? {
        let lower = word.lowercased()
        if pageWords.contains(lower), let next {
            let number = trimmed(next)
            if isPage(number) { return number }
        }
        for prefix in ["pp.", "p.", "s."] where lower.hasPrefix(prefix) {
            let number = String(word.dropFirst(prefix.count))
            if isPage(number) { return number }
        }
        return nil
    }

    private static func isPage(_ text: String) -> Bool {
        guard let first = text.first, text.count <= 12 else { return false }
        if first.isNumber { return text.allSatisfy { $0.isNumber || $0 == "-" || $0 == "–" || $0.isLetter } }
        let roman = text.lowercased().allSatisfy { "ivxlc".contains($0) }
        return roman || (first.isLetter && text.contains("-") && (text.last?.isNumber ?? false))
    }

    private static func isFileName(_ word: String) -> Bool {
        let lower = word.lowercased()
        return [".pdf", ".html", ".htm", ".md", ".txt", ".markdown"].contains {
            lower.hasSuffix($0) && lower.utf8.count > $0.utf8.count
        }
    }
}
