// Modes of reading on real text with a released model: pages read, speed, and every head's output beside the exact one.
// Takes half an hour, nearly all of it for reading the text once: only with `DOCPROC_TORTURE=1`.

import Foundation
import Hashing
import Kernels
import Models
import SystemPackage
import Testing
import Tokenization

@testable import Inference

@Suite(.enabled(if: RealModel.qwen2.path != nil, RealModel.qwen2.missing))
struct SparseReadingRealTextTests {
    private static let isFull = ProcessInfo.processInfo.environment["DOCPROC_TORTURE"] == "1"
    private static let modes = [
        "exact", "lazy-v:0.001", "lazy-v:0.01", "lazy-v:0.1", "certified:0.01", "certified:0.1", "certified:0.5",
        "budget:16", "budget:64",
    ]
    private let folder = FilePath(NSTemporaryDirectory()).appending("docproc-sparse-\(UUID().uuidString)")

    /// The sources of this package.
    private var text: String {
        get throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("Sources")
            let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path)
                .filter { $0.hasSuffix(".swift") && !$0.contains("Tables") }.sorted()
            return try paths.map { try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8) }.joined()
        }
    }

    private func open(_ reading: KVReading) async throws -> Engine {
        func open(_ kvMemory: Int) async throws -> Engine {
            var options = EngineOptions(threads: 2, numerics: .fast, kvType: .f16, contextLimit: 32_768)
            options.segmentTokens = 2048
            options.pagingFolder = folder
            options.kvMemory = kvMemory
            options.kvReading = reading
            options.kvStore = KVStoreOptions(root: folder, namespace: ContentHash(of: "a"), limit: nil) { _ in }
            return try await Engine.open(ModelFiles.open(path: #require(RealModel.qwen2.path)), options: options)
        }
        do {
            return try await open(1)
        } catch EngineError.keyValueMemory(let needed, _) {
            return try await open(needed)
        }
    }

    private func run(_ engine: Engine, _ prompt: [Int32], output: Int) async throws -> (tokens: [Int32], usage: Usage) {
        var tokens: [Int32] = []
        var usage = Usage(promptTokens: 0, cachedTokens: 0, outputTokens: 0, prefillSeconds: 0, decodeSeconds: 0)
        let request = GenerationRequest(
            prompt: prompt, maxOutputTokens: output, stopTokens: [], speculation: false, keptTokens: prompt.count)
        for try await event in engine.generate(request) {
            switch event {
            case .token(let id, _, _, _): tokens.append(id)
            case .finished(_, let spent): usage = spent
            case .prefill: continue
            }
        }
        return (tokens, usage)
    }

    @Test(.enabled(if: isFull, "SKIPPED: only with DOCPROC_TORTURE=1"))
    func outputsStayWithinTheirBounds() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let first = try await open(.exact)
        let all = Array(first.tokenizer.encode(try text).prefix(32_000))
        try #require(all.count == 32_000)
        _ = try await run(first, all, output: 1)
        for length in [16_000, 32_000] {
            let prompt = Array(all.prefix(length))
            var exact: [Int32] = []
            for name in Self.modes {
                let reading = try #require(KVReading(name))
                let engine = try await open(reading)
                // Coarse keys are made with the first token.
                _ = try await run(engine, prompt, output: 2)
                let (tokens, usage) = try await run(engine, prompt, output: 64)
                let use = await engine.keyValueUse
                if reading == .exact { exact = tokens }
                let same = zip(tokens, exact).prefix { $0 == $1 }.count
                var line = "\(length) \(name): pages \(use.pagesRead) of \(use.pages), left out \(use.skipped), "
                line +=
                    "\(Double(usage.outputTokens - 1) / usage.decodeSeconds) tokens/s, \(same) of 64 tokens as exact"
                if reading != .exact {
                    await engine.checkReading()
                    _ = try await run(engine, prompt, output: 48)
                    let check = try #require(await engine.readingCheck)
                    #expect(reading.bound == nil || check.violations == 0)
                    line += "; \(check.heads) outputs checked, \(check.violations) beyond their bound, "
                    line += "largest difference \(check.largest), \(check.largestOfBound) of its bound"
                }
                print(line)
            }
        }
    }
}
