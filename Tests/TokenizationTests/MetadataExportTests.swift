// Tokenizers of Hugging Face folders written as metadata of GGUF files and read back.

import Foundation
import Testing
import Weights

@testable import Tokenization

extension MetadataValue: TokenizerMetadataValue {}

/// Metadata as a converted file would hold it.
private struct Written: TokenizerMetadata {
    let values: [String: MetadataValue]

    init(_ definition: TokenizerDefinition, rows: Int? = nil) {
        let pairs = definition.metadata(rows: rows ?? definition.tokens.count, as: MetadataValue.self)
        values = Dictionary(uniqueKeysWithValues: pairs.map { ($0.key, $0.value) })
    }

    func string(_ key: String) -> String? { values[key]?.string }
    func integer(_ key: String) -> Int? { values[key]?.integer }
    func boolean(_ key: String) -> Bool? { if case .bool(let value)? = values[key] { value } else { nil } }
    func integers(_ key: String) -> [Int]? { values[key]?.elements.compactMap(\.integer) }
    func floats(_ key: String) -> [Float]? { values[key]?.elements.compactMap(\.float) }

    func stringTable(_ key: String) -> (bytes: [UInt8], ends: [Int])? {
        guard case .array(let elements)? = values[key] else { return nil }
        var strings = ByteStrings()
        for element in elements { if case .string(let bytes) = element { strings.append(bytes) } }
        return (strings.bytes, strings.ends)
    }
}

@Suite
struct MetadataExportTests {
    private func folder(_ name: String) throws -> TokenizerDefinition? {
        guard let json = HuggingFaceTests.bytes(name, "tokenizer.json") else { return nil }
        return try TokenizerDefinition(
            json: json, config: HuggingFaceTests.bytes(name, "tokenizer_config.json"),
            generation: HuggingFaceTests.bytes(name, "generation_config.json"))
    }

    @Test(arguments: HuggingFaceTests.folders)
    func foldersSurvive(_ name: String) throws {
        guard let definition = try folder(name) else { return }
        let back = try TokenizerDefinition(metadata: Written(definition))
        let wrong = HuggingFaceTests.differences(try Tokenizer(back), try HuggingFaceTests.cases(name))
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        expectSame(back, definition)
        #expect(back.tokens == definition.tokens)
    }

    /// What other software reads is what its own converter writes for the same folder, except for what `exceptions`
    /// names.
    @Test(arguments: HuggingFaceTests.folders)
    func keysAreThoseOfOtherConverters(_ name: String) throws {
        // Gemma 3 in other files is SentencePiece with scores; SmolLM3 there takes whole pretokens, here it doesn't,
        // as its folder says.
        let exceptions = ["gemma3": ["model", "pre", "scores", "merges", "token_type"], "smollm3": ["pre"]]
        guard let definition = try folder(name),
            let path = ["Q8_0", "F16"].map({ "\(HuggingFaceTests.models.path)/\(name)/gguf/\(name)-\($0).gguf" })
                .first(where: { (try? GGUFFile(path: $0)) != nil })
        else { return }
        let file = try GGUFFile(path: path)
        let ours = Written(definition).values
        for key in file.keys where key.hasPrefix("tokenizer.ggml.") {
            let short = String(key.dropFirst("tokenizer.ggml.".count))
            // Constant where they say nothing, and about kinds of models that we have none of.
            if exceptions[name]?.contains(short) == true || short == "add_sep_token" { continue }
            if short == "scores", definition.model == .ranked { continue }
            #expect(ours[key] == file.value(key), "\(name) \(key)")
        }
    }

    /// Vocabularies of released models.
    @Test(
        .enabled(if: Fixture.hasShared, "needs ../shared/fixtures/tokenizers"),
        arguments: ["smollm2", "qwen25", "gemma3", "gemma4", "llama4"])
    func releasedVocabulariesSurvive(_ name: String) throws {
        let definition = try Fixture.definition(name).definition
        let rows = definition.tokens.count + 3
        let back = try TokenizerDefinition(metadata: Written(definition, rows: rows))
        #expect(back.tokens.count == rows && back.kinds.suffix(3) == [.unused, .unused, .unused])
        #expect(back.tokens.string(rows - 1) == "[PAD\(rows - 1)]")
        expectSame(back, definition, rows: definition.tokens.count)
        let (one, other) = (try Tokenizer(back), try Fixture.tokenizer(name))
        for text in try Fixture.lines(Fixture.shared("texts-a.jsonl"), as: TextCase.self).prefix(600) {
            for mode in [EncodingMode.plain, .special] {
                #expect(one.encode(utf8: text.bytes, mode: mode) == other.encode(utf8: text.bytes, mode: mode))
            }
        }
    }

    @Test
    func whatTheUsualKeysLeaveOpenSurvives() throws {
        var definition = try HuggingFaceTests.definition(generation: #"{"eos_token_id": [1, 3, 5]}"#)
        definition.normalizesToNFC = true
        definition.ignoresMerges = true
        definition.suppressedTokens = [2]
        definition.trimming = [4: .init(before: true, after: false), 5: .init(before: true, after: true)]
        expectSame(try TokenizerDefinition(metadata: Written(definition)), definition)
        definition.model = .ranked
        definition.ignoresMerges = false
        definition.normalizesToNFC = false
        for prefix in [TokenizerDefinition.SpacePrefix.never, .eachText, .eachTextWithoutOne, .firstTextWithoutOne] {
            definition.spacePrefix = prefix
            let back = try TokenizerDefinition(metadata: Written(definition))
            expectSame(back, definition)
            // The family's habit doesn't count where the publisher's word is known.
            #expect(!back.addsBOS)
        }
    }

    /// A model may have fewer rows than its tokenizer has tokens: what can't be read is not written.
    @Test
    func tokensWithoutRowsAreLeftOut() throws {
        let definition = try HuggingFaceTests.definition(generation: #"{"eos_token_id": [1, 5]}"#)
        let back = try TokenizerDefinition(metadata: Written(definition, rows: 5))
        #expect(back.tokens.count == 5 && back.kinds.count == 5 && back.stopTokens == [1] && back.eos == 1)
        #expect(throws: Never.self) { try Tokenizer(back) }
    }

    @Test
    func templatesOfFolders() throws {
        let jinja = Array("{{ messages }}".utf8)
        let old = Array(#"{"chat_template": "{{ old }}"}"#.utf8)
        let named = Array(
            #"{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}"#.utf8)
        #expect(try ChatTemplate.text(jinja: jinja, config: old) == "{{ messages }}")
        #expect(try ChatTemplate.text(jinja: nil, config: old) == "{{ old }}")
        #expect(try ChatTemplate.text(jinja: nil, config: named) == "d")
        #expect(try ChatTemplate.text(jinja: nil, config: Array("{}".utf8)) == nil)
        #expect(try ChatTemplate.text(jinja: nil, config: nil) == nil)
    }

    private func expectSame(_ back: TokenizerDefinition, _ definition: TokenizerDefinition, rows: Int? = nil) {
        #expect(back.model == definition.model && back.merges == definition.merges)
        #expect(back.kinds.prefix(rows ?? back.kinds.count) == definition.kinds.prefix(rows ?? .max))
        #expect(back.scores.prefix(rows ?? .max) == definition.scores.prefix(rows ?? .max))
        #expect(back.normalizesToNFC == definition.normalizesToNFC && back.ignoresMerges == definition.ignoresMerges)
        #expect(back.bos == definition.bos && back.addsBOS == definition.addsBOS && back.eos == definition.eos)
        #expect(back.stopTokens == definition.stopTokens && back.suppressedTokens == definition.suppressedTokens)
        #expect(back.unknown == definition.unknown && back.padding == definition.padding)
        #expect(back.spacePrefix == definition.spacePrefix && back.trimming == definition.trimming)
    }
}
