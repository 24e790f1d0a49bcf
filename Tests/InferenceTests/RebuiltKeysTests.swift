// Layers of Gemma 4 whose keys are their values before norms and rotation keep values only. What they compute has the
// bits of a cache that keeps both.

import Foundation
import KVCache
import Kernels
import Models
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct RebuiltKeysTests {
    /// Those without value projections in layers that see everything, with and without experts.
    static let models = [
        FixtureModel(folder: "gemma4-dense", file: nil), FixtureModel(folder: "gemma4-moe", file: "gemma4-moe-Q8_0"),
    ]

    private let ids = (0..<600).map { Int32($0 * 7 % 200 + 4) }
    private let positions = [0, 1, 63, 64, 65, 149, 200, 511, 512, 513, 599]

    private func open(
        _ model: FixtureModel, rebuildsKeys: Bool, type: KVType = .f32, numerics: Numerics = .exact, chunk: Int = 512,
        threads: Int = 2, kernels: String? = nil
    ) async throws -> Engine {
        var options = EngineOptions(
            threads: threads, numerics: numerics, kvType: type, kernels: kernels, prefillChunk: chunk,
            contextLimit: 2048)
        options.rebuildsKeys = rebuildsKeys
        return try await Engine.open(ModelFiles.open(path: model.gguf.path), options: options)
    }

    @Test(arguments: models, KernelSet.available.map(\.name))
    func floatsHaveTheSameBits(model: FixtureModel, kernels: String) async throws {
        // The portable level is slow.
        let length = kernels == "portable" ? 150 : ids.count
        let ids = Array(ids.prefix(length)), positions = positions.filter { $0 < length }
        for numerics in Numerics.allCases {
            let kept = try await open(model, rebuildsKeys: false, numerics: numerics, kernels: kernels)
            let expected = try await kept.logits(ids, positions: positions)
            for (chunk, threads) in [(512, 2), (700, 1), (37, 2), (1, 4)] {
                let rebuilt = try await open(
                    model, rebuildsKeys: true, numerics: numerics, chunk: chunk, threads: threads, kernels: kernels)
                #expect(try await rebuilt.logits(ids, positions: positions) == expected, "chunks of \(chunk)")
            }
        }
    }

    /// Keys share the rounding of their values: as near as two planes with roundings of their own, within a factor.
    @Test(arguments: models, [KVType.f16, .q8, .q4])
    func fewerBitsStayClose(model: FixtureModel, type: KVType) async throws {
        let exact = try await open(model, rebuildsKeys: false).logits(ids, positions: positions).joined()
        func error(rebuildsKeys: Bool) async throws -> Float {
            let found = try await open(model, rebuildsKeys: rebuildsKeys, type: type)
                .logits(ids, positions: positions).joined()
            let squares = zip(exact, found).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            return (squares / exact.reduce(0) { $0 + $1 * $1 }).squareRoot()
        }
        let (kept, rebuilt) = (try await error(rebuildsKeys: false), try await error(rebuildsKeys: true))
        print("\(model.testDescription), \(type): error \(kept) with keys, \(rebuilt) with rebuilt keys")
        #expect(rebuilt > 0 && rebuilt < 2 * kept)
    }

    @Test(arguments: models) func planesOfKeysAreSaved(model: FixtureModel) throws {
        let files = try ModelFiles.open(path: model.gguf.path)
        func bytes(rebuildsKeys: Bool) throws -> (global: Int, all: Int) {
            let plan = try EnginePlanner.configuration(files, rebuildsKeys: rebuildsKeys).layerPlan
            let bytes = plan.map { ($0.attention, $0.heads.pageShape(.q8, pageTokens: 64).bytes) }
            return (
                bytes.filter { $0.0 == .full }.reduce(0) { $0 + $1.1 }, bytes.reduce(0) { $0 + $1.1 }
            )
        }
        let (kept, rebuilt) = (try bytes(rebuildsKeys: false), try bytes(rebuildsKeys: true))
        #expect(rebuilt.global * 2 == kept.global && kept.global > 0)
        #expect(kept.all - rebuilt.all == rebuilt.global)
        // A model with value projections keeps both.
        let other = try #require(FixtureModel.kinds.first { $0.folder == "gemma4-e2b" })
        let plan = try EnginePlanner.configuration(ModelFiles.open(path: other.gguf.path)).layerPlan
        #expect(plan.allSatisfy { $0.heads.hasKeys })
    }
}
