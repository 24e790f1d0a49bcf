// Which part of a page a part of the text covers, from lines and words packed as a worker packs them.

import Documents
import Testing

@Suite struct PlaceTests {
    /// Two lines of a paragraph whose raw text is `The Supplier may termi-\nnate this Agreement.`, joined in the text.
    static let document: Document = {
        let first = Box(x0: 72, y0: 100, x1: 192, y1: 112)
        let second = Box(x0: 72, y0: 114, x1: 160, y1: 126)
        let lines = [
            ExtractedLine(
                text: "The Supplier may termi-", box: first,
                words: words([(3, 72, 90), (12, 93, 135), (16, 138, 155), (23, 158, 192)], first)),
            ExtractedLine(
                text: "nate this Agreement.", box: second,
                words: words([(4, 72, 90), (9, 93, 110), (20, 113, 160)], second)),
        ]
        let text = "The Supplier may terminate this Agreement."
        var offsets = OffsetMap()
        offsets.append(text: 0, raw: 500, count: 22)
        offsets.append(text: 22, raw: 524, count: 20)
        return Document(
            sha256: "", path: "a.pdf", format: .pdf, text: text, pages: [],
            elements: [Element(kind: .paragraph, textRange: 0..<42, places: LinePlaces(lines, lead: 0))],
            offsets: offsets)
    }()

    private static func words(
        _ words: [(end: Int, lower: Double, upper: Double)], _ box: Box, isVertical: Bool = false
    ) -> WordPlaces {
        WordPlaces(
            words.map { WordPlaces.Word(end: $0.end, lower: $0.lower, upper: $0.upper) }, in: box,
            isVertical: isVertical)
    }

    private func edges(of quote: String) throws -> [[Double]] {
        let text = Self.document.text
        let range = try #require(text.firstRange(of: quote))
        let lower = text.utf8.distance(from: text.startIndex, to: range.lowerBound)
        return Self.document.boxes(of: lower..<lower + quote.utf8.count).map { [$0.x0, $0.x1] }
    }

    @Test(arguments: [
        ("Supplier may", [[93.0, 155.0]]), ("Supplier may ", [[93, 155]]), ("The", [[72, 90]]),
        (" terminate", [[158, 192], [72, 90]]), ("this", [[93, 110]]), ("this Agreement.", [[93, 160]]),
        ("may terminate this", [[138, 192], [72, 110]]),
        ("The Supplier may terminate this Agreement.", [[72, 192], [72, 160]]),
        // Words are not cut; a quote without their last sign has them whole.
        ("this Agreement", [[93, 160]]), ("upplie", [[93, 135]]),
    ]) func aQuoteHasTheBoxesOfItsWords(quote: String, expected: [[Double]]) throws {
        #expect(try edges(of: quote) == expected)
    }

    @Test func heightsAreTheLines() {
        #expect(Self.document.boxes(of: 4..<12).map { [$0.y0, $0.y1] } == [[100, 112]])
        #expect(Self.document.elements[0].boxes.map(\.y1) == [112, 126])
        #expect(Self.document.boxes(of: 3..<4).isEmpty)
    }

    private func line(_ text: String, _ box: Box, _ words: WordPlaces) throws -> LinePlaces.Line {
        try #require(LinePlaces([ExtractedLine(text: text, box: box, words: words)], lead: 0).unpacked.lines.first)
    }

    /// Right to left, with a number in between that runs from the left: two words apart on the page are two boxes.
    @Test func rightToLeftLines() throws {
        let box = Box(x0: 0, y0: 0, x1: 100, y1: 10)
        let places = Self.words([(4, 80, 100), (9, 60, 77), (12, 30, 37), (15, 40, 47), (20, 0, 27)], box)
        let line = try line("אב גד 12 34 הוז", box, places)
        func edges(_ range: Range<Int>) -> [[Double]] { line.boxes(covering: range).map { [$0.x0, $0.x1] } }
        #expect(edges(0..<4) == [[80, 100]])
        #expect(edges(5..<9) == [[60, 77]])
        #expect(edges(5..<12) == [[30, 37], [60, 77]])
        #expect(edges(5..<15) == [[30, 77]])
        #expect(edges(0..<20) == [[0, 100]])
    }

    @Test func linesUpThePageAreCutAlongIt() throws {
        let box = Box(x0: 10, y0: 100, x1: 22, y1: 200)
        let line = try line("one two", box, Self.words([(3, 150, 200), (7, 100, 145)], box, isVertical: true))
        #expect(line.boxes(covering: 4..<7) == [Box(x0: 10, y0: 100, x1: 22, y1: 145)])
    }

    /// Scripts without spaces: a part of a long word is told by its share.
    @Test func longWordsAreCutByTheirShare() throws {
        let box = Box(x0: 100, y0: 0, x1: 200, y1: 10)
        let text = "日本語の文書を読む人"
        let line = try line(text, box, Self.words([(text.utf8.count, 100, 200)], box))
        #expect(line.boxes(covering: 9..<18).map { [$0.x0, $0.x1] } == [[130, 160]])
        #expect(line.boxes(covering: 0..<30) == [box])
    }

    /// The space before a word is none of its letters.
    @Test func wholeLongWordsAreNotCut() throws {
        let box = Box(x0: 100, y0: 0, x1: 300, y1: 10)
        let places = Self.words([(2, 100, 110), (22, 120, 220), (25, 230, 300)], box)
        let line = try line("so Verbesserungswunsch.", box, places)
        #expect(line.boxes(covering: 3..<22).map { [$0.x0, $0.x1] } == [[120, 220]])
        #expect(line.boxes(covering: 3..<21).map { [$0.x0, $0.x1] } == [[120, 220]])
        #expect(line.boxes(covering: 12..<22).map { [$0.x0, $0.x1] } == [[170, 220]])
    }

    @Test func linesWithoutWordsAreWhole() throws {
        let box = Box(x0: 1, y0: 2, x1: 3, y1: 4)
        #expect(try line("some words", box, WordPlaces()).boxes(covering: 5..<10) == [box])
        let boxes = [box, Box(x0: -5.25, y0: 1e9, x1: 7, y1: 0)]
        #expect(LinePlaces(boxes: boxes).boxes == boxes)
        #expect(LinePlaces([ExtractedLine(text: "x")], lead: 3).bytes.isEmpty)
    }

    /// A line takes at most four bytes a word, and no number breaks it.
    @Test func packedWordsAreSmallAndSurviveAnything() {
        let box = Box(x0: 72, y0: 0, x1: 540, y1: 12)
        let many = (0..<15).map { index -> (end: Int, lower: Double, upper: Double) in
            let lower = 72 + 31.2 * Double(index)
            return (6 * index + 5, lower, lower + 28)
        }
        let places = Self.words(many, box)
        #expect(places.bytes.count <= 15 * 4 + 1)
        for (word, given) in zip(places.words(in: box), many) {
            #expect(word.end == given.end)
            #expect(abs(word.lower - given.lower) < 0.101 && abs(word.upper - given.upper) < 0.101)
        }
        let wild = [Double.nan, .infinity, -.infinity, 1e300, -1e300, 0]
        let odd = Self.words(wild.enumerated().map { (end: $0.offset * 9, lower: $0.element, upper: -$0.element) }, box)
        #expect(odd.words(in: box).count == 6)
        for length in 0...places.bytes.count {
            let cut = WordPlaces(packed: Array(places.bytes.prefix(length)))
            #expect(cut.words(in: box).count <= 15)
        }
        // Knuth's linear congruential generator (MMIX): the same bytes in every run.
        var state: UInt64 = 1
        func random(below limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        for _ in 0..<2000 {
            let bytes = (0..<random(below: 60)).map { _ in UInt8(random(below: 256)) }
            let (_, lines) = LinePlaces(packed: bytes).unpacked
            for line in lines {
                _ = line.boxes(covering: line.range.lowerBound..<line.range.upperBound - line.range.count / 2)
            }
            _ = WordPlaces(packed: bytes).words(in: box)
        }
    }
}
