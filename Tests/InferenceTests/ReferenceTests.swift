// Every text model of the fixtures against what transformers and llama.cpp compute for it.

import Foundation
import Inference
import Testing
import Weights

@testable import Models

@Suite struct ReferenceTests {
    static let folder = URL(filePath: #filePath).resolvingSymlinksInPath()
        .appending(path: "../../../../shared/fixtures/models").standardizedFileURL
    static let folders: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
        .filter { $0 != "README.md" }
    static let missing: Comment = "SKIPPED: the folder shared/fixtures/models is missing; no architecture was compared"

    @Test(.enabled(if: !folders.isEmpty, missing), arguments: folders)
    func everyModelEqualsItsReference(_ name: String) async throws {
        let subjects = ReferenceSubject.all(in: Self.folder.appending(path: name).path)
        #expect(!subjects.isEmpty || name == "README.md", "\(name) holds no model with a reference")
        for subject in subjects {
            let reference = try Reference(path: subject.reference, settings: subject.settings)
            let engine = try await Engine.open(
                ModelFiles.open(path: subject.model), options: ReferenceCheck.options(threads: 2))
            for result in try await ReferenceCheck.run(engine, reference) {
                #expect(
                    result.isWithin(reference.logitTolerance),
                    "\(subject.model) \(result), tolerance \(reference.logitTolerance)")
            }
        }
    }

    /// Older and newer spellings of one configuration are the same model.
    @Test(.enabled(if: !folders.isEmpty, missing), arguments: folders)
    func bothConfigurationsSayTheSame(_ name: String) throws {
        let path = Self.folder.appending(path: name).path
        guard FileManager.default.fileExists(atPath: path + "/config.resaved.json") else { return }
        let weights = try SafetensorsFolder(path: path)
        let (first, second) = try (
            checkpoint(weights, path + "/config.json"), checkpoint(weights, path + "/config.resaved.json")
        )
        #expect(first.keys.sorted() == second.keys.sorted())
        for key in first.keys { #expect(first.value(key) == second.value(key), "\(name) \(key)") }
        #expect(first.summaries == second.summaries)
    }

    private func checkpoint(_ weights: SafetensorsFolder, _ config: String) throws -> HuggingFaceCheckpoint {
        let config = try HuggingFaceConfig(json: Array(Data(contentsOf: URL(filePath: config))))
        return try HuggingFaceCheckpoint(weights, layout: HuggingFaceLayouts.layout(config), name: "same")
    }
}
