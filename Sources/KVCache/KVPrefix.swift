// Which part of a sequence a chain of segments can give back: a plain value without files.

import Kernels

/// Consecutive segments from position 0 on, and how much of them a sequence shares.
struct KVPrefix {
    /// Each begins where the one before ends.
    private(set) var segments: [KVSegment] = []
    /// Positions that can be restored.
    private(set) var count = 0

    /// For layers that don't keep everything: the segment of a page, by layer and ordinal. Later segments win.
    private var kept: [Place: Int] = [:]

    private struct Place: Hashable {
        var layer: Int
        var ordinal: Int
    }

    var end: Int { segments.last?.end ?? 0 }

    /// Adds a segment and finds the longest prefix of at most `limit` positions from which a sequence can go on.
    mutating func append(_ segment: KVSegment, plan: [LayerPlan], limit: Int) {
        for run in segment.runs where plan[run.layer].attention != .full {
            for ordinal in run.ordinals { kept[Place(layer: run.layer, ordinal: ordinal)] = segments.count }
        }
        segments.append(segment)
        count = max(count, usable(plan, limit: limit))
    }

    /// The segment that has a page of a layer, for a sequence of `count` positions.
    func segment(layer: Int, ordinal: Int, plan: [LayerPlan]) -> Int? {
        if plan[layer].attention != .full { return kept[Place(layer: layer, ordinal: ordinal)] }
        guard let pageTokens = segments.first?.pageTokens else { return nil }
        return segments.firstIndex { ordinal * pageTokens < $0.end }
    }

    private func usable(_ plan: [LayerPlan], limit: Int) -> Int {
        // Layers with a window are whole at the ends of segments that keep it.
        let ends = segments.map(\.end).filter { $0 < limit }.reversed()
        for attempt in [min(limit, end)] + ends {
            var length = attempt
            while length > 0, let layer = missing(plan, length) {
                guard case .chunked = plan[layer].attention else { break }
                length = plan[layer].attention.lowerBound(length)
            }
            if missing(plan, length) == nil { return length }
        }
        return 0
    }

    /// A layer that lacks something which the query at position `length` sees.
    private func missing(_ plan: [LayerPlan], _ length: Int) -> Int? {
        guard let pageTokens = segments.first?.pageTokens else { return nil }
        return plan.indices.first { layer in
            guard plan[layer].keyValues == .own, plan[layer].attention != .full else { return false }
            let lowest = plan[layer].attention.lowerBound(length)
            guard lowest < length else { return false }
            return (lowest / pageTokens...(length - 1) / pageTokens).contains { ordinal in
                guard let segment = kept[Place(layer: layer, ordinal: ordinal)] else { return true }
                return segments[segment].end < min((ordinal + 1) * pageTokens, length)
            }
        }
    }
}
