// Outputs that are written together behind one beginning are what each would be alone, from memory and from disk, and
// read what they share once.

import Foundation
import KVCache
import Kernels
import SystemPackage
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct BatchTests {
    private let folder = FilePath(NSTemporaryDirectory()).appending("docproc-batch-\(UUID().uuidString)")

    private struct Output: Equatable {
        var tokens: [Int32] = []
        var logProbabilities: [Float] = []
    }

    private func alone(_ engine: Engine, _ prompt: [Int32], _ count: Int) async throws -> Output {
        var output = Output()
        let request = GenerationRequest(prompt: prompt, maxOutputTokens: count, stopTokens: [], speculation: false)
        for try await event in engine.generate(request) {
            guard case .token(let id, _, let logProbability, _) = event else { continue }
            output.tokens.append(id)
            output.logProbabilities.append(logProbability)
        }
        return output
    }

    private func together(_ engine: Engine, _ beginning: [Int32], _ questions: [[Int32]]) async throws -> [Output] {
        var outputs = questions.map { _ in Output() }
        var finished: [Int: Usage] = [:]
        let requests = questions.enumerated().map { index, question in
            GenerationRequest(prompt: question, maxOutputTokens: 3 + index, stopTokens: [])
        }
        for try await (index, event) in engine.generate(after: beginning, requests) {
            switch event {
            case .token(let id, _, let logProbability, _):
                outputs[index].tokens.append(id)
                outputs[index].logProbabilities.append(logProbability)
            case .finished(let reason, let usage):
                #expect(reason == .length)
                finished[index] = usage
            case .prefill: continue
            }
        }
        #expect(finished.count == questions.count)
        #expect(finished.allSatisfy { $1.outputTokens == 3 + $0 })
        #expect(finished.allSatisfy { $1.promptTokens == beginning.count + questions[$0].count })
        return outputs
    }

    @Test(arguments: FixtureModel.kinds, [false, true])
    func togetherIsAsAlone(model: FixtureModel, paged: Bool) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let plain = try await model.open(numerics: .fast, kvType: .q8, chunk: 512, contextLimit: 8192)
        let engine =
            paged
            ? try await model.openPaging(.q8, to: folder, chunk: 64)
            : try await model.open(numerics: .fast, kvType: .q8, chunk: 64, contextLimit: 8192)
        // Lengths that end inside of pages, spans and chunks, and at their borders; questions longer than a step.
        for length in [2600, 2560, 2111] {
            let beginning = (0..<length).map { Int32($0 * 7 % 200 + 4) }
            let questions = (0..<5).map { index in (0..<[1, 3, 90, 7, 20][index]).map { Int32($0 * 3 + index + 5) } }
            let outputs = try await together(engine, beginning, questions)
            for (index, question) in questions.enumerated() {
                #expect(
                    try await outputs[index] == alone(plain, beginning + question, 3 + index),
                    "\(length) tokens, question \(index)")
            }
        }
    }

    /// 64 questions read what one reads.
    @Test func manyQuestionsReadWhatOneReads() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let model = try #require(FixtureModel.kinds.first { $0.folder == "qwen2" })
        func bytes(_ questions: Int) async throws -> Int {
            let engine = try await model.openPaging(.f16, to: folder, chunk: 64)
            let beginning = (0..<6000).map { Int32($0 * 7 % 200 + 4) }
            for try await _ in engine.generate(after: beginning, []) {}
            let before = await engine.keyValueCounts
            #expect(before.paged >= 2048)
            let requests = (0..<questions).map {
                GenerationRequest(prompt: [Int32($0 + 4)], maxOutputTokens: 8, stopTokens: [])
            }
            for try await _ in engine.generate(after: beginning, requests) {}
            return await engine.keyValueCounts.reads.bytes - before.reads.bytes
        }
        let (one, many) = (try await bytes(1), try await bytes(64))
        #expect(one > 0 && Double(many) <= 1.2 * Double(one), "\(one) and \(many) bytes")
    }
}
