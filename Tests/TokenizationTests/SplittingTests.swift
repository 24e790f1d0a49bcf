// Pretokens from bit masks against those found character by character; texts in blocks and parts against whole ones.

import CTextScan
import Foundation
import Testing

@testable import Tokenization

@Suite
struct SplittingTests {
    static let parts = [
        "a", "b", "T", "S", " ", "  ", "\n", "\r\n", "\t", "'", "'s", "'LL", "'re", "'t", "/", "//", ".", "1", "23",
        "é",
        "ſ", "\u{93C}", "word", "Word", "ABC", ";", "{", "\n\n", " \n ", "\u{3000}", "\u{1}", "\u{b}", "가", "42424242",
    ]

    static func text(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).flatMap { _ in Array((parts.randomElement(using: &generator) ?? "").utf8) }
    }

    @Test(arguments: TokenizerDefinition.PreTokenizer.allCases)
    func masksAgreeWithCharacters(_ rule: TokenizerDefinition.PreTokenizer) {
        let splitter = PreTokenizer(rule)
        var generator = SeededGenerator(seed: 7)
        var ends = [UInt32](repeating: 0, count: 2048)
        for _ in 0..<20_000 {
            let text = Self.text(Int.random(in: 5...90, using: &generator), &generator)
            let (found, expected) = text.withTextView { view in
                let count = ends.withUnsafeMutableBufferPointer { buffer in
                    buffer.baseAddress.map { splitter.split(view, from: 0, into: $0, capacity: 2048) } ?? 0
                }
                var expected: [UInt32] = []
                var position = 0
                while position < view.count {
                    position = splitter.end(view, from: position)
                    expected.append(UInt32(position))
                }
                return (Array(ends.prefix(count)), expected)
            }
            guard found != expected else { continue }
            Issue.record("\(String(decoding: text, as: UTF8.self).debugDescription): \(found) instead of \(expected)")
            return
        }
    }

    /// Whatever instructions the processor has, the masks are those that the classes of the bytes give.
    @Test
    func masksAreTheClassesOfBytes() {
        var generator = SeededGenerator(seed: 21)
        for round in 0..<600 {
            let bytes = (0..<64).map {
                UInt8(truncatingIfNeeded: round < 4 ? round * 64 + $0 : Int(generator.next() >> 40))
            }
            func mask(_ holds: (UInt8) -> Bool) -> UInt64 {
                bytes.enumerated().reduce(0) { holds($1.element) ? $0 | 1 << UInt64($1.offset) : $0 }
            }
            let expected = [
                mask { (0x61...0x7A).contains($0) }, mask { (0x41...0x5A).contains($0) },
                mask { (0x30...0x39).contains($0) },
                mask { $0 == 0x20 }, mask { $0 == 0x0A || $0 == 0x0D }, mask { [0x09, 0x0B, 0x0C].contains($0) },
                mask { $0 == 0x27 }, mask { $0 == 0x2F }, mask { $0 >= 0x80 },
            ]
            for classify in [ct_classify, ct_classify_portable] {
                var masks = ct_masks()
                classify(bytes, &masks)
                let found = [
                    masks.lower, masks.upper, masks.digit, masks.space, masks.newline, masks.blank, masks.apostrophe,
                    masks.slash, masks.high,
                ]
                #expect(found == expected)
            }
        }
    }

    /// The part that is called well-formed is, and ends shortly before the first fault.
    @Test
    func wellFormedTextIsFound() {
        var generator = SeededGenerator(seed: 22)
        let parts: [[UInt8]] = [
            [0x41], [0x20, 0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF],
            [0xEE, 0x80, 0x80],
            [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0xEA, 0xB0, 0x80], Array("plain text ".utf8),
        ]
        let faults: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF1, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF],
        ]
        for _ in 0..<4000 {
            func some() -> [UInt8] {
                (0..<Int.random(in: 0...90, using: &generator)).flatMap { _ in
                    parts.randomElement(using: &generator) ?? []
                }
            }
            let before = some()
            let fault = Bool.random(using: &generator) ? faults.randomElement(using: &generator) ?? [] : []
            let text = before + fault + (fault.isEmpty ? [] : [0x41] + some())
            let place = fault.isEmpty ? text.count : before.count
            for valid in [ct_valid, ct_valid_portable] {
                let found = valid(text, text.count)
                #expect(
                    found <= place && place - found < 128
                        && String(validating: text.prefix(found), as: UTF8.self) != nil)
            }
            #expect(text.withTextView { Utf8.firstFault($0) } == place)
        }
    }

    /// Traps of all kinds end to end, cut everywhere.
    @Test(arguments: Fixture.hasShared ? ["smollm2"] + GoldenTests.names.dropFirst() : ["smollm2"])
    func blocksOfAnySizeGiveTheSameIDs(_ name: String) async throws {
        let tokenizer = try Fixture.tokenizer(name)
        var text: [UInt8] = []
        for one in try Fixture.lines(Fixture.bundled("texts.jsonl"), as: TextCase.self) where one.repeat == nil {
            text += one.bytes.prefix(300)
            if text.count % 3 > 0 { text.append(0x20) }
        }
        let whole = tokenizer.encode(utf8: text)
        for size in 1...300 {
            var stream = TokenStream(tokenizer)
            var ids: [Int32] = []
            for start in stride(from: 0, to: text.count, by: size) {
                ids += await stream.append(text[start..<min(start + size, text.count)]).ids
            }
            ids += await stream.finish().ids
            guard ids != whole else { continue }
            let place = zip(ids, whole).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? ids.count
            Issue.record("blocks of \(size): token \(place) differs")
            return
        }
    }

    @Test
    func aStreamHoldsOnlyTheEnd() async throws {
        var stream = TokenStream(try Fixture.tokenizer("smollm2"))
        var count = 0
        for _ in 0..<100 { count += await stream.append("some words in a row ".utf8).count }
        #expect(count > 490, "words come out while more are read")
        #expect(stream.waitingBytes < 20)
        #expect(await stream.finish().count < 5)
        #expect(await stream.append("new".utf8).count == 0)
        #expect(stream.waitingBytes == 3)
        #expect(await stream.finish().count == 1)
    }

    @Test
    func threadsDontMatter() async throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        var generator = SeededGenerator(seed: 3)
        var text = Self.text(1_000_000, &generator)
        // One part without any place to cut.
        text += [UInt8](repeating: 0x21, count: 2 << 20)
        let one = tokenizer.encode(utf8: text)
        #expect(text.count > 3 << 20)
        for threads in [1, 2, 3, 7] {
            #expect(await tokenizer.encode(utf8: text, threads: threads) == one)
            #expect(await tokenizer.count(utf8: text, threads: threads) == one.count)
            var stream = TokenStream(tokenizer, threads: threads, keepsIDs: false)
            var count = 0
            for start in stride(from: 0, to: text.count, by: 1 << 21) {
                count += await stream.append(text[start..<min(start + 1 << 21, text.count)]).count
            }
            #expect(await stream.finish().count + count == one.count)
        }
    }

    /// Parts are repaired and normalized for themselves.
    @Test(arguments: Fixture.hasShared ? GoldenTests.names : ["smollm2"])
    func threadsDontMatterForIllFormedText(_ name: String) async throws {
        let tokenizer = try Fixture.tokenizer(name)
        var generator = SeededGenerator(seed: 4)
        let parts: [[UInt8]] = [
            [0xE2, 0x96, 0x81], [0x80], [0xE1, 0x80], [0xF0, 0x9F], [0xED, 0xA0, 0x80], [0xEA, 0xB0, 0x80],
            [0x41, 0xCC, 0x81],
            [0xE1, 0x84, 0x80, 0xE1, 0x85, 0xA1], Array(" word".utf8), Array(" and more of it".utf8), [0x0A],
        ]
        var text: [UInt8] = []
        while text.count < 5 << 20 { text += parts.randomElement(using: &generator) ?? [] }
        #expect(await tokenizer.encode(utf8: text, threads: 2) == tokenizer.encode(utf8: text))
    }
}
