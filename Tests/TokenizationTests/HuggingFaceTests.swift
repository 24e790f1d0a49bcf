// Tokenizers of Hugging Face folders against what Hugging Face's own library makes of the same files.

import Foundation
import Testing
import Weights

@testable import Tokenization

@Suite
struct HuggingFaceTests {
    /// One entry of tokenizer_cases.json; the library reads special tokens in all texts.
    struct Case: Decodable {
        var text: String
        var ids: [Int32]
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var ids_with_template: [Int32]
        var decoded: String
    }

    static let models = URL(filePath: Fixture.root + "/../shared/fixtures/models")

    static let folders: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: models.path)) ?? []
        let found = names.sorted().filter { name in
            FileManager.default.fileExists(atPath: models.appending(path: "\(name)/tokenizer_cases.json").path)
        }
        if found.isEmpty { print("SKIPPED: ../shared/fixtures/models is missing, so no folder's tokenizer is checked") }
        return found
    }()

    static func cases(_ folder: String) throws -> [Case] {
        try JSONDecoder().decode(
            [Case].self, from: Data(contentsOf: models.appending(path: "\(folder)/tokenizer_cases.json")))
    }

    static func bytes(_ folder: String, _ file: String) -> [UInt8]? {
        (try? Data(contentsOf: models.appending(path: "\(folder)/\(file)"))).map { [UInt8]($0) }
    }

    static func differences(_ tokenizer: Tokenizer, _ cases: [Case], skipping text: String? = nil) -> [String] {
        cases.filter { $0.text.utf8.elementsEqual((text ?? "no such text").utf8) == false }.compactMap { one in
            let ids = tokenizer.encode(one.text, mode: .special)
            let start = tokenizer.addsBOS ? [tokenizer.bos].compactMap(\.self) : []
            if ids != one.ids { return "\(one.text): \(ids) instead of \(one.ids)" }
            if start + ids != one.ids_with_template { return "\(one.text): BOS \(start)" }
            if !tokenizer.decode(ids).utf8.elementsEqual(one.decoded.utf8) { return "\(one.text): decoded" }
            return nil
        }
    }

    @Test(arguments: folders)
    func foldersGiveTheLibrarysIDs(_ folder: String) throws {
        guard let json = Self.bytes(folder, "tokenizer.json") else { return }
        let definition = try TokenizerDefinition(
            json: json, config: Self.bytes(folder, "tokenizer_config.json"),
            generation: Self.bytes(folder, "generation_config.json"))
        let cases = try Self.cases(folder)
        #expect(cases.count >= 16)
        let wrong = Self.differences(try Tokenizer(definition), cases)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        let settings = try #require(
            JSONSerialization.jsonObject(with: Data(Self.bytes(folder, "generation_config.json") ?? []))
                as? [String: Any])
        let stops = settings["eos_token_id"].map { $0 as? [Int] ?? [$0 as? Int ?? -1] } ?? []
        #expect(definition.stopTokens == Set(stops.map { Int32($0) }))
    }

    @Test(arguments: folders)
    func convertedFilesGiveTheSameIDs(_ folder: String) throws {
        let place = Self.models.appending(path: "\(folder)/gguf").path
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted()
        for name in files where name.hasSuffix(".gguf") && !name.hasPrefix("mmproj") {
            let tokenizer = try Tokenizer(TokenizerDefinition(metadata: GGUFFile(path: place + "/" + name)))
            let wrong = Self.differences(tokenizer, try Self.cases(folder))
            #expect(wrong.isEmpty, "\(name): \(wrong.joined(separator: "\n"))")
        }
    }

    /// Real vocabularies in Hugging Face's form: the same golden ids as from GGUF files.
    @Test(
        .enabled(if: Fixture.hasShared, "needs ../shared/fixtures/tokenizers"),
        arguments: ["smollm2", "gemma4", "llama4"])
    func goldenIDs(_ name: String) throws {
        let packed = try Data(contentsOf: Fixture.shared("vocab/\(name).tokenizer.json.gz"))
        let json = try gunzip([UInt8](packed))
        let definition = try TokenizerDefinition(json: json, config: nil, generation: nil)
        let tokenizer = try Tokenizer(definition)
        let reference = try Fixture.tokenizer(name)
        #expect(definition.addsBOS == reference.addsBOS && (!definition.addsBOS || definition.bos == reference.bos))
        #expect(definition.stopTokens == reference.stopTokens)
        let texts = try Fixture.lines(Fixture.shared("texts-a.jsonl"), as: TextCase.self)
        let golden = try Fixture.lines(Fixture.shared("golden/\(name)-a.jsonl"), as: GoldenCase.self)
        let wrong = zip(texts, golden).compactMap { mistake(tokenizer, $0, $1) }
        #expect(wrong.isEmpty, "\(wrong.count) differ: \(wrong.prefix(10).joined(separator: "\n"))")
    }

    @Test
    func spacesBeforeTexts() throws {
        struct Variant: Decodable {
            var name: String
            var json: String
            var cases: [Case]
        }
        let variants = try JSONDecoder().decode(
            [Variant].self, from: Data(contentsOf: Fixture.bundled("space-prefix.json")))
        #expect(variants.count == 4)
        for variant in variants {
            let definition = try TokenizerDefinition(json: Array(variant.json.utf8), config: nil, generation: nil)
            let tokenizer = try Tokenizer(definition)
            #expect(tokenizer.addsBOS && tokenizer.bos == 1)
            for one in variant.cases {
                let tokens = tokenizer.encodeWithOffsets(one.text, mode: .special)
                #expect(tokens.map(\.id) == one.ids, "\(variant.name): \(one.text)")
                #expect(tokens.allSatisfy { $0.range.upperBound <= one.text.utf8.count }, "\(one.text)")
                // The library takes a leading space away in all four, we only where one was put.
                if variant.name != "never" {
                    #expect(tokenizer.decode(one.ids) == one.decoded, "\(variant.name): \(one.text)")
                }
            }
        }
    }

    @Test
    func composedAndDecomposedAreTwoTokens() throws {
        let definition = try Self.definition(vocabulary: #"{"\u00e9":0,"e\u0301":1,"\ud83d\ude42":2,"e":3}"#)
        #expect(Array(definition.tokens[0]) == [0xC3, 0xA9])
        #expect(Array(definition.tokens[1]) == [0x65, 0xCC, 0x81])
        #expect(definition.tokens.string(2) == "🙂")
        #expect(try Tokenizer(definition).vocabularySize == 6)
    }

    @Test
    func settingsDecideOnSpecialIDs() throws {
        let generation = #"{"eos_token_id": [1, 3], "suppress_tokens": [2, 7], "bos_token_id": 1}"#
        var definition = try Self.definition(
            config: #"{"add_bos_token": true, "bos_token": {"content": "<s>"}}"#, generation: generation)
        #expect(definition.stopTokens == [1, 3] && definition.suppressedTokens == [2, 7])
        #expect(definition.addsBOS && definition.bos == 4)
        #expect(try Tokenizer(definition).suppressedTokens == [2, 7])
        definition = try Self.definition(config: #"{"bos_token": "<s>", "eos_token": "b"}"#, generation: nil)
        #expect(!definition.addsBOS && definition.stopTokens == [1] && definition.suppressedTokens.isEmpty)
        definition = try Self.definition(config: nil, generation: #"{"eos_token_id": 5}"#)
        #expect(definition.stopTokens == [5] && definition.kinds[5] == .userDefined && definition.kinds[4] == .control)
    }

    @Test
    func unknownStructuresAreNamed() {
        let cases: [(change: (String, String), error: TokenizerError)] = [
            (
                (#""type":"ByteLevel""#, #""type":"Whitespace""#),
                .unsupported(key: "pre_tokenizer.type", value: "Whitespace")
            ),
            (
                (#""add_prefix_space":false"#, #""add_prefix_space":true"#),
                .unsupported(key: "pre_tokenizer.add_prefix_space", value: "true")
            ),
            (
                (#""normalizer":null"#, #""normalizer":{"type":"Lowercase"}"#),
                .unsupported(key: "normalizer.type", value: "Lowercase")
            ),
            (
                (
                    #""normalizer":null"#,
                    #""normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"NFKC"}]}"#
                ),
                .unsupported(key: "normalizer.normalizers[1].type", value: "NFKC")
            ),
            ((#""type":"BPE""#, #""type":"Unigram""#), .unsupported(key: "model.type", value: "Unigram")),
            ((#""dropout":null"#, #""dropout":0.1"#), .unsupported(key: "model.dropout", value: "0.1")),
            (
                (#""byte_fallback":false"#, #""byte_fallback":true"#),
                .unsupported(key: "model.byte_fallback", value: "true")
            ),
            (
                (#""single_word":false"#, #""single_word":true"#),
                .unsupported(key: "added_tokens[0].single_word", value: "true")
            ),
            (
                (#""post_processor":null"#, #""post_processor":{"type":"BertProcessing"}"#),
                .unsupported(key: "post_processor.type", value: "BertProcessing")
            ),
            ((#""merges":[]"#, #""fuse_unk":false"#), .missing(key: "model.merges")),
            ((#""b":1"#, #""b":0"#), .inconsistent("two tokens have the id 0")),
            ((#""id":4"#, #""id":1"#), .inconsistent("two tokens have the id 1")),
            ((#""b":1"#, #""b":99999999"#), .unsupported(key: "model.vocab", value: "the id 99999999")),
            ((#"{"a""#, #"{a"#), .malformed(file: "tokenizer.json", offset: 460, reason: "expected a string")),
        ]
        for (change, error) in cases {
            let json = Self.json().replacingOccurrences(of: change.0, with: change.1)
            #expect(json != Self.json())
            #expect(throws: error, "\(change)") {
                try TokenizerDefinition(json: Array(json.utf8), config: nil, generation: nil)
            }
        }
    }

    static func json(vocabulary: String = #"{"a":0,"b":1,"c":2,"d":3}"#) -> String {
        let flags = #""single_word":false,"lstrip":false,"rstrip":false,"normalized":false"#
        return #"{"version":"1.0","added_tokens":[{"id":4,"content":"<s>",\#(flags),"special":true},"#
            + #"{"id":5,"content":"<x>",\#(flags),"special":false}],"normalizer":null,"#
            + #""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},"#
            + #""post_processor":null,"model":{"type":"BPE","dropout":null,"byte_fallback":false,"#
            + #""vocab":\#(vocabulary),"merges":[]}}"#
    }

    static func definition(
        vocabulary: String = #"{"a":0,"b":1,"c":2,"d":3}"#, config: String? = nil, generation: String? = nil
    ) throws -> TokenizerDefinition {
        try TokenizerDefinition(
            json: Array(json(vocabulary: vocabulary).utf8), config: config.map { Array($0.utf8) },
            generation: generation.map { Array($0.utf8) })
    }
}
