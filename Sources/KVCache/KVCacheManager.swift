// Keys and values of one sequence in memory: joins the page table, which decides, with the pools, which hold bytes.
//
// Use: `reserve`, then for each layer `store` and read `pages`, then `commit`. Belongs to one thread.

package import Kernels
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

    package init(plan: [LayerPlan], layout: KVPageLayout, type: KVType) {
        self.plan = plan
        self.layout = layout
        self.type = type
        table = KVPageTable(plan: plan, layout: layout)
        pools = table.pools.map { KVPagePool(pageBytes: $0.heads.pageShape(type, pageTokens: layout.pageTokens).bytes) }
        views = plan.map {
            KVPages(
                pages: [], pageTokens: layout.pageTokens, kvHeads: $0.heads.keyValueHeads, headDim: $0.heads.size,
                type: type)
        }
    }

    /// Positions stored.
    package var count: Int { table.count }

    /// Bytes allocated now.
    package var residentBytes: Int {
        pools.reduce(0) { $0 + $1.residentBytes }
    }

    /// The most bytes that a cache of this plan ever allocates.
    package static func maximumBytes(plan: [LayerPlan], layout: KVPageLayout, type: KVType) -> Int {
        layout.pools(plan).reduce(0) { sum, pool in
            let slabs = (pool.capacity + KVPagePool.slabPages - 1) / KVPagePool.slabPages
            return sum + slabs * KVPagePool.slabPages * pool.heads.pageShape(type, pageTokens: layout.pageTokens).bytes
        }
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
    }

    /// Takes room for everything that a sequence of `count` positions needs to go on. Nothing is in it yet.
    ///
    /// - Precondition: the cache is empty.
    package func restore(_ count: Int) {
        apply(table.restore(count))
    }

    /// Whether everything that the position after the last one sees is here, so that the sequence can be stored.
    package var isWhole: Bool { table.resumable(atMost: count) == count }

    /// Ordinals of the pages that a layer of its own holds.
    func heldOrdinals(layer: Int) -> [Int] { table.pages(layer: layer).map(\.ordinal) }

    /// The bytes of a page, keys before values; nil where none is held.
    func bytes(layer: Int, ordinal: Int) -> UnsafeMutableRawBufferPointer? {
        guard ordinal < views[layer].pages.count, let page = views[layer].pages[ordinal] else { return nil }
        return unsafe UnsafeMutableRawBufferPointer(
            start: page.keys, count: shape(layer).bytes)
    }

    /// Zeroes the places behind position `count` in the bytes of a page.
    func clear(_ bytes: UnsafeMutableRawBufferPointer, layer: Int, ordinal: Int, from count: Int) {
        let used = max(count - ordinal * layout.pageTokens, 0)
        if let start = bytes.baseAddress { unsafe shape(layer).clear(start, from: used) }
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
                while views[layer].pages.count <= ordinal { views[layer].pages.append(nil) }
                views[layer].pages[ordinal] = unsafe KVPageView(keys: keys, values: values)
            case .dropped(let layer, let ordinal, _):
                views[layer].pages[ordinal] = nil
            }
        }
    }
}
