// Attention that leaves pages out: what it says about them must be true. Against all pages, over random keys of every
// kind of difficulty: lengths, outliers, pages that are alike, pages that hold everything.
//
// Some thousands of heads by default; `DOCPROC_TORTURE=1` checks a million.

import Foundation
import Kernels
import Tensors
import Testing

/// Pages in memory that pretend to be on disk.
private final class Pages: KVPageStream, KVSparsePages {
    let cache: KVPages
    let end: Int
    var reading = KVReading.exact
    private(set) var counts = KVSelectionCounts()
    private var coarse: [UnsafeMutableRawPointer] = []
    private let hasRoom: Bool

    init(_ cache: KVPages, end: Int, hasRoom: Bool = true) {
        self.cache = cache
        self.end = end
        self.hasRoom = hasRoom
    }

    deinit { coarse.forEach { $0.deallocate() } }

    var sparse: (any KVSparsePages)? { reading == .exact ? nil : self }
    private var pages: Int { end / cache.pageTokens }

    private func run(_ pages: some Sequence<Int>) -> KVPageRun {
        var run: KVPageRun?
        for page in pages {
            var next = run ?? KVPageRun(first: page)
            while next.end < page { next.append(nil) }
            next.append(cache.run[page])
            run = next
        }
        return run ?? KVPageRun()
    }

    func forEachRun(layer: Int, _ body: (KVPageRun) -> Void) { body(run(0..<pages)) }

    func makeCoarseKeys(layer: Int, pageBytes: Int, _ make: (KVPageRun, UnsafeMutableRawPointer) -> Void) -> Bool {
        guard hasRoom else { return false }
        for page in coarse.count..<pages {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: pageBytes, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0xff, count: pageBytes)
            make(run([page]), memory)
            coarse.append(memory)
        }
        return true
    }

    func forEachKeys(layer: Int, coarse isCoarse: Bool, _ body: (KVPageRun) -> Void) {
        guard isCoarse else { return body(run(0..<pages)) }
        var run = KVPageRun()
        for memory in coarse { run.append(KVPageView(keys: memory, values: memory)) }
        body(run)
    }

    func forEachRun(layer: Int, pages: [Int], _ body: (KVPageRun) -> Void) {
        let half = pages.count / 2
        if half > 0 { body(run(pages[..<half])) }
        body(run(pages[half...]))
    }

    func note(_ counts: KVSelectionCounts) { self.counts.add(counts) }

    func takeCounts() -> KVSelectionCounts {
        defer { counts = KVSelectionCounts() }
        return counts
    }
}

/// Keys and values of one layer, and queries that see all of them.
private final class Layer {
    let (heads, kvHeads, headDim, length): (Int, Int, Int, Int)
    let compute: Compute
    let pages: Pages
    private var queries: [Float]
    private var cache: KVPages
    private var memory: [UnsafeMutableRawPointer] = []
    private(set) var largestValue: Float = 0

    /// - Parameter onDisk: positions that may be left out.
    init(
        heads: Int, kvHeads: Int, headDim: Int, length: Int, onDisk: Int, type: KVType, seed: UInt64,
        hasRoom: Bool = true
    ) {
        (self.heads, self.kvHeads, self.headDim, self.length) = (heads, kvHeads, headDim, length)
        compute = Compute(pool: ThreadPool(threads: 2))
        var random = Random(seed)
        let sharpness = Float(seed % 7) * 0.8
        queries = random.floats(heads * headDim).map { $0 * sharpness }
        // All keys have something in common, those of a page more, and a few elements are far larger.
        let common = random.floats(headDim).map { $0 * Float(seed % 5) }
        var keys: [Float] = []
        for page in 0..<(length + 63) / 64 {
            let own = random.floats(headDim).map { $0 * Float((seed / 3 + UInt64(page)) % 4) }
            for place in 0..<kvHeads * 64 where page * 64 + place / kvHeads < length {
                var key = random.floats(headDim)
                for d in key.indices { key[d] += common[d] + own[d] }
                if seed % 3 == 0 { key[Int(seed) % headDim] *= 20 }
                keys += key
            }
        }
        let values = random.floats(length * kvHeads * headDim)
        cache = KVPages(run: KVPageRun(), pageTokens: 64, kvHeads: kvHeads, headDim: headDim, type: type)
        for _ in 0..<(length + 63) / 64 {
            let page = UnsafeMutableRawPointer.allocate(byteCount: cache.shape.bytes, alignment: 64)
            page.initializeMemory(as: UInt8.self, repeating: 0, count: cache.shape.bytes)
            memory.append(page)
            cache.run.append(KVPageView(keys: page, values: page + cache.shape.keyBytes))
        }
        largestValue = values.reduce(0) { max($0, abs($1)) } * 1.02
        pages = Pages(cache, end: onDisk, hasRoom: hasRoom)
        cache.paged = (pages, 0)
        store(keys, values)
    }

    private func store(_ keys: [Float], _ values: [Float]) {
        keys.withUnsafeBufferPointer { keys in
            values.withUnsafeBufferPointer { values in
                guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
                compute.storeKV(keys: keys, values: values, tokens: length, firstPosition: 0, into: cache)
            }
        }
    }

    deinit { memory.forEach { $0.deallocate() } }

    func nextQueries(_ random: inout Random, scale: Float) { queries = random.floats(queries.count).map { $0 * scale } }

    func attend(_ reading: KVReading) -> (out: [Float], counts: KVSelectionCounts) {
        pages.reading = reading
        var out = [Float](repeating: .nan, count: heads * headDim)
        out.withUnsafeMutableBufferPointer { out in
            queries.withUnsafeBufferPointer { queries in
                guard let out = out.baseAddress, let queries = queries.baseAddress else { return }
                compute.attention(
                    AttentionRequest(
                        queries: queries, tokens: 1, heads: heads, scale: 0.3, kind: .full,
                        firstPosition: length - 1, cache: cache), into: out)
            }
        }
        return (out, pages.takeCounts())
    }
}

@Suite struct SelectionTests {
    private static let isFull = ProcessInfo.processInfo.environment["DOCPROC_TORTURE"] == "1"
    private static let readings: [KVReading] = [
        .lazyValues(0.3), .lazyValues(0.01), .certified(0.5), .certified(0.1), .certified(0.01),
    ]

    @Test(arguments: [KVType.f32, .f16, .q8]) func whatIsLeftOutIsBounded(type: KVType) {
        let (heads, kvHeads, headDim) = (8, 2, 32)
        let rounds = Self.isFull ? 1050 : 8, queries = Self.isFull ? 10 : 3
        var (checked, left, worst) = (0, 0, 0.0)
        for seed in 1...rounds {
            let layer = Layer(
                heads: heads, kvHeads: kvHeads, headDim: headDim, length: 64 * 40 + seed % 64, onDisk: 64 * 32,
                type: type, seed: UInt64(seed))
            var random = Random(UInt64(seed) + 1_000_000)
            for query in 0..<queries {
                layer.nextQueries(&random, scale: Float(query + 1) * 0.7)
                let exact = layer.attend(.exact).out
                for reading in Self.readings {
                    let (out, counts) = layer.attend(reading)
                    let bound = reading.bound ?? 0
                    #expect(counts.pages == 32 && counts.read <= 32 && counts.skipped <= bound)
                    left += counts.pages - counts.read
                    for head in 0..<heads {
                        let range = head * headDim..<(head + 1) * headDim
                        let difference = zip(exact[range], out[range]).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
                        let allowed = 2 * Float(counts.skipped) * layer.largestValue + 2e-5
                        if !(difference <= allowed) {
                            Issue.record("\(type) seed \(seed) \(reading): \(difference) > \(allowed)")
                        }
                        worst = max(worst, Double(difference / allowed))
                        checked += 1
                    }
                }
            }
        }
        #expect(left > 0 && checked == rounds * queries * Self.readings.count * heads)
        if Self.isFull { print("\(type): \(checked) heads checked, largest difference \(worst) of its bound") }
    }

    /// The others get no more attention than the budget says it leaves, where pages differ clearly.
    @Test func aBudgetReadsSoManyPages() {
        let layer = Layer(
            heads: 4, kvHeads: 1, headDim: 64, length: 64 * 40, onDisk: 64 * 36, type: .f16, seed: 12)
        let exact = layer.attend(.exact).out
        var before = Float.infinity
        for pages in [4, 12, 36] {
            let (out, counts) = layer.attend(.budget(pages: pages))
            #expect(counts.read == pages)
            let difference = zip(exact, out).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(difference <= before + 1e-6)
            before = difference
        }
        #expect(before < 1e-5)
        #expect(layer.attend(.budget(pages: 99)).counts.read == 36)
    }

    @Test func withoutRoomForCoarseKeysEverythingIsRead() {
        let layer = Layer(
            heads: 4, kvHeads: 2, headDim: 16, length: 64 * 12, onDisk: 64 * 8, type: .q8, seed: 5, hasRoom: false)
        let (out, counts) = layer.attend(.certified(0.4))
        #expect(counts.read == 8 && counts.skipped == 0)
        #expect(zip(layer.attend(.exact).out, out).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    /// Rows that no number stands for are read, whatever they weigh.
    @Test func infinitePagesAreRead() {
        let layer = Layer(
            heads: 2, kvHeads: 1, headDim: 16, length: 64 * 12, onDisk: 64 * 8, type: .f32, seed: 4)
        guard let page = layer.pages.cache.run[3] else { preconditionFailure("no page") }
        page.keys.storeBytes(of: Float.infinity, as: Float.self)
        #expect(layer.attend(.certified(0.9)).counts.read >= 1)
    }

    @Test(arguments: ["exact", "lazy-v:0.01", "certified:0.05", "budget:64"]) func modesHaveNames(text: String) {
        #expect(KVReading(text)?.text == text)
    }

    @Test(arguments: [
        "", "lazy", "lazy-v", "lazy-v:", "lazy-v:0", "lazy-v:1", "lazy-v:-1", "lazy-v:nan", "certified:2", "budget:0",
        "budget:1.5", "exact:1", "budget:1:2", "Exact",
    ])
    func otherNamesAreNone(text: String) { #expect(KVReading(text) == nil) }
}
