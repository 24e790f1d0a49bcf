// What the cache takes, against the arithmetic by hand: every figure of it that the code is meant to reach.

import Conversion
import Inference
import KVCache
import Kernels
import Models
import Testing

@testable import Benchmarks

@Suite struct KVTableTests {
    /// A row of the published arithmetic: decimal bytes, rounded to the digits given.
    struct Row: CustomTestStringConvertible {
        var model: SyntheticModel
        var tokens: Int
        /// All layers and layer-aware, both in 16 bits; a byte for each number, and the same with values only.
        var everything, layerAware, bytes8: (Double, digit: Double)
        var bytes8Once: (Double, digit: Double)?
        var local: (Double, digit: Double)
        var testDescription: String { "\(model.rawValue) \(tokens)" }
    }

    static let rows = [
        Row(
            model: .gemma4E2B, tokens: 131_072, everything: (2.4e9, 1e8), layerAware: (0.81e9, 1e7),
            bytes8: (0.40e9, 1e7), local: (6e6, 1e6)),
        Row(
            model: .gemma4E4B, tokens: 131_072, everything: (7.5e9, 1e8), layerAware: (2.2e9, 1e8),
            bytes8: (1.1e9, 1e8), local: (21e6, 1e6)),
        Row(
            model: .gemma426B, tokens: 262_144, everything: (59e9, 1e9), layerAware: (5.6e9, 1e8),
            bytes8: (2.7e9, 1e8), bytes8Once: (1.35e9, 1e7), local: (210e6, 1e7)),
        Row(
            model: .gemma431B, tokens: 262_144, everything: (236e9, 1e9), layerAware: (22e9, 1e9),
            bytes8: (10.8e9, 1e8), bytes8Once: (5.4e9, 1e8), local: (839e6, 1e6)),
        Row(
            model: .llama4Scout, tokens: 262_144, everything: (52e9, 1e9), layerAware: (14e9, 1e9),
            bytes8: (6.5e9, 1e8), local: (1.2e9, 1e8)),
        Row(
            model: .llama4Scout, tokens: 1_048_576, everything: (206e9, 1e9), layerAware: (53e9, 1e9),
            bytes8: (26e9, 1e9), local: (1.2e9, 1e8)),
        Row(
            model: .llama4Scout, tokens: 10_485_760, everything: (2.06e12, 1e10), layerAware: (517e9, 1e9),
            bytes8: (262e9, 1e9), local: (1.2e9, 1e8)),
    ]

    private func plan(_ model: SyntheticModel, once: Bool) throws -> [LayerPlan] {
        try ModelFamily.configuration(SyntheticCheckpoint(model), rebuildsKeys: once).layerPlan
    }

    private func isPrinted(_ bytes: Int, as figure: (Double, digit: Double)) -> Bool {
        abs(Double(bytes) - figure.0) <= figure.digit / 2 * 1.000_001
    }

    /// The formulas that are printed beside the real figures are the published ones.
    @Test(arguments: rows) func theArithmeticIsThePublishedOne(row: Row) throws {
        let arithmetic = KVArithmetic(try plan(row.model, once: true), tokens: row.tokens)
        #expect(isPrinted(arithmetic.everything16, as: row.everything), "\(arithmetic.everything16)")
        #expect(isPrinted(arithmetic.layerAware16, as: row.layerAware), "\(arithmetic.layerAware16)")
        #expect(isPrinted(arithmetic.bytes8, as: row.bytes8), "\(arithmetic.bytes8)")
        #expect(isPrinted(arithmetic.bytes8Once, as: row.bytes8Once ?? row.bytes8), "\(arithmetic.bytes8Once)")
        #expect(isPrinted(arithmetic.local16, as: row.local), "\(arithmetic.local16)")
    }

    /// What the cache allocates differs from it by no more than whole pages, whole slabs of them, and the room of one
    /// step: here of 64 tokens, and without room for cuts.
    @Test(arguments: rows) func theCacheTakesNoMoreThanThat(row: Row) throws {
        let layout = KVPageLayout(contextTokens: row.tokens, chunkTokens: 64, slackTokens: 0)
        for once in [false, true] {
            let plan = try plan(row.model, once: once)
            let full = plan.filter { $0.attention == .full }
            let local = plan.filter { $0.attention != .full && $0.keyValues == .own }
            func bytes(_ plan: [LayerPlan], _ type: KVType) -> Int {
                KVCacheManager.maximumBytes(plan: plan, layout: layout, type: type)
            }
            func rounding(_ plan: [LayerPlan], _ type: KVType, pages: Int) -> Int {
                layout.pools(plan).reduce(0) { sum, pool in
                    sum + (pool.layers.count * pages + 16) * pool.heads.pageShape(type, pageTokens: 64).bytes
                }
            }
            let arithmetic = KVArithmetic(plan, tokens: row.tokens)
            let full16 = (arithmetic.layerAware16 - arithmetic.local16) / (once && row.bytes8Once != nil ? 2 : 1)
            let full8 = once ? arithmetic.bytes8Once : arithmetic.bytes8
            for (found, expected, rounding) in [
                (bytes(full, .f16), full16, rounding(full, .f16, pages: 0)),
                (bytes(full, .q8), full8, rounding(full, .q8, pages: 0)),
                (bytes(local, .f16), arithmetic.local16, rounding(local, .f16, pages: 2)),
            ] {
                #expect((expected...expected + rounding).contains(found), "\(found) for \(expected), \(once)")
            }
        }
    }

    /// The figure that the product names.
    @Test func gemmaAtItsLongestTakesWhatIsPromised() throws {
        let full = try plan(.gemma426B, once: true).filter { $0.attention == .full }
        let layout = KVPageLayout(contextTokens: 262_144, chunkTokens: 512, slackTokens: 0)
        #expect(KVCacheManager.maximumBytes(plan: full, layout: layout, type: .q8) == 1_347_420_160)
    }

    @Test func layersAreToldApart() throws {
        let table = try KVTable(.gemma4E2B, options: EngineOptions(threads: 1))
        #expect(table.contextTokens == 131_072)
        #expect(table.layers.map(\.count) == [3, 12, 4, 16])
        #expect(table.layers.map(\.isOwn) == [true, true, false, false])
        #expect(table.layers.map { $0.memory[.f16] } == [6144, 12_288, 0, 0])
        #expect(table.layers.map { $0.memory[.q8] } == [3 * 1028, 12 * 516, 0, 0])
        // Checksums and whole blocks of 4 KiB, and the places of a page that the window begins in.
        for layers in table.layers where layers.isOwn {
            for type in KVTable.types {
                let (memory, disk) = (Double(layers.memory[type] ?? 0), layers.disk[type] ?? 0)
                #expect(disk >= memory && disk < memory * 1.05, "\(layers.attention) \(type): \(disk) for \(memory)")
            }
        }
        let scout = try KVTable(.llama4Scout, contextTokens: 1 << 20, options: EngineOptions(threads: 1))
        #expect(scout.layers.map(\.attention) == [.full, .chunked(size: 8192)])
        #expect(scout.layers.map(\.count) == [12, 36])
        let sizes = try #require(scout.sizes[.q8])
        #expect(sizes.leastMemory < sizes.memory / 20 && sizes.paged == scout.arithmetic.bytes8)
        #expect(scout.sizes[.f16].map { $0.memory < scout.arithmetic.layerAware16 * 21 / 20 } == true)
    }
}
