// Prefixes that come from disk give the same output as those that were computed: in another engine, after damage, with
// another question behind them.

import Foundation
import Hashing
import KVCache
import Kernels
import Synchronization
import SystemPackage
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct StoredPrefixTests {
    /// A folder of segments that goes with its owner.
    private final class Store: Sendable {
        let root = FilePath(NSTemporaryDirectory()).appending("docproc-kv-\(UUID().uuidString)")
        let problems = Mutex<[KVStoreProblem]>([])

        func options(_ name: String) -> KVStoreOptions {
            KVStoreOptions(root: root, namespace: ContentHash(of: name), limit: nil) { problem in
                self.problems.withLock { $0.append(problem) }
            }
        }

        var files: [URL] {
            (FileManager.default.enumerator(at: URL(filePath: root.string), includingPropertiesForKeys: nil)?
                .compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "kv" }
        }

        deinit { try? FileManager.default.removeItem(atPath: root.string) }
    }

    private struct Output: Equatable {
        var tokens: [Int32] = []
        var logProbabilities: [Float] = []
        var cached = 0
    }

    private func run(_ engine: Engine, _ prompt: [Int32], kept: Int) async throws -> Output {
        var output = Output()
        let request = GenerationRequest(prompt: prompt, maxOutputTokens: 12, stopTokens: [], keptTokens: kept)
        for try await event in engine.generate(request) {
            switch event {
            case .token(let id, _, let logProbability, _):
                output.tokens.append(id)
                output.logProbabilities.append(logProbability)
            case .finished(_, let usage): output.cached = usage.cachedTokens
            case .prefill: continue
            }
        }
        return output
    }

    /// Long enough to be worth storing, past windows and chunks of all fixtures.
    private func prompt(_ question: Int32) -> [Int32] {
        (0..<700).map { Int32($0 * 7 % 200 + 4) } + [question, question + 1, question + 2]
    }

    @Test(arguments: FixtureModel.kinds, KVType.allCases)
    func anotherEngineGoesOnFromDisk(model: FixtureModel, type: KVType) async throws {
        let store = Store()
        let options = store.options(model.testDescription)
        func open(_ options: KVStoreOptions?) async throws -> Engine {
            try await model.open(numerics: .fast, kvType: type, chunk: 128, kvStore: options)
        }
        let plain = try await open(nil)
        let (first, second) = (
            try await run(plain, prompt(9), kept: 0), try await run(try await open(nil), prompt(50), kept: 0)
        )

        let stored = try await run(try await open(options), prompt(9), kept: 700)
        #expect(stored == first)
        #expect(store.files.count == 1)
        // Another process: the prompt is restored but for the question.
        var restored = try await run(try await open(options), prompt(50), kept: 700)
        #expect(restored.cached == 700)
        restored.cached = second.cached
        #expect(restored == second)

        // A flipped bit: computed again, and stored again.
        let file = try #require(store.files.first)
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2 / 4096 * 4096] ^= 4  // no padding: pages begin at multiples of 4096
        try bytes.write(to: file)
        let healed = try await run(try await open(options), prompt(9), kept: 700)
        #expect(healed == first)
        #expect(store.problems.withLock { $0.count } == 1)
        #expect(try await run(try await open(options), prompt(9), kept: 700).cached == 700)
        // Another model's segments are not seen.
        let foreign = try await run(try await open(store.options("other")), prompt(9), kept: 0)
        #expect(foreign == first)
    }

    /// More than one segment, in a model whose local layers give up whole chunks.
    @Test func fullSegmentsFollowEachOther() async throws {
        let store = Store()
        let model = try #require(FixtureModel.kinds.first { $0.folder == "llama4-scout" })
        let options = store.options("scout")
        func open(_ options: KVStoreOptions?) async throws -> Engine {
            try await model.open(numerics: .fast, kvType: .f16, chunk: 512, contextLimit: 20_000, kvStore: options)
        }
        let long = (0..<17_000).map { Int32($0 * 7 % 200 + 4) }
        let plain = try await run(try await open(nil), long + [9], kept: 0)
        #expect(try await run(try await open(options), long + [9], kept: 17_000) == plain)
        #expect(store.files.count == 3)
        var restored = try await run(try await open(options), long + [9], kept: 17_000)
        #expect(restored.cached == 17_000)
        restored.cached = 0
        #expect(restored == plain)
        // What parts from it in the second segment has the first one, and the whole chunks of the second.
        let other = Array(long.prefix(12_000)) + [5, 6, 7, 8]
        let parted = try await run(try await open(options), other, kept: 0)
        #expect(parted.cached >= 8192)
        var fresh = try await run(try await open(nil), other, kept: 0)
        fresh.cached = parted.cached
        #expect(parted == fresh)
        // Without its middle the end is of no use.
        func follower(_ parent: Substring) -> URL? {
            store.files.first { $0.lastPathComponent.hasPrefix(parent) }
        }
        let first = try #require(follower(options.namespace.hex.prefix(24)))
        let key = first.deletingPathExtension().lastPathComponent.suffix(24)
        let middle = try #require(follower(key))
        try FileManager.default.removeItem(at: middle)
        #expect(try await run(try await open(options), long + [9], kept: 0).cached == 8192)
    }

    @Test func aFolderThatCannotBeWrittenCostsAWarning() async throws {
        let model = FixtureModel.kinds[0]
        let problems = Mutex<[KVStoreProblem]>([])
        let options = KVStoreOptions(
            root: "/proc/nothing", namespace: ContentHash(of: "x"), limit: nil
        ) { problem in problems.withLock { $0.append(problem) } }
        let plain = try await run(try await model.open(numerics: .fast), prompt(9), kept: 0)
        let engine = try await model.open(numerics: .fast, kvStore: options)
        #expect(try await run(engine, prompt(9), kept: 700) == plain)
        let found = problems.withLock { $0 }
        guard case .unwritable = found.first, found.count == 1 else {
            Issue.record("\(found)")
            return
        }
    }
}
