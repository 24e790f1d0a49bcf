// Properties of tokenizers that need no large fixtures: SmolLM2's vocabulary and 300 golden cases lie in Fixtures.

import Foundation
import Testing

@testable import Tokenization

@Suite
struct TokenizerTests {
    @Test
    func smallGoldenSet() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        let texts = try Fixture.lines(Fixture.bundled("texts.jsonl"), as: TextCase.self)
        let golden = try Fixture.lines(Fixture.bundled("smollm2.jsonl"), as: GoldenCase.self)
        #expect(texts.count >= 300 && texts.map(\.id) == golden.map(\.id))
        let wrong = zip(texts, golden).compactMap { mistake(tokenizer, $0, $1) }
        #expect(wrong.isEmpty, "\(wrong.count) differ: \(wrong.prefix(10).joined(separator: "\n"))")
    }

    @Test
    func specialIDs() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        #expect(tokenizer.vocabularySize == 49152)
        #expect(!tokenizer.addsBOS && tokenizer.stopTokens == [0, 2])
        #expect(tokenizer.id(of: "<|im_start|>") == 1)
        #expect(tokenizer.id(of: "Hello") == 19556)
        #expect(tokenizer.id(of: "no such token") == nil)
        #expect(tokenizer.isControl(1) && !tokenizer.isControl(19556) && tokenizer.isControl(-1))
        #expect(tokenizer.isControl(49152) && tokenizer.bytes(of: 49152).isEmpty)
    }

    @Test(.enabled(if: Fixture.hasShared, "needs ../shared/fixtures/tokenizers"))
    func stopTokensOfOtherFamilies() throws {
        #expect(try Fixture.tokenizer("qwen25").stopTokens == [151645, 151643])
        let gemma = try Fixture.tokenizer("gemma3")
        #expect(gemma.stopTokens == [1, 106] && gemma.addsBOS && gemma.bos == 2)
        // Formatting pieces are text; image markers are not.
        #expect(!gemma.isControl(107) && !gemma.isControl(168) && gemma.isControl(255_999) && gemma.isControl(5))
    }

    @Test
    func offsetsCoverTheText() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        let text = "Ünïcode 🙂🙃 — naïve  text\n\nwith 2026 digits ﬁ\u{AD}"
        let tokens = tokenizer.encodeWithOffsets(text)
        #expect(tokens.map(\.id) == tokenizer.encode(text))
        #expect(tokens.count == tokenizer.count(text))
        #expect(tokens.first?.range.lowerBound == 0 && tokens.last?.range.upperBound == text.utf8.count)
        for (before, after) in zip(tokens, tokens.dropFirst()) {
            // Either the next token starts where this one ends, or both hold parts of the same character.
            #expect(
                after.range.lowerBound == before.range.upperBound || after.range.lowerBound >= before.range.lowerBound)
            #expect(after.range.lowerBound <= before.range.upperBound)
        }
    }

    @Test
    func decodingGivesTheTextBack() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        var generator = SeededGenerator(seed: 20261121)
        let letters = Array("aAé ñ\n\t'1٣中🙂\u{301}▁<|im_end|>s.").map(String.init)
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 0...40, using: &generator))
                .map { _ in letters.randomElement(using: &generator) ?? "" }.joined()
            let ids = tokenizer.encode(text)
            #expect(tokenizer.decode(ids) == text)
            #expect(ids.allSatisfy { !tokenizer.isControl($0) })
        }
    }

    @Test
    func streamingReleasesWholeCharacters() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        let text = "Ωmega 日本語 🙂 end"
        var decoder = StreamingDecoder(tokenizer)
        var released = ""
        for id in tokenizer.encode(text) {
            let piece = decoder.append(id)
            #expect(!piece.contains("\u{FFFD}"))
            released += piece
        }
        #expect(released + decoder.finish() == text)
        // A character that never ends.
        let part = try #require(tokenizer.encode("日").first)
        #expect(decoder.append(part) == "")
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(decoder.finish() == "")
    }

    @Test
    func invalidBytesBecomeReplacements() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        let bytes: [UInt8] = [0x61, 0xE6, 0x97, 0x62, 0xFF, 0xC0, 0x80]
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(tokenizer.encode(utf8: bytes) == tokenizer.encode(text))
        let tokens = tokenizer.encodeWithOffsets(utf8: bytes)
        #expect(tokens.last?.range == 6..<7)
        #expect(tokens.first?.range == 0..<1)
    }

    /// SmolLM2 has no token for U+0004: the reference joins what stands around it.
    @Test
    func bytesWithoutTokens() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        #expect(tokenizer.encode("\u{4},\u{4}_ \u{4}") == tokenizer.encode(",_ "))
        #expect(tokenizer.encode(",\u{4}_") == [40476])
        #expect(
            tokenizer.encodeWithOffsets("a,\u{4}_é") == [
                OffsetToken(id: 81, range: 0..<1), OffsetToken(id: 40476, range: 1..<4),
            ] + tokenizer.encodeWithOffsets("é").map { OffsetToken(id: $0.id, range: 4..<6) })
    }

    /// Anything quadratic or recursive would take minutes here.
    @Test(.timeLimit(.minutes(1)))
    func aMegabyteOfOneLetter() throws {
        let tokenizer = try Fixture.tokenizer("smollm2")
        #expect(tokenizer.decode(tokenizer.encode(String(repeating: "a", count: 200_000))).utf8.count == 200_000)
    }

    @Test
    func unknownTokenizersAreRefused() throws {
        struct Metadata: TokenizerMetadata {
            var strings: [String: String]
            func string(_ key: String) -> String? { strings[key] }
            func integer(_ key: String) -> Int? { nil }
            func boolean(_ key: String) -> Bool? { nil }
            func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])? { ([0x61], [1]) }
            func integers(_ key: String) -> [Int]? { [1] }
            func floats(_ key: String) -> [Float]? { [0] }
        }
        #expect(throws: TokenizerError.missing(key: "tokenizer.ggml.model")) {
            try TokenizerDefinition(metadata: Metadata(strings: [:]))
        }
        #expect(throws: TokenizerError.unsupported(key: "tokenizer.ggml.model", value: "t5")) {
            try TokenizerDefinition(metadata: Metadata(strings: ["tokenizer.ggml.model": "t5"]))
        }
        let gpt = ["tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "surprise"]
        #expect(throws: TokenizerError.unsupported(key: "tokenizer.ggml.pre", value: "surprise")) {
            try TokenizerDefinition(metadata: Metadata(strings: gpt))
        }
        #expect(throws: TokenizerError.unsupported(key: "tokenizer.ggml.add_space_prefix", value: "true")) {
            try TokenizerDefinition(metadata: Metadata(strings: ["tokenizer.ggml.model": "llama"]))
        }
    }

    @Test
    func idsWithARole() throws {
        struct Metadata: TokenizerMetadata {
            var numbers: [String: Int]
            var pre: String
            func string(_ key: String) -> String? { ["tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre][key] }
            func integer(_ key: String) -> Int? { numbers[key] }
            func boolean(_ key: String) -> Bool? { nil }
            func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])? {
                key == "tokenizer.ggml.tokens" ? (Array("abcd".utf8), [1, 2, 3, 4]) : ([], [])
            }
            func integers(_ key: String) -> [Int]? {
                [
                    "tokenizer.ggml.token_type": [1, 1, 1, 1], "tokenizer.ggml.suppress_tokens": [3, -1, 9],
                ][key]
            }
            func floats(_ key: String) -> [Float]? { nil }
        }
        var metadata = Metadata(
            numbers: [
                "tokenizer.ggml.eos_token_id": 0, "tokenizer.ggml.eot_token_id": 1, "tokenizer.ggml.eom_token_id": 2,
                "tokenizer.ggml.bos_token_id": 3,
            ], pre: "smaug-bpe")
        var definition = try TokenizerDefinition(metadata: metadata)
        #expect(definition.stopTokens == [0, 1, 2] && definition.suppressedTokens == [3, 9])
        // The rule is Llama 3's; its BOS and its look-up of whole words are not.
        #expect(definition.model == .byteLevel(.llama3) && !definition.addsBOS && !definition.ignoresMerges)
        metadata.pre = "llama-bpe"
        definition = try TokenizerDefinition(metadata: metadata)
        #expect(definition.addsBOS && definition.ignoresMerges)
    }

    @Test
    func contradictoryTablesAreRefused() throws {
        var (definition, _) = try Fixture.definition("smollm2")
        definition.kinds.removeLast()
        #expect(throws: TokenizerError.self) { try Tokenizer(definition) }
        (definition, _) = try Fixture.definition("smollm2")
        definition.bos = 60_000
        #expect(throws: TokenizerError.inconsistent("the special id 60000 is outside the vocabulary")) {
            try Tokenizer(definition)
        }
    }
}

/// SplitMix64: the same sequence everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
