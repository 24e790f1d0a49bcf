// Tokenizers in the forms of tiktoken and SentencePiece, and texts as lines of JSON.

import Foundation
import Testing
import Weights

@testable import Tokenization

@Suite
struct TokenizerFileTests {
    /// Meta's rank files give the reference's ids, in special mode too.
    @Test(.enabled(if: Fixture.hasShared, "needs ../shared/fixtures/tokenizers"), arguments: ["llama3", "llama4"])
    func ranks(_ name: String) throws {
        let packed = try Data(contentsOf: Fixture.shared("vocab/\(name).tiktoken.gz"))
        let bytes = try gunzip([UInt8](packed))
        #expect(TokenizerDefinition.isTiktoken(bytes))
        let definition = try TokenizerDefinition(tiktoken: bytes)
        let tokenizer = try Tokenizer(definition)
        let names = try JSONDecoder().decode(
            [String].self, from: Data(contentsOf: Fixture.shared("vocab/\(name).specials.json")))
        let first = definition.tokens.count - names.count
        #expect(names.indices.allSatisfy { definition.tokens.string(first + $0) == names[$0] })
        #expect(tokenizer.bos == Int32(first) && tokenizer.addsBOS)
        #expect(
            tokenizer.stopTokens == (name == "llama4" ? [200_001, 200_007, 200_008] : [128_001, 128_008, 128_009]))
        let texts = try Fixture.lines(Fixture.shared("texts-a.jsonl"), as: TextCase.self)
        let golden = try Fixture.lines(Fixture.shared("golden/\(name)-a.jsonl"), as: GoldenCase.self)
        let wrong = zip(texts, golden).compactMap { mistake(tokenizer, $0, $1) }
        #expect(wrong.isEmpty, "\(wrong.count) differ: \(wrong.prefix(10).joined(separator: "\n"))")
    }

    @Test
    func otherRanksAreRefused() {
        #expect(throws: TokenizerError.unsupported(key: "tiktoken ranks", value: "2, not Llama 3's or Llama 4's")) {
            try TokenizerDefinition(tiktoken: Array("IQ== 0\nIg== 1\n".utf8))
        }
        #expect(
            throws: TokenizerError.malformed(
                file: "tokenizer.model", offset: 7, reason: "expected a token and the rank 1")
        ) { try TokenizerDefinition(tiktoken: Array("IQ== 0\nIg== 2\n".utf8)) }
        #expect(!TokenizerDefinition.isTiktoken(Array("{\"a\": 0}\n".utf8)))
    }

    /// Gemma 3's pieces in SentencePiece's own file are the same tokenizer as in GGUF.
    @Test(.enabled(if: Fixture.hasShared, "needs ../shared/fixtures/tokenizers"))
    func sentencePiece() throws {
        let reference = try Fixture.definition("gemma3").definition
        let definition = try TokenizerDefinition(sentencePiece: Self.message(reference))
        #expect(definition.tokens == reference.tokens && definition.scores == reference.scores)
        #expect(definition.kinds == reference.kinds && definition.model == .scored)
        #expect(definition.bos == 2 && definition.addsBOS && definition.unknown == 3)
        #expect(definition.stopTokens == reference.stopTokens)
        let text = "Hello  world\n\n<table>é"
        #expect(try Tokenizer(definition).encode(text) == Tokenizer(reference).encode(text))
    }

    @Test
    func otherSentencePieceModelsAreRefused() throws {
        var small = try Fixture.definition("smollm2").definition
        small.tokens = ByteStrings(["<unk>", "a"])
        small.kinds = [.unknown, .normal]
        small.scores = [0, 0]
        #expect(try TokenizerDefinition(sentencePiece: Self.message(small)).tokens.count == 2)
        let cases: [([UInt8], [UInt8], String)] = [
            ([0x18, 1], [0x18, 0], "trainer_spec.model_type"),
            ([0x18, 2, 0x98, 2, 0], [], "trainer_spec.byte_fallback"),
            ([0x18, 2, 0x98, 2, 1], [0x18, 1], "normalizer_spec.add_dummy_prefix"),
            ([0x18, 2, 0x98, 2, 1], [0x12, 1, 7], "normalizer_spec.precompiled_charsmap"),
            ([0x18, 2, 0x98, 2, 1], [0x20, 1], "normalizer_spec.remove_extra_whitespaces"),
        ]
        for (trainer, normalizer, key) in cases {
            do {
                _ = try TokenizerDefinition(
                    sentencePiece: Self.message(small, trainer, [0x18, 0, 0x20, 0] + normalizer))
                Issue.record("\(key) was taken")
            } catch TokenizerError.unsupported(let found, _) {
                #expect(found == key)
            }
        }
        let whole = Self.message(small)
        for length in 1..<whole.count {
            #expect(throws: TokenizerError.self) { try TokenizerDefinition(sentencePiece: Array(whole.prefix(length))) }
        }
    }

    /// A model file: pieces, then what the trainer and the normalizer did.
    private static func message(
        _ definition: TokenizerDefinition,
        _ trainer: [UInt8] = [0x18, 2, 0x98, 2, 1, 0xC0, 2, 3, 0xC8, 2, 2, 0xD0, 2, 1],
        _ normalizer: [UInt8] = [0x18, 0, 0x20, 0, 0x28, 1]
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        func varint(_ value: Int) -> [UInt8] {
            value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
        }
        for id in 0..<definition.tokens.count {
            let name = Array(definition.tokens[id])
            let score = definition.scores[id].bitPattern
            let piece =
                [0x0A] + varint(name.count) + name + [0x15] + (0..<4).map { UInt8(score >> (8 * $0) & 0xFF) }
                + [0x18, definition.kinds[id].rawValue]
            bytes += [0x0A] + varint(piece.count) + piece
        }
        return bytes + [0x12] + varint(trainer.count) + trainer + [0x1A] + varint(normalizer.count) + normalizer
    }

    @Test
    func linesOfTexts() throws {
        func line(_ json: String) throws -> TextLine { try TextLine(json: Array(json.utf8)) }
        #expect(try line(#"{"id": "a\"1", "text": "hé\n"}"#).bytes == Array("hé\n".utf8))
        #expect(try line(#"{"id": 7, "b64": "/wA="}"#).bytes == [0xFF, 0])
        #expect(try line(#"{"id": "r", "repeat": [["ab", 3], ["c", 1]]}"#).bytes == Array("abababc".utf8))
        #expect(
            try line(#"{"id": "a\"\n1", "text": ""}"#).line([]) == Array("{\"id\":\"a\\\"\\u000a1\",\"ids\":[]}\n".utf8)
        )
        #expect(
            try line(#"{"id": 7, "text": ""}"#).line([0, 12, 262_143])
                == Array("{\"id\":7,\"ids\":[0,12,262143]}\n".utf8))
        for bad in [
            "", "[]", #"{"id": "a"}"#, #"{"text": 1}"#, #"{"text": "a", "b64": "YQ=="}"#, #"{"b64": "a"}"#,
            #"{"b64": "Y=Q="}"#, #"{"repeat": [["a", -1]]}"#, #"{"repeat": [["a", 9223372036854775807]]}"#,
            #"{"repeat": [["aa", 1000000000]]}"#, #"{"id": [], "text": ""}"#, #"{"text": "a"} x"#,
        ] {
            #expect(throws: TokenizerError.self, "\(bad)") { try line(bad) }
        }
    }
}
