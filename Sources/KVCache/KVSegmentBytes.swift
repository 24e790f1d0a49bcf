// How large stored segments are, from the layer plan alone.

package import Kernels

extension KVSegment {
    /// Bytes of the file that `KVSegmentStore` makes of the positions `first..<end`.
    ///
    /// - Parameter keepsWindow: whether what sliding layers hold is stored too.
    package static func fileBytes(
        _ plan: [LayerPlan], layout: KVPageLayout, type: KVType, first: Int, end: Int, keepsWindow: Bool
    ) -> Int {
        var runs: [(pages: Int, shape: KVPageShape)] = []
        for layer in plan where layer.keyValues == .own {
            var from = first
            switch layer.attention {
            case .full: break
            case .sliding where !keepsWindow: continue
            case .sliding, .chunked: from = min(layer.attention.lowerBound(end), end)
            }
            guard from < end else { continue }
            let pages = (end + layout.pageTokens - 1) / layout.pageTokens - from / layout.pageTokens
            runs.append((pages, layer.heads.pageShape(type, pageTokens: layout.pageTokens)))
        }
        let header = headerBytes(tokens: end - first, runs: runs.count, pages: runs.reduce(0) { $0 + $1.pages })
        return runs.reduce(header) { sum, run in
            sum + aligned(run.pages * run.shape.keyBytes) + aligned(run.pages * run.shape.valueBytes)
        }
    }

    /// Every so many full segments what sliding layers hold is stored too.
    package static let windowInterval = 8

    /// Bytes of everything that is stored of a sequence of so many positions.
    package static func storedBytes(_ plan: [LayerPlan], layout: KVPageLayout, type: KVType, count: Int) -> Int {
        let full = layout.segmentTokens
        return stride(from: 0, to: count, by: full).reduce(0) { sum, first in
            let end = min(first + full, count)
            let keepsWindow = end == count || (end / full).isMultiple(of: windowInterval)
            return sum
                + fileBytes(plan, layout: layout, type: type, first: first, end: end, keepsWindow: keepsWindow)
        }
    }
}
