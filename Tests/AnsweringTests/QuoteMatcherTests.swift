import Answering
import Documents
import Testing

/// A text document with one page per element of `pages`.
func textDocument(_ path: String, pages: [String]) -> Document {
    var text = ""
    var list: [DocumentPage] = []
    var elements: [Element] = []
    for (index, page) in pages.enumerated() {
        let start = text.utf8.count
        text += page
        let end = text.utf8.count
        text += "\n"
        list.append(DocumentPage(number: index + 1, textRange: start..<text.utf8.count))
        elements.append(
            Element(
                kind: .paragraph, textRange: start..<end, page: index + 1,
                places: LinePlaces(boxes: [Box(x0: 0, y0: 0, x1: 100, y1: 10), Box(x0: 0, y0: 10, x1: 100, y1: 20)])))
    }
    return Document(
        sha256: String(repeating: "a", count: 64), path: path, format: .text, text: text, pages: list,
        elements: elements, offsets: OffsetMap(identity: text.utf8.count))
}

private let source = textDocument(
    "msa.pdf",
    pages: [
        "The Supplier may termi-\nnate this Agreement on thirty (30) days’ written notice — no sooner — if any "
            + "payment is late. The “effective date” is 3–4 May.",
        "A ﬁnal ofﬁce\u{AD}hour rule: well-known café hours. Liability is limited to 1,500 EUR; see 130 days.",
    ])

@Suite struct QuoteMatcherTests {
    @Test func exactQuotesAreFoundByteForByte() throws {
        let hit = try #require(QuoteMatcher(source).find("thirty (30) days’ written notice").first)
        #expect(hit.match == .exact)
        #expect(hit.page == 1)
        #expect(source.text(in: hit.textRange) == "thirty (30) days’ written notice")
    }

    @Test(arguments: [
        ("may terminate this Agreement on thirty (30) days' written notice", 1),
        ("may terminate\n  this agreement ON thirty", 1),
        ("written notice - no sooner - if any", 1),
        ("written notice—no sooner—if any payment", 1),
        ("The \"effective date\" is 3-4 May.", 1),
        ("The «effective date» is 3\u{2009}–\u{2009}4 May", 1),
        ("A final officehour rule", 2),
        ("well\u{2011}known cafe\u{301} hours", 2),
        ("well-\nknown café", 2),
        ("payment is late,", 1),
        ("The Supplier may terminate … if any payment is late", 1),
        ("Liability is limited […] see 130 days", 2),
    ]) func variationsOfReadersAreFound(quote: String, page: Int) throws {
        let hit = try #require(QuoteMatcher(source).find(quote).first, "\(quote)")
        #expect(hit.match == .normalized)
        #expect(hit.page == page)
    }

    @Test(arguments: [
        "may terminate this Agreement on sixty (30) days' written notice",
        "30 days", "500 EUR", "Liability is unlimited", "payment is late if any", "thirty days' written notice",
        "limited to 1,500 USD", "is 3-5 May", "", "…", " \n", "?!", "if any payment is late … The Supplier may",
        "is 34 May", "cafe hours",
    ]) func alteredQuotesAreNotFound(quote: String) {
        #expect(QuoteMatcher(source).find(quote).isEmpty, "\(quote)")
    }

    @Test func rangesLeadBackToTheWordsOfTheSource() throws {
        let hit = try #require(QuoteMatcher(source).find("may terminate this Agreement").first)
        #expect(source.text(in: hit.textRange) == "may termi-\nnate this Agreement")
        #expect(hit.text == "may termi-\nnate this Agreement")
    }

    @Test func allPlacesAreListed() {
        let document = textDocument("a", pages: ["The rule stands. It is so.", "Again: The rule stands."])
        #expect(QuoteMatcher(document).find("the rule stands").map(\.page) == [1, 2])
    }

    @Test func theNearestPassageComesWithItsLikeness() throws {
        let document = textDocument("a", pages: ["Nothing here.", "We say that liability is limited by law.", "End."])
        let nearest = try #require(QuoteMatcher(document).nearest("liability is unlimited"))
        #expect(nearest.text == "liability is limited")
        #expect(nearest.page == 2)
        #expect(Int((nearest.similarity * 100).rounded()) == 91)
        #expect(QuoteMatcher(document).nearest("Zxqj Vvk") == nil)
    }

    /// Text that a quadratic search would take minutes for.
    @Test func hostileRepetitionTakesLinearTime() {
        let document = textDocument("a", pages: [String(repeating: "a ", count: 100_000)])
        let matcher = QuoteMatcher(document)
        let clock = ContinuousClock()
        let time = clock.measure {
            #expect(matcher.find(String(repeating: "a ", count: 20_000) + "b").isEmpty)
            _ = matcher.nearest(String(repeating: "a ", count: 20_000) + "b")
        }
        #expect(time < .seconds(60))
    }

    @Test(arguments: 0..<40) func aCopyOfAnyStretchIsFoundThere(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        let pieces = ["word", "fi", "ﬁ", "-", "–", "\n", " ", "’", "é", "e\u{301}", "\u{AD}", "文", "12", "“", "."]
        let text = (0..<200).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
        let document = textDocument("a", pages: [text])
        let scalars = Array(text.unicodeScalars)
        let start = Int(random.next() % 150)
        var quote = String.UnicodeScalarView()
        quote.append(contentsOf: scalars[start..<start + 40])
        let wanted = String(quote)
        let offset = scalars[..<start].reduce(0) { $0 + String($1).utf8.count }
        let hits = QuoteMatcher(document).find(wanted)
        // A stretch that is cut out of the middle of a word is no quote.
        for hit in hits { #expect(QuoteMatcher.check(wanted, against: hit.text) != .failed) }
        if !hits.isEmpty, hits[0].match == .exact {
            #expect(hits.contains { $0.textRange.lowerBound == offset })
        }
    }
}

/// SplitMix64, so that a failing case can be repeated from its seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
