// Hands the pages on disk to attention, block after block, and reads ahead: while one block is computed with, those
// that come next are on their way, those of the next layer behind the last of this one.

import Kernels
import SystemPackage

/// What reading pages took so far.
package struct KVReadCounts: Sendable, Equatable {
    package var bytes = 0
    /// Blocks, and how many of them were there when they were asked for.
    package var blocks = 0
    package var ready = 0
    /// How long attention waited for the others.
    package var waitSeconds = 0.0

    package init() {}
}

/// The pages of one sequence that are on disk. Belongs to one thread.
final class KVPageReader: KVPageStream {
    /// A page that could not be read or is not what was written.
    struct Failure {
        /// The segment that has it.
        var segment: Int
        var error: any Error
    }

    /// How the pages of one layer are read.
    struct Layer: Hashable {
        var layer: Int
        /// Of a page.
        var keyBytes, valueBytes: Int
        /// Pages of one block.
        var blockPages: Int
    }

    private struct Block: Hashable {
        /// Into `order`.
        var step: Int
        /// The first page.
        var ordinal: Int
    }

    /// Blocks on their way besides the one that is computed with.
    private static let ahead = 3
    /// Large enough for a disk to reach its rate, and small beside what memory holds.
    private static let blockBytes = 4 << 20

    let layout: KVPageLayout
    /// In the order in which a pass over the layers asks for them; layers that share another's ask for that one.
    let order: [Layer]
    private let queue = KVReadQueue()
    var slots: [KVReadSlot]
    private var inFlight: [(block: Block, slot: KVReadSlot)] = []
    /// By segment, up to `end`.
    private(set) var sources: [KVPageSource] = []

    private(set) var counts = KVReadCounts()
    /// What was read of what could have been, since it was last asked for.
    private(set) var selection = KVSelectionCounts()
    /// How the next steps read.
    var reading = KVReading.exact
    /// Coarse keys of layers that have some.
    var coarseKeys: [Int: KVCoarseKeys] = [:]
    /// Where they go.
    let folder: FilePath
    /// The first failure; results that were computed since are wrong.
    private(set) var failure: Failure?

    init(order: [Layer], layout: KVPageLayout, folder: FilePath) {
        self.folder = folder
        self.order = order
        self.layout = layout
        let bytes = order.map { ($0.keyBytes + $0.valueBytes) * $0.blockPages }.max() ?? 0
        slots = (0...Self.ahead).map { _ in KVReadSlot(bytes: bytes) }
    }

    /// Pages of a block: of a power of two of spans, which divides a segment.
    static func blockPages(pageBytes: Int, layout: KVPageLayout) -> Int {
        var tokens = span
        while tokens * 2 <= layout.segmentTokens, layout.segmentTokens % (tokens * 2) == 0,
            tokens * 2 / layout.pageTokens * pageBytes <= blockBytes
        { tokens *= 2 }
        return tokens / layout.pageTokens
    }

    /// Positions whose softmax is computed in one piece; see `KVPageStream`.
    static let span = 512

    /// Bytes of memory that reading takes.
    static func bytes(_ order: [Layer]) -> Int {
        (order.map { ($0.keyBytes + $0.valueBytes) * $0.blockPages }.max() ?? 0) * (ahead + 1)
    }

    var end: Int { sources.count * layout.segmentTokens }

    /// Says where the positions before `end` are. Pages of segments that stay the same need not be read again.
    func extend(_ more: [KVPageSource]) { sources += more }

    /// Forgets the segments from `count` on, and everything that was read ahead.
    func truncate(toSegments count: Int) {
        drain()
        sources.removeLast(max(sources.count - count, 0))
        for layer in coarseKeys.keys { coarseKeys[layer]?.truncate(to: count) }
    }

    /// The counts, which begin anew.
    func takeSelection() -> KVSelectionCounts {
        defer { selection = KVSelectionCounts() }
        return selection
    }

    func note(_ counts: KVSelectionCounts) { selection.add(counts) }

    /// The first failure, which is forgotten.
    func takeFailure() -> Failure? {
        defer { failure = nil }
        return failure
    }

    func forEachRun(layer: Int, _ body: (KVPageRun) -> Void) {
        guard !sources.isEmpty, let step = step(layer) else { return }
        var block: Block? = Block(step: step, ordinal: 0)
        while let current = block {
            let slot = take(current)
            selection.pages += order[step].blockPages
            selection.read += order[step].blockPages
            body(slot.run)
            slots.append(slot)
            block = next(current, inLayer: true)
        }
    }

    /// Where in the order the layer comes next.
    private func step(_ layer: Int) -> Int? {
        let from = inFlight.first?.block.step ?? 0
        return order.indices.map { (from + $0) % order.count }.first { order[$0].layer == layer }
    }

    private func next(_ block: Block, inLayer: Bool) -> Block? {
        let ordinal = block.ordinal + order[block.step].blockPages
        if ordinal < end / layout.pageTokens { return Block(step: block.step, ordinal: ordinal) }
        return inLayer ? nil : Block(step: (block.step + 1) % order.count, ordinal: 0)
    }

    /// The slot with a block's pages.
    private func take(_ block: Block) -> KVReadSlot {
        if let first = inFlight.first, first.block != block { drain() }
        if inFlight.isEmpty { request(block) }
        var last = inFlight[inFlight.count - 1].block
        while inFlight.count <= Self.ahead, let following = next(last, inLayer: false), !slots.isEmpty {
            request(following)
            last = following
        }
        let slot = inFlight.removeFirst().slot
        receive(slot)
        return slot
    }

    /// Waits for what was asked for.
    func receive(_ slot: KVReadSlot) {
        let clock = ContinuousClock()
        let start = clock.now
        let isReady = slot.isReady
        let error = slot.wait()
        counts.blocks += 1
        if isReady { counts.ready += 1 } else { counts.waitSeconds += seconds(clock.now - start) }
        if let error { fail(error) }
    }

    private func fail(_ error: KVReadSlotError) {
        guard failure == nil else { return }
        failure = Failure(segment: error.ordinal * layout.pageTokens / layout.segmentTokens, error: error.error)
    }

    private func request(_ block: Block) {
        guard let slot = slots.popLast() else { return }
        let layer = order[block.step]
        send(
            KVReadRequest(
                layer: layer.layer,
                pieces: [
                    KVReadRequest.Piece(
                        source: sources[block.ordinal * layout.pageTokens / layout.segmentTokens],
                        ordinals: block.ordinal..<block.ordinal + layer.blockPages)
                ],
                keyBytes: layer.keyBytes, valueBytes: layer.valueBytes), slot)
        inFlight.append((block, slot))
    }

    /// Asks for pages.
    func send(_ request: KVReadRequest, _ slot: KVReadSlot) {
        slot.begin(request)
        counts.bytes += request.pages * (request.keyBytes + request.valueBytes)
        queue.append(slot)
    }

    /// Forgets what was read ahead.
    func drain() {
        for entry in inFlight {
            _ = entry.slot.wait()
            slots.append(entry.slot)
        }
        inFlight.removeAll()
    }
}

private func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
