// Which page holds which positions of which layer, for one sequence: a plain value without memory or I/O.
//
// Layers of one attention kind and head shape share a pool of pages. A page belongs to one layer and holds `pageTokens`
// consecutive positions of it. Layers that see only a window give back what lies behind it, aligned chunks are given
// back whole. Layers that see everything hold what memory has room for: the positions from `paged` on; those before are
// on disk. `KVCacheManager` owns the bytes.
//
// Invariant: every position that a future query may see is held or, in layers that see everything, lies before `paged`;
// no page is held twice, and free and held pages of a pool add up to its capacity.

package import Kernels

/// Names a page: a place in one of the pools.
package struct KVPageID: Sendable, Hashable {
    package var pool: Int
    package var index: Int
}

/// Layers that share a pool, and how many pages they can hold at most.
package struct KVPagePoolPlan: Sendable, Equatable {
    package var attention: AttentionKind
    package var heads: HeadShape
    /// The layers that store into this pool, ascending.
    package var layers: [Int]
    /// The most pages that one layer holds.
    package var pagesPerLayer: Int
    /// Pages of the pool.
    package var capacity: Int { pagesPerLayer * layers.count }
}

/// How a cache is cut into pages; everything about its size follows from this and the layer plan.
package struct KVPageLayout: Sendable, Equatable {
    /// Positions in one page.
    package var pageTokens: Int
    /// The most positions of a sequence.
    package var contextTokens: Int
    /// The most positions that are added in one step.
    package var chunkTokens: Int
    /// Positions that sliding layers keep behind their window, so that a sequence can be cut back by that much.
    package var slackTokens: Int
    /// Positions that are stored and paged out together; a multiple of 512 and of the page.
    package var segmentTokens: Int
    /// The most positions that a layer which sees everything holds in memory.
    package var residentTokens: Int

    /// - Parameter residentTokens: `nil` for all; at least `leastResidentTokens` otherwise.
    package init(
        contextTokens: Int, chunkTokens: Int, slackTokens: Int, pageTokens: Int = 64,
        segmentTokens: Int = KVSegment.fullTokens, residentTokens: Int? = nil
    ) {
        self.pageTokens = pageTokens
        self.contextTokens = contextTokens
        self.chunkTokens = chunkTokens
        self.slackTokens = slackTokens
        self.segmentTokens = segmentTokens
        self.residentTokens = contextTokens
        if let residentTokens { self.residentTokens = min(max(residentTokens, leastResidentTokens), contextTokens) }
    }

    /// A segment that is not yet whole and the step that completes it.
    package var leastResidentTokens: Int { segmentTokens + chunkTokens }

    /// Whether some of the sequence may have to be on disk.
    package var pages: Bool { residentTokens < contextTokens }

    /// The most pages that a layer of this kind holds at any time.
    package func pagesPerLayer(_ attention: AttentionKind) -> Int {
        let span: Int =
            switch attention {
            case .full: residentTokens
            // The window of the next query without itself, what is kept behind it, and one step.
            case .sliding(let window): window - 1 + slackTokens + chunkTokens
            case .chunked(let size): size - 1 + chunkTokens
            }
        // A span that begins inside a page touches one page more.
        return min((contextTokens + pageTokens - 1) / pageTokens, (span + pageTokens - 1) / pageTokens + 1)
    }

    /// Pools in the order in which their kinds first occur.
    package func pools(_ plan: [LayerPlan]) -> [KVPagePoolPlan] {
        var pools: [KVPagePoolPlan] = []
        for (layer, entry) in plan.enumerated() where entry.keyValues == .own {
            if let pool = pools.firstIndex(where: { $0.attention == entry.attention && $0.heads == entry.heads }) {
                pools[pool].layers.append(layer)
            } else {
                pools.append(
                    KVPagePoolPlan(
                        attention: entry.attention, heads: entry.heads, layers: [layer],
                        pagesPerLayer: pagesPerLayer(entry.attention)))
            }
        }
        return pools
    }
}

/// The pages of one sequence.
package struct KVPageTable: Sendable {
    /// One page that began or ceased to hold positions of a layer.
    package enum Change: Sendable, Equatable {
        /// `page` now holds the positions from `ordinal * pageTokens` of `layer`.
        case held(layer: Int, ordinal: Int, page: KVPageID)
        case dropped(layer: Int, ordinal: Int, page: KVPageID)
    }

    /// What one layer holds: `pages[i]` has the ordinal `first + i`.
    private struct Run: Sendable {
        var pool: Int
        var attention: AttentionKind
        var first = 0
        var pages: [Int] = []
        /// Positions before this one are not stored, even where a page is held.
        var validFrom = 0
        var end: Int { first + pages.count }
    }

    package private(set) var layout: KVPageLayout
    package private(set) var pools: [KVPagePoolPlan]
    /// Positions stored.
    package private(set) var count = 0
    /// Layers that see everything hold the positions from here on; a multiple of a segment.
    package private(set) var paged = 0
    private var runs: [Run?]
    /// Free pages of each pool; the last is taken first, so that low indices are used before high ones.
    private var free: [[Int]]

    package init(plan: [LayerPlan], layout: KVPageLayout) {
        self.layout = layout
        pools = layout.pools(plan)
        runs = plan.map { _ in nil }
        free = pools.map { Array((0..<$0.capacity).reversed()) }
        for (index, pool) in pools.enumerated() {
            for layer in pool.layers { runs[layer] = Run(pool: index, attention: pool.attention) }
        }
    }

    /// Takes pages for the positions from `count` to `count + tokens`, which may then be written.
    /// The positions count as stored after `commit`.
    package mutating func reserve(_ tokens: Int) -> [Change] {
        precondition(tokens <= layout.chunkTokens && count + tokens <= layout.contextTokens, "more than planned for")
        var changes: [Change] = []
        let end = (count + tokens + layout.pageTokens - 1) / layout.pageTokens
        for layer in runs.indices {
            guard var run = runs[layer], run.end < end else { continue }
            hold(before: end, of: &run, layer: layer, into: &changes)
            runs[layer] = run
        }
        return changes
    }

    /// What `paged` must be before so many positions can be added.
    package func pagedBefore(adding tokens: Int) -> Int {
        let excess = count + tokens - layout.residentTokens
        guard excess > paged else { return paged }
        return (excess + layout.segmentTokens - 1) / layout.segmentTokens * layout.segmentTokens
    }

    /// Gives back the pages of layers that see everything before `position`, which are on disk now.
    ///
    /// - Parameter position: a multiple of a segment, not before `paged`.
    package mutating func pageOut(before position: Int) -> [Change] {
        precondition(position % layout.segmentTokens == 0 && position >= paged && position <= count, "whole segments")
        paged = position
        var changes: [Change] = []
        for layer in runs.indices {
            guard var run = runs[layer], run.attention == .full else { continue }
            dropFirst(position / layout.pageTokens - run.first, of: &run, layer: layer, into: &changes)
            runs[layer] = run
        }
        return changes
    }

    /// Counts reserved positions as stored and gives back pages that no later query can see.
    package mutating func commit(_ tokens: Int) -> [Change] {
        count += tokens
        var changes: [Change] = []
        for layer in runs.indices {
            guard var run = runs[layer], run.attention != .full else { continue }
            var lowest = run.attention.lowerBound(count)
            if case .sliding = run.attention { lowest -= layout.slackTokens }
            let keep = max(lowest, 0) / layout.pageTokens
            guard keep > run.first else { continue }
            dropFirst(min(keep, run.end) - run.first, of: &run, layer: layer, into: &changes)
            run.validFrom = max(run.validFrom, run.first * layout.pageTokens)
            runs[layer] = run
        }
        return changes
    }

    /// The longest prefix of at most `limit` positions from which the sequence can go on: everything that the query
    /// after it sees is still stored.
    package func resumable(atMost limit: Int) -> Int {
        var length = min(limit, count)
        var settled = false
        while !settled {
            settled = true
            // What is on disk cannot be written: there, a sequence goes on at the borders of segments.
            if length < paged { length = length / layout.segmentTokens * layout.segmentTokens }
            for case let run? in runs where run.attention != .full {
                let lowest = run.attention.lowerBound(length)
                // At the border of an aligned chunk the next query sees nothing before itself.
                guard lowest < length, lowest < run.validFrom else { continue }
                if case .chunked = run.attention { length = lowest } else { length = 0 }
                settled = false
            }
        }
        return length
    }

    /// Cuts the sequence back to the longest resumable prefix of at most `limit` positions; `count` tells which.
    package mutating func truncate(to limit: Int) -> [Change] {
        let length = resumable(atMost: limit)
        var changes: [Change] = []
        guard length < count else { return changes }
        count = length
        paged = min(paged, length)
        let end = (length + layout.pageTokens - 1) / layout.pageTokens
        for layer in runs.indices {
            guard var run = runs[layer] else { continue }
            while run.end > end, let index = run.pages.popLast() {
                drop(index, ordinal: run.end, of: run, layer: layer, into: &changes)
            }
            if run.pages.isEmpty {
                run.first = length / layout.pageTokens
                run.validFrom = length
            }
            runs[layer] = run
        }
        return changes
    }

    /// Holds what a sequence of `count` positions needs to go on, as if they had been computed; the pages are to be
    /// filled. Of layers that see everything, as many segments stay on disk as memory has no room for.
    ///
    /// - Precondition: nothing is stored.
    package mutating func restore(_ count: Int) -> [Change] {
        precondition(self.count == 0 && count <= layout.contextTokens, "an empty table with room")
        self.count = count
        let step = min(layout.chunkTokens, layout.contextTokens - count)
        paged = min(pagedBefore(adding: step), count / layout.segmentTokens * layout.segmentTokens)
        var changes: [Change] = []
        for layer in runs.indices {
            guard var run = runs[layer] else { continue }
            run.validFrom = run.attention == .full ? paged : min(run.attention.lowerBound(count), count)
            run.first = run.validFrom / layout.pageTokens
            let end = (count + layout.pageTokens - 1) / layout.pageTokens
            if run.validFrom < count { hold(before: end, of: &run, layer: layer, into: &changes) }
            runs[layer] = run
        }
        return changes
    }

    /// A table that goes on for up to `room` positions where this one is, on pages of its own. The whole pages before
    /// are this one's, which must stay as it is for so long. The fork can't be cut back, and pages nothing out.
    ///
    /// - Returns: the page that the next position lies in is held at once, where it is not the page's first.
    package func fork(room: Int) -> (table: KVPageTable, changes: [Change]) {
        var fork = self
        fork.layout.contextTokens = min(layout.contextTokens, count + room)
        fork.layout.residentTokens = fork.layout.contextTokens
        fork.layout.chunkTokens = min(layout.chunkTokens, room)
        let ownPages = (room + layout.pageTokens - 1) / layout.pageTokens + 1
        for pool in pools.indices {
            fork.pools[pool].pagesPerLayer = ownPages
            fork.free[pool] = Array((0..<fork.pools[pool].capacity).reversed())
        }
        var changes: [Change] = []
        for layer in runs.indices {
            guard var run = runs[layer] else { continue }
            run.first = count / layout.pageTokens
            run.pages = []
            if count % layout.pageTokens != 0 {
                fork.hold(before: run.first + 1, of: &run, layer: layer, into: &changes)
            }
            fork.runs[layer] = run
        }
        return (fork, changes)
    }

    /// Pages that a layer holds now, with their ordinals; empty for layers that share another's.
    package func pages(layer: Int) -> [(ordinal: Int, page: KVPageID)] {
        guard let run = runs[layer] else { return [] }
        return run.pages.enumerated().map { (run.first + $0.offset, KVPageID(pool: run.pool, index: $0.element)) }
    }

    /// Pages of a pool that hold nothing.
    package func freePages(pool: Int) -> [Int] {
        free[pool]
    }

    /// Takes free pages for the ordinals before `end`.
    private mutating func hold(before end: Int, of run: inout Run, layer: Int, into changes: inout [Change]) {
        while run.end < end {
            guard let index = free[run.pool].popLast() else {
                preconditionFailure("the pool is smaller than its plan")
            }
            changes.append(.held(layer: layer, ordinal: run.end, page: KVPageID(pool: run.pool, index: index)))
            run.pages.append(index)
        }
    }

    private mutating func dropFirst(_ pages: Int, of run: inout Run, layer: Int, into changes: inout [Change]) {
        for index in run.pages.prefix(pages) {
            drop(index, ordinal: run.first, of: run, layer: layer, into: &changes)
            run.first += 1
        }
        run.pages.removeFirst(pages)
    }

    private mutating func drop(_ index: Int, ordinal: Int, of run: Run, layer: Int, into changes: inout [Change]) {
        free[run.pool].append(index)
        changes.append(.dropped(layer: layer, ordinal: ordinal, page: KVPageID(pool: run.pool, index: index)))
    }
}
