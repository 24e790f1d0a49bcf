// Hugging Face folders converted to one GGUF file each: nothing of what the model needs is lost, and the outputs are
// those that the same weights have elsewhere.

import Conversion
import Foundation
import Kernels
import Models
import Testing
import Tokenization
import Weights

@testable import Inference

extension MetadataValue: TokenizerMetadataValue {}

@Suite(.enabled(if: !ReferenceTests.folders.isEmpty, ReferenceTests.missing))
struct ConversionRoundTripTests {
    /// Folders with a model that is text alone or can be used so.
    static let folders = ReferenceTests.folders.filter { name in
        FileManager.default.fileExists(atPath: ReferenceTests.folder.appending(path: "\(name)/tokenizer.json").path)
    }

    /// Converts a folder and hands out the file, which is gone afterwards.
    private func withConverted(_ name: String, _ body: (ModelFiles, _ source: ModelFiles) async throws -> Void)
        async throws
    {
        let source = try ModelFiles.open(path: ReferenceTests.folder.appending(path: name).path)
        let folder = try #require(source.folder)
        let definition = try TokenizerDefinition(
            json: #require(folder.file("tokenizer.json")), config: folder.file("tokenizer_config.json"),
            generation: folder.file("generation_config.json"))
        let rows = try ModelFamily.configuration(source.checkpoint).vocabularyRows
        let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let path = place.appending(path: "\(name)-Q8_0.gguf").path
        try Converter(
            source.checkpoint, to: .q8_0, metadata: definition.metadata(rows: rows, as: MetadataValue.self),
            pool: ThreadPool(threads: 2)
        ).write(to: path)
        try await body(ModelFiles.open(path: path), source)
    }

    @Test(arguments: folders)
    func configurationAndTokenizerSurvive(_ name: String) async throws {
        try await withConverted(name) { converted, source in
            let (one, other) = try (
                ModelFamily.configuration(converted.checkpoint), ModelFamily.configuration(source.checkpoint)
            )
            #expect(String(describing: one) == String(describing: other))
            #expect(converted.checkpoint.tensorNames == source.checkpoint.tensorNames)
            let (new, old) = try (Engine.tokenizer(converted), Engine.tokenizer(source))
            #expect(new.stopTokens == old.stopTokens && new.bos == old.bos && new.addsBOS == old.addsBOS)
            #expect(new.vocabularySize == one.vocabularyRows)
            let text = "A 2026 report: \"it isn't\"  naïve —\n\n\t<|im_start|><eos><|eot|> 日本語"
            #expect(new.encode(text, mode: .special) == old.encode(text, mode: .special))
            #expect(new.encode(text) == old.encode(text))
        }
    }

    /// Where another converter quantized the same folder, the outputs of its weights are known.
    @Test(arguments: folders)
    func outputsAreThoseOfOtherConverters(_ name: String) async throws {
        let gguf = ReferenceTests.folder.appending(path: "\(name)/gguf").path
        guard
            let subject = ReferenceSubject.reference(in: gguf, for: "\(name)-Q8_0.gguf"),
            subject.reference.hasSuffix("\(name)-Q8_0.golden.safetensors")
        else { return }
        let settings = ReferenceTests.folder.appending(path: "\(name)/golden.json").path
        let reference = try Reference(path: subject.reference, settings: settings)
        try await withConverted(name) { converted, _ in
            let engine = try await Engine.open(converted, options: ReferenceCheck.options(threads: 2))
            for result in try await ReferenceCheck.run(engine, reference) {
                #expect(result.isWithin(reference.logitTolerance), "\(result), tolerance \(reference.logitTolerance)")
            }
        }
    }

    /// Where no other did, eight bits stay close to the folder's own outputs. With random weights experts are chosen
    /// by near ties, so that some rounding chooses others: a setting that got lost is an error of 1 or more.
    @Test(arguments: ["llama4-scout", "llama4-scout-8k", "llama4-maverick", "gemma4-e4b"].filter(folders.contains))
    func eightBitsStayClose(_ name: String) async throws {
        let folder = ReferenceTests.folder.appending(path: name).path
        let reference = try Reference(path: folder + "/golden.safetensors", settings: folder + "/golden.json")
        try await withConverted(name) { converted, _ in
            let engine = try await Engine.open(converted, options: ReferenceCheck.options(threads: 2))
            for prompt in reference.prompts where !prompt.logits.isEmpty {
                let rows = try await engine.logits(prompt.tokens, positions: prompt.positions)
                var (differences, squares) = (0.0, 0.0)
                for (value, expected) in zip(rows.joined(), prompt.logits) {
                    differences += Double((value - expected) * (value - expected))
                    squares += Double(expected * expected)
                }
                let error = (differences / squares).squareRoot()
                #expect(error < 0.25, "\(name) \(prompt.name): \(error)")
            }
        }
    }
}
