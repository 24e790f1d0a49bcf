import Kernels
import Testing

@testable import KVCache

struct KVCacheManagerTests {
    private let plan = [
        LayerPlan(
            attention: .sliding(window: 100), rope: nil, heads: HeadShape(queryHeads: 2, keyValueHeads: 1, size: 32)),
        LayerPlan(attention: .full, rope: nil, heads: HeadShape(queryHeads: 2, keyValueHeads: 2, size: 64)),
        LayerPlan(
            attention: .full, rope: nil, keyValues: .shared(withLayer: 1),
            heads: HeadShape(queryHeads: 2, keyValueHeads: 2, size: 64)),
    ]

    @Test(arguments: KVType.allCases)
    func bytesStayBelowThePlanAndComeFromIt(type: KVType) {
        let layout = KVPageLayout(contextTokens: 2048, chunkTokens: 128, slackTokens: 64)
        let cache = KVCacheManager(plan: plan, layout: layout, type: type)
        let most = KVCacheManager.maximumBytes(plan: plan, layout: layout, type: type)
        // Sliding: 99 + 64 + 128 positions touch at most 6 pages; full: 32 pages. Slabs round up to 16 pages.
        let numbers = 16 * 2 * 64 * 32 + 32 * 2 * 64 * 128
        // Keys and values have a scale of two bytes for each position and head.
        let scales = 2 * (16 * 2 * 64 + 32 * 2 * 64 * 2)
        let expected: [KVType: Int] = [
            .f32: 4 * numbers, .f16: 2 * numbers, .q8: numbers + scales, .q4: numbers * 3 / 4 + scales,
        ]
        #expect(most == expected[type])
        #expect(cache.residentBytes == 0)
        for _ in 0..<16 {
            cache.reserve(128)
            cache.commit(128)
            #expect(cache.residentBytes <= most)
        }
        #expect(cache.count == 2048)
        #expect(cache.residentBytes == most)
    }

    /// Gemma 4 26B-A4B at its longest context: global layers with the values as keys, in bytes with a scale of two per
    /// token and head, and nothing but padding besides.
    @Test func gemmasGlobalLayersKeepOneVector() {
        let heads = HeadShape(queryHeads: 16, keyValueHeads: 2, size: 512, hasKeys: false)
        let plan = (0..<5).map { _ in LayerPlan(attention: .full, rope: nil, heads: heads) }
        let layout = KVPageLayout(contextTokens: 262_144, chunkTokens: 512, slackTokens: 0)
        let bytes = KVCacheManager.maximumBytes(plan: plan, layout: layout, type: .q8)
        #expect(bytes == 262_144 * 5 * 2 * (512 + 2))
        #expect(bytes <= 1_400_000_000)
    }

    @Test func sharedLayersReadTheOwnersPages() throws {
        let cache = KVCacheManager(
            plan: plan, layout: KVPageLayout(contextTokens: 256, chunkTokens: 128, slackTokens: 0), type: .f16)
        cache.reserve(100)
        cache.commit(100)
        let (own, shared) = (cache.pages(layer: 1).run, cache.pages(layer: 2).run)
        #expect(own.end == 2 && shared.end == 2)
        #expect((0..<2).allSatisfy { own[$0] != nil && own[$0]?.keys == shared[$0]?.keys })
    }

    @Test func storedKeysAreFoundAgainAfterTruncation() {
        let cache = KVCacheManager(
            plan: plan, layout: KVPageLayout(contextTokens: 256, chunkTokens: 128, slackTokens: 64), type: .f32)
        let compute = Compute(pool: ThreadPool(threads: 1), kernels: .best(), numerics: .exact)
        func append(_ tokens: Int, mark: Float) {
            let first = cache.count
            cache.reserve(tokens)
            let width = plan[1].heads.keyValueWidth
            let values = (0..<tokens * width).map { mark + Float(first + $0 / width) }
            unsafe compute.storeKV(
                keys: values, values: values, tokens: tokens, firstPosition: first, into: cache.pages(layer: 1))
            cache.commit(tokens)
        }
        func key(_ position: Int) -> Float? {
            let pages = cache.pages(layer: 1)
            guard let page = pages.run[position / pages.pageTokens] else { return nil }
            return unsafe page.keys.load(fromByteOffset: position % pages.pageTokens * 4, as: Float.self)
        }
        append(120, mark: 1000)
        cache.truncate(to: 70)
        append(20, mark: 2000)
        #expect(cache.count == 90)
        #expect([0, 63, 64, 69, 70, 89].map(key) == [1000, 1063, 1064, 1069, 2070, 2089])
    }
}
