// Modes that leave out pages on disk, through whole models: what they say of themselves, and that nothing of what they
// compute is there for the next request.

import Foundation
import Hashing
import Kernels
import SystemPackage
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct SparseReadingTests {
    private let folder = FilePath(NSTemporaryDirectory()).appending("docproc-sparse-\(UUID().uuidString)")

    private func run(_ engine: Engine, _ prompt: [Int32], kept: Int = 0) async throws -> (
        tokens: [Int32], cached: Int
    ) {
        var (tokens, cached): ([Int32], Int) = ([], 0)
        let request = GenerationRequest(
            prompt: prompt, maxOutputTokens: 10, stopTokens: [], speculation: false, keptTokens: kept)
        for try await event in engine.generate(request) {
            switch event {
            case .token(let id, _, _, _): tokens.append(id)
            case .finished(_, let usage): cached = usage.cachedTokens
            case .prefill: continue
            }
        }
        return (tokens, cached)
    }

    private func prompt(_ count: Int, seed: Int = 7) -> [Int32] { (0..<count).map { Int32($0 * seed % 200 + 4) } }

    private func open(_ model: FixtureModel, _ type: KVType, _ reading: KVReading, store: KVStoreOptions? = nil)
        async throws -> Engine
    {
        try await model.openPaging(type, to: folder, store: store, reading: reading)
    }

    @Test(arguments: FixtureModel.kinds, [KVReading.lazyValues(0.2), .certified(0.3), .budget(pages: 8)])
    func recordsSayWhatWasRead(model: FixtureModel, reading: KVReading) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let exact = try await open(model, .f16, .exact)
        _ = try await run(exact, prompt(3000))
        let all = await exact.keyValueUse
        #expect(all.mode == "exact" && all.bound == 0 && all.skipped == 0 && all.pages > 0)
        #expect(all.pages == all.pagesRead)
        let engine = try await open(model, .f16, reading)
        _ = try await run(engine, prompt(3000))
        let use = await engine.keyValueUse
        #expect(use.mode == reading.text && use.bound == reading.bound)
        #expect(use.pages == all.pages && use.pagesRead <= use.pages)
        if let bound = reading.bound { #expect(use.skipped <= bound) }
        if case .budget(let pages) = reading { #expect(use.pagesRead * 2048 / 64 <= use.pages * pages) }
    }

    /// The least that can be left out: nothing that shows.
    @Test(arguments: FixtureModel.kinds)
    func tinySharesChangeNoToken(model: FixtureModel) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let exact = try await run(open(model, .f32, .exact), prompt(2500, seed: 13)).tokens
        for reading in [KVReading.lazyValues(1e-7), .certified(1e-7)] {
            #expect(try await run(open(model, .f32, reading), prompt(2500, seed: 13)).tokens == exact)
        }
    }

    /// What was computed from less than everything is neither reused nor stored.
    @Test(arguments: FixtureModel.kinds)
    func nothingOfItStays(model: FixtureModel) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let options = KVStoreOptions(root: folder, namespace: ContentHash(of: "a"), limit: nil) { _ in }
        let engine = try await open(model, .f16, .budget(pages: 1), store: options)
        let text = prompt(3000)
        let first = try await run(engine, text, kept: 3000).tokens
        // A conversation goes on behind the answer, all of it to be kept.
        let next = text + first + prompt(600, seed: 3)
        let again = try await run(engine, next, kept: next.count)
        #expect(again.cached <= text.count)
        let plain = try await model.open(numerics: .fast, kvType: .f16, chunk: 100, contextLimit: 8192)
        let exact = try await run(plain, next + [5]).tokens
        let stored = try await run(open(model, .f16, .exact, store: options), next + [5])
        #expect(stored.tokens == exact && stored.cached > 3000)
    }
}
