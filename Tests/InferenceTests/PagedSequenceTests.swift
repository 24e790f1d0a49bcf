// Keys and values that memory has no room for give the same bits from disk: in every kind of model, with windows and
// chunks crossed many times, after a restart, and where the disk gives back something else.

import Foundation
import Hashing
import KVCache
import Kernels
import Synchronization
import SystemPackage
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct PagedSequenceTests {
    private let folder = FilePath(NSTemporaryDirectory()).appending("docproc-paged-\(UUID().uuidString)")

    private struct Output: Equatable {
        var tokens: [Int32] = []
        var logProbabilities: [Float] = []
    }

    private func run(_ engine: Engine, _ prompt: [Int32], kept: Int = 0) async throws -> (Output, cached: Int) {
        var output = Output()
        var cached = 0
        let request = GenerationRequest(prompt: prompt, maxOutputTokens: 12, stopTokens: [], keptTokens: kept)
        for try await event in engine.generate(request) {
            switch event {
            case .token(let id, _, let logProbability, _):
                output.tokens.append(id)
                output.logProbabilities.append(logProbability)
            case .finished(_, let usage): cached = usage.cachedTokens
            case .prefill: continue
            }
        }
        return (output, cached)
    }

    private func prompt(_ count: Int, seed: Int = 7) -> [Int32] { (0..<count).map { Int32($0 * seed % 200 + 4) } }

    private func paging(_ model: FixtureModel, _ type: KVType, store: KVStoreOptions? = nil) async throws -> Engine {
        try await model.openPaging(type, to: folder, store: store)
    }

    private func store(_ name: String, _ report: @escaping @Sendable (KVStoreProblem) -> Void = { _ in })
        -> KVStoreOptions
    {
        KVStoreOptions(root: folder, namespace: ContentHash(of: name), limit: nil, report: report)
    }

    @Test(arguments: FixtureModel.kinds, KVType.allCases)
    func pagesOnDiskChangeNoBit(model: FixtureModel, type: KVType) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let plain = try await model.open(numerics: .fast, kvType: type, chunk: 512, contextLimit: 8192)
        let paged = try await paging(model, type)
        await #expect(throws: EngineError.self) {
            try await model.open(numerics: .fast, contextLimit: 8192) {
                $0.segmentTokens = 512
                $0.pagingFolder = folder
                $0.kvMemory = 1
            }
        }
        let counts = await paged.keyValueCounts
        #expect(counts.resident == 0 && counts.paged == 0)
        for length in [3900, 700, 3950] {
            let prompt = prompt(length, seed: length)
            #expect(try await run(paged, prompt).0 == run(plain, prompt).0, "\(length) tokens")
        }
        let after = await paged.keyValueCounts
        #expect(after.paged >= 2048 && after.reads.bytes > 0)
        #expect(await paged.cacheBytes <= paged.memory.cacheBytes)
        // Another question behind the same text, and one that parts from it within what is on disk.
        let text = prompt(3900, seed: 3900)
        for question in [text + [5, 6, 7], Array(text.prefix(800)) + [9, 8], Array(text.prefix(3800)) + [3]] {
            #expect(try await run(paged, question).0 == run(plain, question).0)
        }
        let positions = [0, 511, 512, 1023, 1700]
        #expect(
            try await paged.logits(prompt(1701), positions: positions)
                == plain.logits(prompt(1701), positions: positions))
    }

    @Test(arguments: FixtureModel.kinds)
    func aStoredWindowIsReadFromItsFiles(model: FixtureModel) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let (text, options) = (prompt(3800), store("a"))
        let plain = try await model.open(numerics: .fast, kvType: .f16, chunk: 512, contextLimit: 8192)
        let (first, second) = (try await run(plain, text + [9]).0, try await run(plain, text + [8, 7]).0)
        #expect(try await run(paging(model, .f16, store: options), text + [9], kept: 3800).0 == first)
        // Another process: nothing is computed again.
        let later = try await run(paging(model, .f16, store: options), text + [8, 7], kept: 3800)
        #expect(later.0 == second && later.cached == 3800)
    }

    /// Two texts where the store has room for one and a half.
    @Test(arguments: FixtureModel.kinds)
    func whatWasEvictedIsComputedAgain(model: FixtureModel) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        func bytes() throws -> Int {
            try FileManager.default.subpathsOfDirectory(atPath: folder.string).reduce(0) { sum, path in
                let attributes = try FileManager.default.attributesOfItem(atPath: folder.appending(path).string)
                return sum + (path.hasSuffix(".kv") ? attributes[.size] as? Int ?? 0 : 0)
            }
        }
        let texts = [prompt(2600), prompt(2600, seed: 11)]
        let plain = try await model.open(numerics: .fast, kvType: .f16, chunk: 512, contextLimit: 8192)
        var options = store("a")
        _ = try await run(paging(model, .f16, store: options), texts[0] + [9], kept: 2600)
        options.limit = try bytes() * 3 / 2
        var reused: [Int] = []
        for text in [texts[1], texts[0], texts[0], texts[1]] {
            let (output, cached) = try await run(paging(model, .f16, store: options), text + [9], kept: 2600)
            #expect(output == (try await run(plain, text + [9])).0)
            #expect(try bytes() <= options.limit ?? 0)
            reused.append(cached)
        }
        // The second text is new; of the first one, what made room for it is gone. Asked again, it is all there.
        #expect(reused[0] == 0 && reused[1] < 2600 && reused[2] == 2600 && reused[3] < 2600, "\(reused)")
    }

    /// Bits that flip while a sequence uses them: told, computed again, stored again.
    @Test(arguments: FixtureModel.kinds)
    func damageIsFoundWhenItIsRead(model: FixtureModel) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let problems = Mutex<[KVStoreProblem]>([])
        let options = store("a") { problem in problems.withLock { $0.append(problem) } }
        let text = prompt(3800)
        let plain = try await model.open(numerics: .fast, kvType: .f16, chunk: 512, contextLimit: 8192)
        let engine = try await paging(model, .f16, store: options)
        #expect(try await run(engine, text + [9], kept: 3800).0 == run(plain, text + [9]).0)
        let paged = await engine.keyValueCounts.paged / 512
        // The files of segments that are paged out, which the engine has open.
        var parent = options.namespace.hex.prefix(24)
        for _ in 0..<paged {
            let files = try FileManager.default.contentsOfDirectory(
                atPath: folder.appending(String(options.namespace.hex.prefix(24))).string)
            let name = try #require(files.first { $0.hasPrefix(parent) })
            parent = name.dropLast(3).suffix(24)
            let path = folder.appending(String(options.namespace.hex.prefix(24))).appending(name)
            let file = try FileDescriptor.open(path, .readWrite)
            let size = try file.seek(offset: 0, from: .end)
            // In the middle of the last page's bytes of one plane, wherever that is: all of the last quarter.
            try file.writeAll(toAbsoluteOffset: size * 3 / 4, [UInt8](repeating: 0x5a, count: Int(size / 8)))
            try file.close()
        }
        for question: [Int32] in [[8, 7], [5]] {
            #expect(try await run(engine, text + question, kept: 3800).0 == run(plain, text + question).0)
        }
        #expect(problems.withLock { $0.count } >= 1)
        let healed = try await run(paging(model, .f16, store: options), text + [3], kept: 3800)
        #expect(healed.cached == 3800, "\(problems.withLock { $0 })")
    }
}
