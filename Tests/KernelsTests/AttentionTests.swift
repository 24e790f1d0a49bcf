// Attention against the textbook formula in double precision, over all kinds of view, odd shapes, page borders and
// dropped pages; and the same bits for any number of threads and any division into chunks.

import Glibc
import Kernels
import Tensors
import Testing

/// Cached keys and values of one sequence in one layer, and its queries.
private final class Sequence {
    let (heads, kvHeads, headDim, length): (Int, Int, Int, Int)
    let type: KVType
    let queries: [Float], keys: [Float], values: [Float]
    private var memory: [UnsafeMutableRawPointer] = []
    private(set) var cache: KVPages

    init(heads: Int, kvHeads: Int, headDim: Int, length: Int, type: KVType, seed: UInt64 = 1) {
        (self.heads, self.kvHeads, self.headDim, self.length) = (heads, kvHeads, headDim, length)
        self.type = type
        var random = Random(seed)
        queries = random.floats(length * heads * headDim).map { $0 * 3 }
        keys = random.floats(length * kvHeads * headDim).map { Float(Float16($0)) }
        values = random.floats(length * kvHeads * headDim).map { Float(Float16($0)) }
        cache = KVPages(run: KVPageRun(), pageTokens: 64, kvHeads: kvHeads, headDim: headDim, type: type)
        for _ in 0..<(length + 63) / 64 {
            let page = UnsafeMutableRawPointer.allocate(byteCount: cache.shape.bytes, alignment: 64)
            // Whatever was there before must not matter: NaN everywhere.
            page.initializeMemory(as: UInt8.self, repeating: 0xff, count: cache.shape.bytes)
            memory.append(page)
            cache.run.append(KVPageView(keys: page, values: page + cache.shape.keyBytes))
        }
    }

    deinit { memory.forEach { $0.deallocate() } }

    /// Stores and attends in chunks; pages that no later query sees are dropped.
    func run(_ c: Compute, _ kind: AttentionKind, chunk: Int) -> [Float] {
        var out = [Float](repeating: .nan, count: length * heads * headDim)
        var cache = cache
        out.withUnsafeMutableBufferPointer { out in
            guard let out = out.baseAddress else { return }
            for first in stride(from: 0, to: length, by: chunk) {
                let tokens = min(chunk, length - first), width = kvHeads * headDim
                keys.withUnsafeBufferPointer { keys in
                    values.withUnsafeBufferPointer { values in
                        guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
                        c.storeKV(
                            keys: keys + first * width, values: values + first * width, tokens: tokens,
                            firstPosition: first, into: cache)
                    }
                }
                for page in 0..<kind.lowerBound(first) / 64 { cache.run[page] = nil }
                queries.withUnsafeBufferPointer { queries in
                    guard let queries = queries.baseAddress else { return }
                    let request = AttentionRequest(
                        queries: queries + first * heads * headDim, tokens: tokens, heads: heads, scale: 0.2,
                        kind: kind,
                        firstPosition: first, cache: cache)
                    c.attention(request, into: out + first * heads * headDim)
                }
            }
        }
        return out
    }

    /// What the cache holds, by position and KV head.
    func stored() -> (keys: [[Double]], values: [[Double]]) {
        var keys: [[Double]] = [], values: [[Double]] = []
        for place in 0..<length * kvHeads {
            let (position, head) = (place / kvHeads, place % kvHeads)
            guard let page = cache.run[position / cache.pageTokens] else { preconditionFailure("no page") }
            let pagePlace = position % cache.pageTokens
            keys.append(cache.shape.row(ofKeys: page.keys, head: head, place: pagePlace))
            values.append(cache.shape.row(ofValues: page.values, head: head, place: pagePlace))
        }
        return (keys, values)
    }

    /// softmax(q k / scale) v, one query and head at a time.
    func reference(
        _ stored: (keys: [[Double]], values: [[Double]]), _ kind: AttentionKind, position: Int, head: Int
    ) -> [Double] {
        let kvHead = head / (heads / kvHeads)
        let first: Int
        switch kind {
        case .full: first = 0
        case .sliding(let window): first = max(0, position - window + 1)
        case .chunked(let size): first = position - position % size
        }
        var scores: [Double] = []
        for key in first...position {
            var dot = 0.0
            for d in 0..<headDim {
                let q = queries[(position * heads + head) * headDim + d]
                dot += Double(q) * stored.keys[key * kvHeads + kvHead][d]
            }
            scores.append(dot * 0.2)
        }
        let top = scores.max() ?? 0
        let weights = scores.map { exp($0 - top) }, sum = weights.reduce(0, +)
        return (0..<headDim).map { d in
            zip(first...position, weights).reduce(0.0) {
                $0 + $1.1 * stored.values[$1.0 * kvHeads + kvHead][d]
            } / sum
        }
    }
}

private let kinds: [AttentionKind] = [
    .full, .sliding(window: 1), .sliding(window: 64), .sliding(window: 100), .sliding(window: 700), .chunked(size: 96),
    .chunked(size: 256),
]

@Suite struct AttentionTests {
    @Test(arguments: kinds, KVType.allCases) func agreesWithTheFormula(kind: AttentionKind, type: KVType) {
        for (heads, kvHeads, headDim, length) in [
            (4, 2, 16, 661), (6, 2, 64, 140), (3, 3, 20, 70), (4, 2, 128, 290), (2, 1, 256, 261), (4, 2, 512, 210),
        ] {
            let s = Sequence(heads: heads, kvHeads: kvHeads, headDim: headDim, length: length, type: type)
            let out = s.run(Compute(pool: ThreadPool(threads: 2)), kind, chunk: 200)
            let stored = s.stored()
            for position in [0, 1, 63, 64, 65, 96, 128, 199, 200, 511, 512, 660] where position < length {
                for head in [0, heads - 1] {
                    let place = (position * heads + head) * headDim
                    let expected = s.reference(stored, kind, position: position, head: head)
                    let worst = (0..<headDim).map { abs(Double(out[place + $0]) - expected[$0]) }.max() ?? .nan
                    // Values are at most 1; scores are off by some 1e-6 of their size.
                    #expect(worst < 5e-6, "\(kind), position \(position), head \(head)")
                }
            }
        }
    }

    @Test(arguments: kinds, KVType.allCases)
    func bitsDependNeitherOnThreadsNorOnChunks(kind: AttentionKind, type: KVType) {
        let s = Sequence(heads: 4, kvHeads: 2, headDim: 16, length: 1100, type: type, seed: 9)
        let one = bits(s.run(Compute(pool: ThreadPool(threads: 1)), kind, chunk: 1100))
        #expect(one.allSatisfy { Float(bitPattern: $0).isFinite })
        for (threads, chunk) in [(2, 1100), (4, 512), (2, 130), (4, 37), (2, 5), (2, 1)] {
            let c = Compute(pool: ThreadPool(threads: threads))
            #expect(bits(s.run(c, kind, chunk: chunk)) == one, "\(threads) threads, chunks of \(chunk)")
        }
    }

    @Test(arguments: levels, KVType.allCases)
    func everyLevelAgreesWithTheFormula(level: String, type: KVType) throws {
        let s = Sequence(heads: 2, kvHeads: 1, headDim: 24, length: 150, type: type, seed: 4)
        let kernels = try #require(KernelSet.named(level))
        let out = s.run(Compute(pool: ThreadPool(threads: 2), kernels: kernels), .full, chunk: 70)
        let stored = s.stored()
        for position in [0, 64, 149] {
            let expected = s.reference(stored, .full, position: position, head: 1)
            let place = (position * 2 + 1) * 24
            #expect((0..<24).allSatisfy { abs(Double(out[place + $0]) - expected[$0]) < 5e-6 })
        }
    }

    @Test func viewsAreTwoIntegers() {
        #expect(AttentionKind.full.lowerBound(1000) == 0)
        #expect(AttentionKind.sliding(window: 4).lowerBound(2) == 0)
        #expect(AttentionKind.sliding(window: 4).lowerBound(10) == 7)
        #expect(AttentionKind.chunked(size: 8).lowerBound(7) == 0)
        #expect(AttentionKind.chunked(size: 8).lowerBound(23) == 16)
    }
}
