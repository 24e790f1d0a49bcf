// Keys and values of one sequence: joins the page table, which decides, with the pools, which hold bytes, and with the
// segments on disk, which hold what memory has no room for.
//
// Use: `makeRoom`, then `reserve`, then for each layer `store` and read `pages`, then `commit`. Belongs to one thread.

package import Kernels
package import SystemPackage
import Tensors

/// The cache of one sequence.
package final class KVCacheManager {
    package let plan: [LayerPlan]
    package let layout: KVPageLayout
    package let type: KVType
    private var table: KVPageTable
    private var pools: [KVPagePool]
    /// By layer; empty for layers that share another's.
    private var views: [KVPages]
    /// By segment: where its pages are on disk. Those before `table.paged` are nowhere else.
    private var sources: [KVPageSource?] = []
    private let reader: KVPageReader?
    private let spill: KVSpillFile?
    private let isFork: Bool

    /// - Parameter pagingFolder: where pages go that memory has no room for; needed where the layout pages.
    package init(plan: [LayerPlan], layout: KVPageLayout, type: KVType, pagingFolder: FilePath? = nil) {
        precondition(!layout.pages || pagingFolder != nil, "paging needs a folder")
        self.plan = plan
        self.layout = layout
        self.type = type
        table = KVPageTable(plan: plan, layout: layout)
        pools = table.pools.map { KVPagePool(pageBytes: $0.heads.pageShape(type, pageTokens: layout.pageTokens).bytes) }
        let order = Self.readingOrder(plan, layout: layout, type: type)
        let folder = pagingFolder?.appending("paged")
        if let folder, layout.pages, !order.isEmpty {
            reader = KVPageReader(order: order, layout: layout, folder: folder)
        } else {
            reader = nil
        }
        spill = folder.map { KVSpillFile(folder: $0) }
        isFork = false
        views = []
        for (index, layer) in plan.enumerated() {
            var pages = KVPages(
                run: KVPageRun(), pageTokens: layout.pageTokens, kvHeads: layer.heads.keyValueHeads,
                headDim: layer.heads.size, type: type, hasKeys: layer.heads.hasKeys)
            if let reader, layer.attention == .full { pages.paged = (reader, index) }
            views.append(pages)
        }
    }

    /// Several sequences that go on from one: each on pages of its own, behind those of the one, which must not change
    /// as long as they are used.
    ///
    /// - Parameter room: the most positions that are added.
    package func fork(room: Int) -> KVCacheManager { KVCacheManager(parent: self, room: room) }

    private init(parent: KVCacheManager, room: Int) {
        let (table, changes) = parent.table.fork(room: room)
        self.table = table
        plan = parent.plan
        layout = table.layout
        type = parent.type
        let (type, pageTokens) = (type, layout.pageTokens)
        pools = table.pools.map { KVPagePool(pageBytes: $0.heads.pageShape(type, pageTokens: pageTokens).bytes) }
        reader = nil
        spill = nil
        isFork = true
        // Spans have one softmax each: the last one is each sequence's own.
        let shared = parent.count / KVPageReader.span * KVPageReader.span
        views = parent.views.enumerated().map { layer, pages in
            var pages = pages
            if parent.plan[layer].attention == .full { pages.shared = (pages.run, shared) }
            if parent.count % pageTokens != 0, pages.run.end > parent.count / pageTokens { pages.run.removeLast() }
            return pages
        }
        apply(changes)
        for case .held(let layer, let ordinal, _) in changes {
            guard let own = unsafe memory(layer: layer, ordinal: ordinal),
                let other = unsafe parent.memory(layer: layer, ordinal: ordinal)
            else { continue }
            unsafe own.keys.copyMemory(from: UnsafeRawBufferPointer(other.keys))
            unsafe own.values.copyMemory(from: UnsafeRawBufferPointer(other.values))
        }
    }

    /// The most bytes that a fork allocates.
    package func forkBytes(room: Int) -> Int {
        table.fork(room: room).table.pools.reduce(0) { sum, pool in
            let slabs = (pool.capacity + KVPagePool.slabPages - 1) / KVPagePool.slabPages
            return sum + slabs * KVPagePool.slabPages * pool.heads.pageShape(type, pageTokens: layout.pageTokens).bytes
        }
    }

    /// Positions stored.
    package var count: Int { table.count }

    /// Of them, those that layers which see everything have on disk only.
    package var pagedCount: Int { table.paged }

    /// What reading them took so far.
    package var readCounts: KVReadCounts { reader?.counts ?? KVReadCounts() }

    /// How steps of few tokens read what is on disk, from now on.
    package var reading: KVReading {
        get { reader?.reading ?? .exact }
        set { reader?.reading = newValue }
    }

    /// What they read of it since this was last asked for.
    package func takeSelection() -> KVSelectionCounts { reader?.takeSelection() ?? KVSelectionCounts() }

    /// Bytes allocated now.
    package var residentBytes: Int {
        pools.reduce(0) { $0 + $1.residentBytes }
    }

    /// The most bytes that a cache of this plan ever allocates.
    package static func maximumBytes(plan: [LayerPlan], layout: KVPageLayout, type: KVType) -> Int {
        let reading = layout.pages ? KVPageReader.bytes(readingOrder(plan, layout: layout, type: type)) : 0
        return layout.pools(plan).reduce(reading) { sum, pool in
            let slabs = (pool.capacity + KVPagePool.slabPages - 1) / KVPagePool.slabPages
            return sum + slabs * KVPagePool.slabPages * pool.heads.pageShape(type, pageTokens: layout.pageTokens).bytes
        }
    }

    /// The most bytes of it that are on disk only.
    package static func pagedBytes(plan: [LayerPlan], layout: KVPageLayout, type: KVType) -> Int {
        guard layout.pages else { return 0 }
        return plan.reduce(0) { sum, layer in
            guard layer.keyValues == .own, layer.attention == .full else { return sum }
            let page = layer.heads.pageShape(type, pageTokens: layout.pageTokens).bytes
            return sum + layout.contextTokens / layout.pageTokens * page
        }
    }

    /// The layers that see everything, as a pass over the layers comes to them.
    private static func readingOrder(_ plan: [LayerPlan], layout: KVPageLayout, type: KVType) -> [KVPageReader.Layer] {
        plan.enumerated().filter { $0.element.attention == .full }.map { index, layer in
            var owner = index
            if case .shared(let other) = layer.keyValues { owner = other }
            let shape = plan[owner].heads.pageShape(type, pageTokens: layout.pageTokens)
            return KVPageReader.Layer(
                layer: owner, keyBytes: shape.keyBytes, valueBytes: shape.valueBytes,
                blockPages: KVPageReader.blockPages(pageBytes: shape.bytes, layout: layout))
        }
    }

    /// Pages out as much as the next positions need room in memory.
    ///
    /// - Throws: where the disk takes no more.
    package func makeRoom(_ tokens: Int) throws(KVPagingError) {
        let target = table.pagedBefore(adding: tokens)
        guard target > table.paged, let spill, let reader else { return }
        var found: [KVPageSource] = []
        for segment in table.paged / layout.segmentTokens..<target / layout.segmentTokens {
            if segment < sources.count, let source = sources[segment] {
                found.append(source)
            } else {
                found.append(try unsafe spill.write(segment, memory(ofSegment: segment)))
            }
        }
        for (offset, source) in found.enumerated() {
            attach(source, segment: table.paged / layout.segmentTokens + offset)
        }
        reader.extend(found)
        apply(table.pageOut(before: target))
    }

    /// Says that a whole segment is on disk, so that it need not be written again to be paged out.
    func attach(_ source: KVPageSource, segment: Int) {
        while sources.count <= segment { sources.append(nil) }
        sources[segment] = source
    }

    /// What layers that see everything hold of a segment.
    private func memory(ofSegment segment: Int) -> [(layer: Int, first: Int, pages: [KVPageMemory])] {
        let perSegment = layout.segmentTokens / layout.pageTokens
        return unsafe plan.indices.filter { plan[$0].keyValues == .own && plan[$0].attention == .full }.map { layer in
            let ordinals = segment * perSegment..<(segment + 1) * perSegment
            return unsafe (layer, ordinals.lowerBound, ordinals.compactMap { unsafe memory(layer: layer, ordinal: $0) })
        }
    }

    /// The first position that could not be read back right, since when results are wrong; nil where nothing failed.
    /// The sequence is to be cut back to it.
    package func takeFailure() -> KVReadFailure? {
        guard let failure = reader?.takeFailure() else { return nil }
        return KVReadFailure(position: failure.segment * layout.segmentTokens, why: "\(failure.error)")
    }

    /// Makes room for the next positions, which `store` may then write.
    package func reserve(_ tokens: Int) {
        apply(table.reserve(tokens))
    }

    /// Counts the reserved positions as stored.
    package func commit(_ tokens: Int) {
        apply(table.commit(tokens))
    }

    /// Cuts back to the longest prefix of at most `limit` positions from which the sequence can go on.
    package func truncate(to limit: Int) {
        apply(table.truncate(to: limit))
        let whole = count / layout.segmentTokens
        if sources.count > whole { sources.removeLast(sources.count - whole) }
        reader?.truncate(toSegments: table.paged / layout.segmentTokens)
    }

    /// Takes room for everything that a sequence of `count` positions needs to go on, and is not left on disk. Nothing
    /// is in it yet.
    ///
    /// - Parameter sources: of the whole segments, in order.
    /// - Precondition: the cache is empty.
    func restore(_ count: Int, _ sources: [KVPageSource]) {
        apply(table.restore(count))
        for (segment, source) in sources.enumerated() { attach(source, segment: segment) }
        reader?.extend(Array(sources.prefix(table.paged / layout.segmentTokens)))
    }

    /// Whether everything that the position after the last one sees is here, so that the sequence can be stored.
    package var isWhole: Bool { table.resumable(atMost: count) == count }

    /// Ordinals of the pages that a layer of its own holds in memory.
    func heldOrdinals(layer: Int) -> [Int] { table.pages(layer: layer).map(\.ordinal) }

    /// The bytes of a page; nil where none is held.
    func memory(layer: Int, ordinal: Int) -> KVPageMemory? {
        guard let page = views[layer].run[ordinal] else { return nil }
        let shape = shape(layer)
        return unsafe KVPageMemory(
            keys: UnsafeMutableRawBufferPointer(start: page.keys, count: shape.keyBytes),
            values: UnsafeMutableRawBufferPointer(start: page.values, count: shape.valueBytes))
    }

    /// Zeroes the places behind position `count` in the bytes of a page.
    func clear(_ page: KVPageMemory, layer: Int, ordinal: Int, from count: Int) {
        let used = max(count - ordinal * layout.pageTokens, 0)
        if let start = unsafe page.keys.baseAddress { unsafe shape(layer).clear(start, from: used) }
    }

    /// Pages of a layer, or of the one whose keys and values it shares.
    package func pages(layer: Int) -> KVPages {
        switch plan[layer].keyValues {
        case .own: views[layer]
        case .shared(let owner): views[owner]
        }
    }

    private func shape(_ layer: Int) -> KVPageShape {
        plan[layer].heads.pageShape(type, pageTokens: layout.pageTokens)
    }

    private func apply(_ changes: [KVPageTable.Change]) {
        for change in changes {
            switch change {
            case .held(let layer, let ordinal, let page):
                let keys = unsafe pools[page.pool].address(page.index)
                let values = unsafe keys + shape(layer).keyBytes
                if ordinal != views[layer].run.end { views[layer].run = KVPageRun(first: ordinal) }
                unsafe views[layer].run.append(KVPageView(keys: keys, values: values))
            case .dropped(let layer, let ordinal, _):
                if isFork {
                    views[layer].run[ordinal] = nil  // the other's pages lie before it
                } else if ordinal == views[layer].run.first {
                    views[layer].run.removeFirst(1)
                } else {
                    views[layer].run.removeLast()
                }
            }
        }
    }
}

/// Pages came back from disk wrong, or not at all.
package struct KVReadFailure: Error, Sendable, Equatable {
    /// What was computed from here on is to be computed again.
    package var position: Int
    package var why: String
}
