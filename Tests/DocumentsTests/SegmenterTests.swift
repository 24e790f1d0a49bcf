// Segments hold all text once, in order, within pages.

import Testing

@testable import Documents

private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {  // splitmix64
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

private func document(_ elements: [(Element.Kind, Int, String)]) -> Document {
    var text = ""
    var list: [Element] = []
    for (kind, page, words) in elements {
        if !text.isEmpty { text += "\n" }
        let start = text.utf8.count
        text += words
        list.append(Element(kind: kind, textRange: start..<text.utf8.count, page: page))
    }
    return Document(
        sha256: "", path: "", format: .pdf, text: text, pages: [], elements: list,
        offsets: OffsetMap(identity: text.utf8.count))
}

@Suite struct SegmenterTests {
    @Test func anEmptyDocumentHasNoSegments() {
        #expect(Segmenter.segments(of: document([])).isEmpty)
    }

    @Test func headingsOpenSegments() {
        let long = String(repeating: "Some words make a sentence. ", count: 15)
        let document = document([
            (.heading(level: 1), 1, "Title"), (.heading(level: 2), 1, "Part one"), (.paragraph, 1, long),
            (.paragraph, 1, "Short."), (.listItem, 1, "Item."), (.pageFooter, 1, "17"),
            (.pageHeader, 2, "Running head"),
            (.paragraph, 2, "Next page."), (.heading(level: 2), 2, "Part two"), (.paragraph, 2, "End."),
        ])
        let segments = Segmenter.segments(of: document)
        #expect(
            segments.map { document.text(in: $0.textRange) } == [
                "Title\nPart one\n" + long + "\nShort.\nItem.", "Next page.", "Part two\nEnd.",
            ])
        #expect(segments.map(\.heading) == ["Part one", "Part one", "Part two"])
        #expect(segments.map(\.page) == [1, 2, 2])
    }

    @Test func longTextIsCutBehindSentences() {
        let sentence = "This sentence has a number of words in it, and it says nothing at all. "
        let document = document([(.paragraph, 1, String(repeating: sentence, count: 40))])
        let segments = Segmenter.segments(of: document)
        #expect(segments.count >= 3)
        for segment in segments {
            #expect(segment.textRange.count <= Segmenter.longest + Segmenter.shortest)
            #expect(document.text(in: segment.textRange).hasSuffix("all. "))
        }
    }

    @Test func textWithoutSpacesIsCutAtCharacters() {
        let document = document([(.paragraph, 1, String(repeating: "漢字", count: 1000))])
        for segment in Segmenter.segments(of: document) {
            #expect(!document.text(in: segment.textRange).unicodeScalars.contains("\u{FFFD}"))
        }
    }

    @Test(arguments: 0..<50) func allTextIsHeldOnce(_ seed: UInt64) {
        var random = Generator(state: seed)
        let kinds: [Element.Kind] = [
            .heading(level: 1), .heading(level: 2), .paragraph, .paragraph, .listItem, .tableRow, .code, .quote,
            .pageHeader, .pageFooter, .footnote,
        ]
        var page = 1
        let words = ["word ", "Sentence. ", "漢字。", "a", "\n", "é", "😀 ", "? "]
        let elements = (0..<60).map { _ in
            if Int.random(in: 0..<6, using: &random) == 0 { page += 1 }
            let count = [1, 3, 20, 200, 900][Int.random(in: 0..<5, using: &random)]
            let text = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &random)] }.joined()
            return (kinds[Int.random(in: 0..<kinds.count, using: &random)], page, text)
        }
        let document = document(elements)
        let segments = Segmenter.segments(of: document)
        #expect(segments == Segmenter.segments(of: document))
        #expect(segments.map(\.index) == Array(segments.indices))
        // Each byte of body text is in exactly one segment, others in none but the line ends between elements.
        var held = [Int](repeating: 0, count: document.text.utf8.count)
        for segment in segments { for place in segment.textRange { held[place] += 1 } }
        for element in document.elements {
            let isBody = element.kind != .pageHeader && element.kind != .pageFooter
            for place in element.textRange { #expect(held[place] == (isBody ? 1 : 0), "seed \(seed)") }
            for segment in segments where segment.textRange.overlaps(element.textRange) {
                #expect(segment.page == element.page, "seed \(seed)")
            }
        }
        #expect(held.allSatisfy { $0 <= 1 })
        for segment in segments {
            #expect(String(validating: Array(document.text.utf8)[segment.textRange], as: UTF8.self) != nil)
            #expect(segment.textRange.count <= 2 * Segmenter.longest, "seed \(seed)")
        }
    }
}

@Suite struct OffsetMapTests {
    @Test func replacementsAreCoveredWhole() {
        // raw: `a&amp;bXc`, text: `a&bc`
        var map = OffsetMap()
        map.append(text: 0, raw: 0, count: 1)
        map.append(text: 1, raw: 1, count: 0)
        map.append(text: 2, raw: 6, count: 0)
        map.append(text: 2, raw: 6, count: 1)
        map.append(text: 3, raw: 8, count: 1)
        #expect(map.raw(1..<2) == 1..<6)
        #expect(map.raw(0..<3) == 0..<7)
        #expect(map.raw(2..<4) == 6..<9)
        #expect(map.raw(3) == 8)
        #expect(map.runs.count == 4)
    }

    @Test func mapsFollowEachOther() {
        var first = OffsetMap()  // text `bcd` from middle `abcd`
        first.append(text: 0, raw: 1, count: 3)
        var second = OffsetMap()  // middle `abcd` from raw `a--bc++d`
        second.append(text: 0, raw: 0, count: 1)
        second.append(text: 1, raw: 3, count: 2)
        second.append(text: 3, raw: 7, count: 1)
        let map = first.followed(by: second)
        #expect((0..<3).map { map.raw($0) } == [3, 4, 7])
        #expect(map.raw(0..<3) == 3..<8)
    }

    @Test func cuttingBackForgets() {
        var map = OffsetMap()
        map.append(text: 0, raw: 0, count: 5)
        map.truncate(to: 4)
        map.append(text: 4, raw: 6, count: 2)
        #expect(map.raw(0..<6) == 0..<8)
        #expect(map.raw(4) == 6)
    }
}
