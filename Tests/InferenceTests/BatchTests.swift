// Outputs that are written together behind one beginning are what each would be alone, from memory and from disk, and
// read what they share once.

import Foundation
import KVCache
import Kernels
import Models
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

    /// The first goes on when the others have ended.
    private func outputTokens(_ index: Int) -> Int { index == 0 ? 40 : 3 + index }

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
            GenerationRequest(prompt: question, maxOutputTokens: outputTokens(index), stopTokens: [])
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
        #expect(finished.allSatisfy { $1.outputTokens == outputTokens($0) })
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
                    try await outputs[index] == alone(plain, beginning + question, outputTokens(index)),
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
                GenerationRequest(prompt: [Int32($0 + 4)], maxOutputTokens: 8, stopTokens: [], speculation: false)
            }
            for try await _ in engine.generate(after: beginning, requests) {}
            return await engine.keyValueCounts.reads.bytes - before.reads.bytes
        }
        let (one, many) = (try await bytes(1), try await bytes(64))
        #expect(one > 0 && Double(many) <= 1.2 * Double(one), "\(one) and \(many) bytes")
    }

    /// What ends one output leaves the others as they are.
    @Test func eachOutputEndsByItself() async throws {
        let model = try #require(FixtureModel.kinds.first { $0.folder == "qwen2" })
        let engine = try await model.open(numerics: .fast, kvType: .f16, contextLimit: 4096)
        let beginning = (0..<1200).map { Int32($0 * 7 % 200 + 4) }
        let digits = Grammar.repeat(.bytes(ByteClass("0123456789")), min: 1, max: 5)
        var requests = (0..<4).map {
            GenerationRequest(prompt: [Int32($0 + 4)], maxOutputTokens: 9, stopTokens: [])
        }
        requests[0].maxOutputTokens = 40
        requests[1].grammar = digits
        requests[2].isEnough = { $0.utf8.count >= 3 }
        requests[3].maxAnswerTokens = 4
        struct Ended: Equatable {
            var text = ""
            var reason: FinishReason?
            var tokens = 0
        }
        var together = requests.map { _ in Ended() }
        func take(_ event: GenerationEvent, _ ended: inout Ended) {
            switch event {
            case .token(_, let text, _, _): ended.text += text
            case .finished(let reason, let usage): (ended.reason, ended.tokens) = (reason, usage.outputTokens)
            case .prefill: break
            }
        }
        for try await (index, event) in engine.generate(after: beginning, requests) { take(event, &together[index]) }
        for (index, request) in requests.enumerated() {
            var alone = Ended()
            var request = request
            request.prompt = beginning + request.prompt
            for try await event in engine.generate(request) { take(event, &alone) }
            #expect(together[index] == alone, "request \(index)")
        }
        #expect(together.map(\.reason) == [.length, .grammar, .enough, .length])
        #expect(together[1].text.utf8.count == 5 && together[2].text.utf8.count >= 3 && together[2].tokens < 9)
        #expect(together[0].tokens == 40 && together[3].tokens == 4)
    }

    /// A limit of memory makes groups smaller, down to one by one.
    @Test func memoryBoundsWhatIsWrittenTogether() async throws {
        let model = try #require(FixtureModel.kinds.first { $0.folder == "qwen2" })
        let beginning = (0..<3900).map { Int32($0 * 7 % 200 + 4) }
        let requests = (0..<6).map {
            GenerationRequest(prompt: [Int32($0 + 4)], maxOutputTokens: 8, stopTokens: [])
        }
        let files = try ModelFiles.open(path: model.gguf.path)
        let needed = try Engine.plan(files, options: EngineOptions(threads: 2, contextLimit: 4096))
        #expect(needed.batchBytes == 256 << 20)
        /// How many outputs were written by themselves: only these know how long they took.
        func alone(_ limit: Int) async throws -> Int {
            let engine = try await model.open(numerics: .fast, kvType: .f16, contextLimit: 4096) {
                $0.memoryLimit = limit
            }
            #expect(engine.memory.totalBytes + engine.memory.batchBytes <= limit)
            var alone = 0
            for try await (_, event) in engine.generate(after: beginning, requests) {
                if case .finished(_, let usage) = event, usage.decodeSeconds > 0 { alone += 1 }
            }
            return alone
        }
        #expect(try await alone(needed.totalBytes) == 6)
        #expect(try await alone(needed.totalBytes + needed.batchBytes) == 0)
    }
}
