// The page table against its invariants, under random sequences of events; every failure prints its seed.

import Kernels
import Testing

@testable import KVCache

struct KVPageTableTests {
    @Test(arguments: 0..<40)
    func invariantsHoldUnderRandomEvents(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let heads = [
            HeadShape(queryHeads: 4, keyValueHeads: 2, size: 16), HeadShape(queryHeads: 4, keyValueHeads: 1, size: 32),
        ]
        let kinds: [AttentionKind] = [
            .full, .sliding(window: .random(in: 1...90, using: &random)),
            .chunked(size: .random(in: 1...100, using: &random)),
        ]
        var plan: [LayerPlan] = []
        for layer in 0..<Int.random(in: 1...7, using: &random) {
            let shared = layer > 0 && plan[layer - 1].keyValues == .own && Int.random(in: 0..<5, using: &random) == 0
            plan.append(
                LayerPlan(
                    attention: kinds.randomElement(using: &random) ?? .full, rope: nil,
                    keyValues: shared ? .shared(withLayer: layer - 1) : .own,
                    heads: heads.randomElement(using: &random) ?? heads[0]))
        }
        let layout = KVPageLayout(
            contextTokens: .random(in: 1...700, using: &random), chunkTokens: .random(in: 1...150, using: &random),
            slackTokens: .random(in: 0...60, using: &random),
            pageTokens: [8, 16, 64].randomElement(using: &random) ?? 8, segmentTokens: 128,
            residentTokens: Bool.random(using: &random) ? nil : .random(in: 0...700, using: &random))
        var model = Model(plan: plan, layout: layout)
        for _ in 0..<120 {
            let room = min(layout.chunkTokens, layout.contextTokens - model.table.count)
            if room > 0, Int.random(in: 0..<4, using: &random) != 0 {
                model.append(.random(in: 1...room, using: &random), "seed \(seed)")
            } else {
                model.truncate(.random(in: 0...layout.contextTokens, using: &random), "seed \(seed)")
            }
            model.check("seed \(seed)")
        }
    }

    @Test func slidingLayersHoldTheirWindowOnly() {
        let heads = HeadShape(queryHeads: 1, keyValueHeads: 1, size: 8)
        let plan = [
            LayerPlan(attention: .sliding(window: 128), rope: nil, heads: heads),
            LayerPlan(attention: .full, rope: nil, heads: heads),
        ]
        let layout = KVPageLayout(contextTokens: 4096, chunkTokens: 64, slackTokens: 0)
        var table = KVPageTable(plan: plan, layout: layout)
        #expect(table.pools.map(\.pagesPerLayer) == [4, 64])
        for _ in 0..<64 {
            _ = table.reserve(64)
            _ = table.commit(64)
        }
        // The query at 4096 sees 3969...4095, which begin in page 62.
        #expect(table.pages(layer: 0).map(\.ordinal) == [62, 63])
        #expect(table.pages(layer: 1).count == 64)
        // Page 62 begins at 3968, which is the first that the query at 4095 sees; the one at 4094 sees one more.
        #expect(table.resumable(atMost: 4095) == 4095)
        #expect(table.resumable(atMost: 4094) == 0)
    }

    @Test func chunkBordersAreFreeToReturnTo() {
        let heads = HeadShape(queryHeads: 1, keyValueHeads: 1, size: 8)
        let plan = [
            LayerPlan(attention: .chunked(size: 128), rope: nil, heads: heads),
            LayerPlan(attention: .full, rope: nil, heads: heads),
        ]
        var table = KVPageTable(
            plan: plan, layout: KVPageLayout(contextTokens: 1024, chunkTokens: 100, slackTokens: 0))
        for _ in 0..<5 {
            _ = table.reserve(100)
            _ = table.commit(100)
        }
        // Position 500 lies in the chunk from 384; the earlier ones were dropped whole.
        #expect(table.pages(layer: 0).map(\.ordinal) == [6, 7])
        #expect(table.resumable(atMost: 450) == 450)
        #expect(table.resumable(atMost: 300) == 256)
        _ = table.truncate(to: 300)
        #expect(table.count == 256)
        #expect(table.pages(layer: 0).isEmpty)
    }
}

/// Runs a table and repeats in the plainest way what it must hold.
private struct Model {
    var table: KVPageTable
    let plan: [LayerPlan]
    /// What the changes say about each layer: pages by ordinal.
    var held: [[Int: KVPageID]]
    /// Which positions of a layer were written and not given back, and on which page.
    var written: [[Int: KVPageID]]

    init(plan: [LayerPlan], layout: KVPageLayout) {
        self.plan = plan
        table = KVPageTable(plan: plan, layout: layout)
        held = plan.map { _ in [:] }
        written = plan.map { _ in [:] }
    }

    mutating func append(_ tokens: Int, _ seed: Comment) {
        let first = table.count
        apply(table.pageOut(before: table.pagedBefore(adding: tokens)), seed)
        apply(table.reserve(tokens), seed)
        for layer in plan.indices where plan[layer].keyValues == .own {
            // Everything that the first query of the step sees is still there, all new positions have a page.
            let lowest = lowest(layer, first)
            for position in lowest..<first { #expect(written[layer][position] != nil, seed) }
            for position in first..<first + tokens {
                let page = held[layer][position / table.layout.pageTokens]
                #expect(page != nil, seed)
                written[layer][position] = page
            }
        }
        apply(table.commit(tokens), seed)
        #expect(table.count == first + tokens, seed)
    }

    /// The first position that a query must find in memory.
    private func lowest(_ layer: Int, _ position: Int) -> Int {
        plan[layer].attention == .full ? table.paged : plan[layer].attention.lowerBound(position)
    }

    mutating func truncate(_ limit: Int, _ seed: Comment) {
        let before = table.count
        let promised = table.resumable(atMost: limit)
        apply(table.truncate(to: limit), seed)
        #expect(table.count == promised && promised <= min(limit, before), seed)
        if limit >= before { #expect(table.count == before, seed) }
        for layer in written.indices { written[layer] = written[layer].filter { $0.key < promised } }
    }

    private mutating func apply(_ changes: [KVPageTable.Change], _ seed: Comment) {
        for change in changes {
            switch change {
            case .held(let layer, let ordinal, let page):
                #expect(held[layer][ordinal] == nil, seed)
                held[layer][ordinal] = page
            case .dropped(let layer, let ordinal, let page):
                #expect(held[layer].removeValue(forKey: ordinal) == page, seed)
                written[layer] = written[layer].filter { $0.key / table.layout.pageTokens != ordinal }
            }
        }
    }

    func check(_ seed: Comment) {
        var owners: [KVPageID: Int] = [:]
        for layer in plan.indices {
            let pages = table.pages(layer: layer)
            #expect(Dictionary(uniqueKeysWithValues: pages.map { ($0.ordinal, $0.page) }) == held[layer], seed)
            for (_, page) in pages { owners[page, default: 0] += 1 }
            guard plan[layer].keyValues == .own else { continue }
            for position in lowest(layer, table.count)..<table.count {
                #expect(written[layer][position] != nil, seed)
            }
        }
        #expect(owners.values.allSatisfy { $0 == 1 }, seed)
        for (index, pool) in table.pools.enumerated() {
            let owned = owners.keys.filter { $0.pool == index }.map(\.index)
            #expect(Set(owned + table.freePages(pool: index)) == Set(0..<pool.capacity), seed)
            #expect(owned.count + table.freePages(pool: index).count == pool.capacity, seed)
        }
    }
}

/// SplitMix64, so that a seed means the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
