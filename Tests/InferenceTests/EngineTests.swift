// The engine's door: events, limits, refusals, cancellation.

import Foundation
import KVCache
import Kernels
import Models
import Testing
import Tokenization
import Weights

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct EngineTests {
    private let model = FixtureModel.all[0]

    private func events(_ engine: Engine, _ request: GenerationRequest) async throws -> [GenerationEvent] {
        var events: [GenerationEvent] = []
        for try await event in engine.generate(request) { events.append(event) }
        return events
    }

    @Test func eventsTellProgressTokensAndCost() async throws {
        let engine = try await model.open(chunk: 16)
        let prompt = (0..<40).map { Int32($0 + 20) }
        let request = GenerationRequest(prompt: prompt, maxOutputTokens: 5, stopTokens: [])
        let first = try await events(engine, request)
        #expect(
            Array(first.prefix(4)) == [0, 16, 32, 40].map { .prefill(done: $0, total: 40, cached: 0) })
        #expect(first.count == 10)
        var text = ""
        for event in first {
            guard case .token(let id, let piece, let logProbability, _) = event else { continue }
            text += piece
            #expect(logProbability <= 0 && Int(id) < engine.model.vocabularySize)
        }
        guard case .finished(.length, let usage) = first[9] else {
            Issue.record("the last event is \(first[9])")
            return
        }
        #expect(usage.promptTokens == 40 && usage.outputTokens == 5 && usage.cachedTokens == 0)

        // The same again: all but the last token of the prompt are there, and the answer is the same.
        let second = try await events(engine, request)
        #expect(second.first == .prefill(done: 39, total: 40, cached: 39))
        #expect(second.dropFirst(2).dropLast() == first.dropFirst(4).dropLast())
    }

    @Test func stopTokensEndTheOutputAndAreNotPartOfIt() async throws {
        let engine = try await model.open()
        let prompt = (0..<40).map { Int32($0 + 20) }
        let free = try await events(engine, GenerationRequest(prompt: prompt, maxOutputTokens: 6, stopTokens: []))
        let tokens = free.compactMap { event -> Int32? in if case .token(let id, _, _, _) = event { id } else { nil } }
        let stop = try #require(tokens.last)
        let before = tokens.prefix { $0 != stop }
        let stopped = try await events(
            engine, GenerationRequest(prompt: prompt, maxOutputTokens: 6, stopTokens: [stop]))
        #expect(
            stopped.compactMap { event -> Int32? in if case .token(let id, _, _, _) = event { id } else { nil } }
                == Array(before))
        guard case .finished(.stop, _) = try #require(stopped.last) else {
            Issue.record("the last event is \(stopped)")
            return
        }
    }

    @Test func outputsBelongToTheirGrammar() async throws {
        let engine = try await model.open()
        let prompt = (0..<40).map { Int32($0 + 20) }
        let digit = Grammar.bytes(ByteClass("0123456789"))
        let grammar = Grammar.sequence([
            .literal("["), .repeat(digit, min: 1, max: 2), .literal("]"), .optional(.literal("!")),
        ])
        for seed in 0..<8 as Range<UInt64> {
            var text = ""
            let sampling = SamplingOptions(temperature: seed == 0 ? 0 : 1, seed: seed)
            let request = GenerationRequest(prompt: prompt, maxOutputTokens: 20, sampling: sampling, grammar: grammar)
            for event in try await events(engine, request) {
                if case .token(_, let piece, _, _) = event { text += piece }
                if case .finished(let reason, _) = event { #expect(reason == .grammar || reason == .stop) }
            }
            #expect(text.wholeMatch(of: /\[[0-9]{1,2}\]!?/) != nil, "seed \(seed): \(text)")
        }
    }

    @Test func cancellationStopsBetweenChunks() async throws {
        let engine = try await model.open(chunk: 1, contextLimit: 8192)
        let prompt = (0..<4000).map { Int32($0 % 200 + 20) }
        var last = 0
        for try await event in engine.generate(GenerationRequest(prompt: prompt, maxOutputTokens: 4)) {
            guard case .prefill(let done, _, _) = event else { continue }
            last = done
            if done >= 3 { break }
        }
        #expect(last == 3)
        // What was computed before the end is reused; far from everything was.
        var cached = 0
        for try await event in engine.generate(GenerationRequest(prompt: prompt, maxOutputTokens: 4)) {
            guard case .prefill(_, _, let reused) = event else { continue }
            cached = reused
            break
        }
        #expect(cached >= 3 && cached < 4000)
    }

    @Test func cancelledTasksThrow() async throws {
        let engine = try await model.open(chunk: 1, contextLimit: 8192)
        let prompt = (0..<4000).map { Int32($0 % 200 + 20) }
        let task = Task { try await engine.logits(prompt, positions: [3999]) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func refusals() async throws {
        let engine = try await model.open(contextLimit: 128)
        #expect(engine.contextLength == 128)
        let prompt = [Int32](repeating: 30, count: 100)
        await #expect(throws: EngineError.context(prompt: 100, output: 29, limit: 128)) {
            try await events(engine, GenerationRequest(prompt: prompt, maxOutputTokens: 29))
        }
        await #expect(throws: EngineError.emptyPrompt) {
            try await events(engine, GenerationRequest(prompt: [], maxOutputTokens: 1))
        }
        await #expect(throws: EngineError.token(320, vocabularySize: 320)) {
            try await events(engine, GenerationRequest(prompt: [320], maxOutputTokens: 1))
        }
        let files = try ModelFiles.open(path: model.gguf.path)
        await #expect(throws: EngineError.self) {
            _ = try await Engine.open(files, options: EngineOptions(threads: 1, kernels: "abacus"))
        }
    }

    @Test func memoryLimitsAreCheckedBeforeAnythingIsLoaded() async throws {
        let files = try ModelFiles.open(path: model.gguf.path)
        var options = EngineOptions(threads: 1, contextLimit: 8192)
        let plan = try Engine.plan(files, options: options)
        #expect(plan.contextTokens == 8192 && plan.weightBytes == WeightResidency(files.checkpoint).neededBytes)
        // 4 layers, 2 heads of 16, keys and values in half precision.
        #expect(plan.cacheBytes == 8192 * 4 * 2 * 2 * 16 * 2)
        options.memoryLimit = plan.totalBytes - plan.weightBytes
        var needed = plan
        needed.batchBytes = 0
        await #expect(throws: EngineError.memory(needed, limit: plan.totalBytes - plan.weightBytes)) {
            try await Engine.open(files, options: options)
        }
        options.memoryLimit = plan.totalBytes
        #expect(try await Engine.open(files, options: options).contextLength == 8192)
        // Without a wish of its own the context shrinks until it fits.
        options.contextLimit = nil
        options.memoryLimit = plan.totalBytes - 1
        let fitted = try await Engine.open(files, options: options)
        #expect(fitted.contextLength < 8192 && fitted.contextLength >= 8192 - 2048)
        #expect(fitted.memory.totalBytes < plan.totalBytes)
    }

    @Test func weightsWithoutRoomAreStreamed() async throws {
        for model in FixtureModel.streamed {
            let files = try ModelFiles.open(path: model.gguf.path)
            var options = EngineOptions(threads: 1, contextLimit: 64)
            let whole = try await Engine.open(files, options: options)
            let residency = WeightResidency(files.checkpoint)
            let others = whole.memory.totalBytes - whole.memory.weightBytes
            options.memoryLimit = others + residency.leastBytes + residency.layerBytes[0]
            let streamed = try await Engine.open(files, options: options)
            #expect(streamed.memory.streamedBytes == residency.layerBytes.dropFirst().reduce(0, +), "\(model)")
            #expect(streamed.memory.totalBytes == options.memoryLimit)
            let tokens: [Int32] = [5, 6, 7, 8, 9]
            let expected = try await whole.logits(tokens, positions: [0, 4])
            #expect(try await streamed.logits(tokens, positions: [0, 4]) == expected)
        }
    }

    @Test func descriptionsComeFromTheFile() throws {
        let gemma = try #require(FixtureModel.all.first { $0.folder == "gemma3" })
        let description = try Engine.describe(ModelFiles.open(path: gemma.gguf.path))
        #expect(description.architecture == "gemma3" && description.quantization == "Q8_0")
        #expect(description.layersByAttention == ["sliding 16": 7, "full": 1])
        #expect(description.contextLength == 32_768 && description.vocabularySize == 384)
        // One head of 32, keys and values in half precision: one layer of 8 sees everything.
        #expect(description.cacheBytesPerToken == 128 && description.cacheBytesPerTokenAllLayers == 1024)
    }

    @Test func otherFamiliesAreRefusedByName() throws {
        var data = try Data(contentsOf: model.gguf)
        let key = try #require(data.range(of: Data("general.architecture".utf8)))
        let name = try #require(data.range(of: Data("llama".utf8), in: key.upperBound..<key.upperBound + 32))
        data.replaceSubrange(name, with: Data("lyrik".utf8))
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).gguf")
        defer { try? FileManager.default.removeItem(at: file) }
        try data.write(to: file)
        let known = ModelFamily.allCases.map(\.rawValue)
        #expect(throws: EngineError.model(.architecture("lyrik", known: known))) {
            try Engine.describe(ModelFiles.open(path: file.path))
        }
    }
}
