// Folding of text, and the way back.

import Documents
import Foundation
import Testing

@testable import Ingest

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

/// A PDF page of blocks of lines.
private func page(_ blocks: [[String]], kind: Element.Kind = .paragraph, number: Int = 1) -> ExtractedPage {
    ExtractedPage(
        number: number, blocks: blocks.map { ExtractedBlock(kind: kind, lines: $0.map { ExtractedLine(text: $0) }) })
}

private func normalize(_ pages: [ExtractedPage], _ format: DocumentFormat = .pdf) -> Document {
    let extracted = ExtractedDocument(extractor: "test", pageCount: pages.count, pages: pages)
    return Normalizer.document(extracted, sha256: "", path: "a.pdf", format: format).document
}

@Suite struct NormalizerTests {
    @Test(arguments: [
        ("a  b\u{A0}c\td", "a b c d"), ("soft\u{AD}hyphen", "softhyphen"), ("\u{FB01}nd o\u{FB03}ce", "find office"),
        ("e\u{301}", "é"), ("\u{1112}\u{1161}\u{11AB}", "한"), ("x\u{200B}y\u{FEFF}z\u{0}", "xyz"),
        ("\u{FEDF}\u{FE8E}", "لا"), ("½ x² ﬁ", "½ x² fi"), ("\u{E0041}hidden", "hidden"), ("\u{2126}", "Ω"),
        ("\u{AC00}\u{11A8}", "\u{AC01}"), ("q\u{307}\u{323}", "q\u{323}\u{307}"),
        ("می\u{200C}خواهم", "می\u{200C}خواهم"), ("la\n e\u{301}te\u{301} a\u{300}\to\u{300}", "la été à ò"),
    ])
    func charactersAreFolded(_ raw: String, _ folded: String) {
        #expect(Normalizer.folded(raw).unicodeScalars.elementsEqual(folded.unicodeScalars))
    }

    /// Against Foundation's normalization, on clusters of marks from many scripts. A trailing consonant behind a whole
    /// syllable is left out: Foundation does not compose it, the standard (3.12) does.
    @Test(arguments: 0..<20) func composesAsFoundationDoes(_ seed: UInt64) {
        var random = Generator(state: seed)
        let bases = Array("aeiounAEOUsczkαωοйеиगकতஅ한가\u{1100}\u{1112}はかウ".unicodeScalars)
        let marks = (Array(0x300...0x345) + [0x323, 0x327, 0x328, 0x3099, 0x309A, 0x93C, 0x9BE, 0xBBE, 0x1161])
            .compactMap { Unicode.Scalar(UInt32($0)) }.filter { $0.value != 0x34F }
        for _ in 0..<200 {
            var text = String.UnicodeScalarView()
            for place in 0..<Int.random(in: 1...3, using: &random) {
                if place > 0, Bool.random(using: &random) { text.append(" ") }
                text.append(bases[Int.random(in: 0..<bases.count, using: &random)])
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    text.append(marks[Int.random(in: 0..<marks.count, using: &random)])
                }
            }
            let expected = String(text).precomposedStringWithCanonicalMapping
            let got = Normalizer.folded(String(text))
            #expect(got.unicodeScalars.elementsEqual(expected.unicodeScalars), "seed \(seed): \(Array(text))")
        }
    }

    @Test func linesAreJoined() {
        let document = normalize([
            page([
                ["The exam-", "ple is a well-", "known one, and", "the Franco-", "German one of 1990-", "1995 too."],
                ["A well-known word."], ["日本語の", "文章です。"], ["soft\u{AD}", "ware"], ["a dash -", "and more"],
            ])
        ])
        #expect(
            document.elements.map { document.text(in: $0.textRange) } == [
                "The example is a well-known one, and the Franco-German one of 1990-1995 too.", "A well-known word.",
                "日本語の文章です。", "software", "a dash - and more",
            ])
    }

    @Test func codeKeepsItsLines() {
        let document = normalize([page([["  if a {", "\tb", "  }"]], kind: .code)])
        #expect(document.text == "  if a {\n\tb\n  }")
    }

    @Test func pagesHoldAllText() {
        let pages = [page([["one"], ["two"]], number: 1), page([], number: 2), page([["three"]], number: 3)]
        let document = normalize(pages)
        #expect(document.text == "one\ntwo\nthree")
        #expect(document.pages.map(\.textRange.count).reduce(0, +) == document.text.utf8.count)
        #expect(document.pages[1].textRange.isEmpty && document.pages[1].notes == [.empty])
        #expect(document.page(at: 9)?.number == 3)
        #expect(document.elements.map(\.page) == [1, 1, 3])
    }

    @Test func pagesAreCounted() {
        var scan = page([], number: 2)
        scan.notes = [.scan]
        var broken = page([], number: 3)
        broken.failure = ExtractionFailure(.malformed, "bad stream")
        let extracted = ExtractedDocument(
            extractor: "test", pageCount: 6, pages: [page([["text"]]), scan, broken, page([], number: 4)])
        let result = Normalizer.document(extracted, sha256: "", path: "a.pdf", format: .pdf)
        #expect(result.pages == PageCounts(read: 2, skipped: 3, failed: 1))
        #expect(result.document.notes.contains(.scan))
    }

    /// Random raw text: the map is monotone, covers the text, and equal runs are equal.
    @Test(arguments: 0..<30) func offsetsAreExact(_ seed: UInt64) {
        var random = Generator(state: seed)
        let alphabet = Array("aé한字 \n\t-\u{AD}\u{FB01}\u{301}\u{200B}\u{0}.Z9\u{1F600}".unicodeScalars)
        func word() -> String {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            return String(text)
        }
        let pages = (1...3).map { number in
            page((0..<4).map { _ in (0..<3).map { _ in word() } }, number: number)
        }
        let document = normalize(pages)
        let raw = Array(pages.map(\.rawText).joined(separator: "\u{C}").utf8)
        let text = Array(document.text.utf8)
        #expect(String(validating: text, as: UTF8.self) != nil)
        var last = 0
        for offset in text.indices {
            let place = document.offsets.raw(offset)
            #expect(place >= last && place <= raw.count, "seed \(seed)")
            last = place
        }
        for run in document.offsets.runs where run.count > 0 {
            for step in 0..<run.count {
                let (here, there) = (text[run.text + step], raw[run.raw + step])
                #expect(here == there || (here == 0x20 && (0x09...0x0D).contains(there)), "seed \(seed)")
            }
        }
        // Round trip: the raw range of an element folds to its text.
        for element in document.elements {
            let range = document.offsets.raw(element.textRange)
            let back = String(decoding: raw[range], as: UTF8.self)
            let again = normalize([
                page([back.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)])
            ])
            #expect(again.text == document.text(in: element.textRange), "seed \(seed)")
        }
    }
}
