// Rows of tables whose cells have several lines.
//
// A row shows where several cells stand level: its anchor. Lines of one cell alone lie above or below it, depending on
// whether the table aligns its cells at the middle or at the top. Each column's lines are dealt out to the anchors so
// that the cells fit best; then the table is read row by row, cell by cell.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Tables {
    /// A stretch of a region.
    enum Part {
        /// Read line by line.
        case lines([Fragment])
        /// One row of a table, in reading order.
        case row([Fragment])
    }

    /// Fragments that stand level.
    private struct Level {
        var fragments: [Fragment]
        var middle: Double
        var top: Double
        var bottom: Double

        init(_ fragment: Fragment) {
            fragments = [fragment]
            (middle, top, bottom) = (fragment.box.middle, fragment.box.y0, fragment.box.y1)
        }

        mutating func add(_ fragment: Fragment) {
            fragments.append(fragment)
            top = min(top, fragment.box.y0)
            bottom = max(bottom, fragment.box.y1)
        }
    }

    /// White space that parts two columns, in ems.
    private static let gutter = 0.8
    /// Longer tables are read line by line; dealing out takes time with the square of the length.
    private static let longest = 120
    /// Lines of a cell that are looked at.
    private static let deepest = 12

    /// Cuts a region into tables with such cells and the rest.
    static func parts(_ fragments: [Fragment], isRightToLeft: Bool) -> [Part] {
        let levels = levels(fragments)
        guard levels.count > 2, levels.contains(where: { $0.fragments.count > 1 }) else { return [.lines(fragments)] }
        let sizes = fragments.map(\.size).sorted()
        let size = max(sizes[sizes.count / 2], 1)
        var parts: [Part] = []
        var pending: [Fragment] = []
        var index = 0
        var attempts = (end: 0, count: 0)
        while index < levels.count {
            if levels[index..<min(index + deepest, levels.count)].contains(where: { $0.fragments.count > 1 }),
                let zone = zone(levels, from: index, size: size),
                mayTry(zone.levels.upperBound, &attempts),
                let rows = rows(Array(levels[zone.levels]), tracks: zone.tracks, size: size, isRightToLeft)
            {
                if !pending.isEmpty { parts.append(.lines(pending)) }
                pending = []
                parts += rows.map { .row($0) }
                index = zone.levels.upperBound
            } else {
                pending += levels[index].fragments
                index += 1
            }
        }
        if !pending.isEmpty { parts.append(.lines(pending)) }
        return parts
    }

    /// The first lines of a stretch may belong to what stands above the table; no need to try them all.
    private static func mayTry(_ end: Int, _ attempts: inout (end: Int, count: Int)) -> Bool {
        if attempts.end != end { attempts = (end, 0) }
        attempts.count += 1
        return attempts.count <= 6
    }

    private static func levels(_ fragments: [Fragment]) -> [Level] {
        var levels: [Level] = []
        for fragment in fragments.topDown {
            if let middle = levels.last?.middle, fragment.box.middle - middle < 0.3 * max(fragment.size, 1) {
                levels[levels.count - 1].add(fragment)
            } else {
                levels.append(Level(fragment))
            }
        }
        return levels
    }

    /// The longest stretch from a level on through which at least one gutter runs, and its columns.
    private static func zone(
        _ levels: [Level], from start: Int, size: Double
    ) -> (levels: Range<Int>, tracks: [ClosedRange<Double>])? {
        var tracks: [ClosedRange<Double>] = []
        var end = start
        var widest = 0
        while end < levels.count {
            let level = levels[end]
            if end > start {
                guard level.top - levels[end - 1].bottom < 1.5 * size else { break }
            }
            // A heading or a caption.
            if level.fragments.count == 1 {
                let fragment = level.fragments[0]
                if abs(fragment.size - size) > 0.15 * size { break }
            }
            let wider = merged(tracks + level.fragments.map { $0.box.x0...max($0.box.x0, $0.box.x1) }, size: size)
            // The first lines of the first row may belong to one cell.
            if wider.count < 2 && (tracks.count > 1 || end - start > deepest) { break }
            tracks = wider
            widest = max(widest, level.fragments.count)
            end += 1
        }
        guard tracks.count > 1, end - start > 2, end - start <= longest, widest > 1 else { return nil }
        return (start..<end, tracks)
    }

    private static func merged(_ ranges: [ClosedRange<Double>], size: Double) -> [ClosedRange<Double>] {
        var merged: [ClosedRange<Double>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound - last.upperBound < gutter * size {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    /// The rows of a table, or nil where its cells have one line each or do not fit.
    private static func rows(
        _ levels: [Level], tracks: [ClosedRange<Double>], size: Double, _ isRightToLeft: Bool
    ) -> [[Fragment]]? {
        var columns = [[[Fragment]]](repeating: [], count: tracks.count)
        for level in levels {
            for (index, track) in tracks.enumerated() {
                let own = level.fragments.filter { track.contains($0.box.x0) }
                if !own.isEmpty { columns[index].append(own) }
            }
        }
        let widest = levels.map(\.fragments.count).max() ?? 0
        let anchors = levels.filter { 2 * $0.fragments.count >= max(widest, 4) }
        var at = anchors.map(\.middle)
        if at.count < 3, columns.count == 2 {
            at = sparse(columns[0], columns[1]) ?? sparse(columns[1], columns[0]) ?? []
        }
        guard at.count > 2, at.count < levels.count else { return nil }
        var best: (cost: Double, dealt: [[Range<Int>]])?
        for isMiddle in [true, false] {
            var cost = 0.0
            var dealt: [[Range<Int>]] = []
            for column in columns {
                let places = column.map { $0[0].box.middle }
                let deal = deal(places, to: at, isMiddle: isMiddle, size: size)
                cost += deal.cost
                dealt.append(deal.ranges)
            }
            if cost < best?.cost ?? .infinity { best = (cost, dealt) }
        }
        guard let best else { return nil }
        let wrapped = best.dealt.joined().count { $0.count > 1 }
        guard wrapped > 0, best.cost < 0.25 * size * Double(wrapped) else { return nil }
        let order = isRightToLeft ? Array(columns.indices.reversed()) : Array(columns.indices)
        return at.indices.map { row in
            order.flatMap { column in
                columns[column][best.dealt[column][row]].flatMap { line in
                    line.sorted { isRightToLeft ? $0.box.x1 > $1.box.x1 : $0.box.x0 < $1.box.x0 }
                }
            }
        }
    }

    /// The places of a column's lines where they stand much farther apart than those of the other.
    private static func sparse(_ column: [[Fragment]], _ other: [[Fragment]]) -> [Double]? {
        func pitch(_ places: [Double]) -> Double? {
            let steps = zip(places, places.dropFirst()).map { $1 - $0 }.sorted()
            return steps.isEmpty ? nil : steps[steps.count / 2]
        }
        let places = column.map { $0[0].box.middle }
        guard let own = pitch(places), let others = pitch(other.map { $0[0].box.middle }), own > 1.6 * others else {
            return nil
        }
        return places
    }

    /// Cuts a column's lines into as many cells as there are anchors, so that the middles (or tops) of the cells lie
    /// as near as can be to the anchors. A line that stands level with an anchor stays with it.
    private static func deal(
        _ places: [Double], to anchors: [Double], isMiddle: Bool, size: Double
    ) -> (cost: Double, ranges: [Range<Int>]) {
        let count = places.count
        let fixed = places.map { place in anchors.firstIndex { abs($0 - place) < 0.3 * size } }
        // costs[i]: the least for the first i lines dealt to the anchors so far.
        var costs = [Double](repeating: .infinity, count: count + 1)
        costs[0] = 0
        var cuts: [[Int]] = []
        for (index, anchor) in anchors.enumerated() {
            // An empty cell is unlikely where there are lines for all.
            var next = costs.map { $0 + (count < anchors.count ? 0 : 0.5 * size) }
            var from = Array(0...count)
            for end in stride(from: 1, through: count, by: 1) {
                for start in (max(0, end - deepest)..<end).reversed() {
                    if let own = fixed[start], own != index { break }
                    guard costs[start] < .infinity else { continue }
                    let place = isMiddle ? (places[start] + places[end - 1]) / 2 : places[start]
                    // Signs of several fonts on one line have different middles.
                    let isLine = start == end - 1 && fixed[start] != nil
                    let cost = costs[start] + (isLine ? 0 : abs(place - anchor))
                    if cost < next[end] { (next[end], from[end]) = (cost, start) }
                }
            }
            costs = next
            cuts.append(from)
        }
        var ranges: [Range<Int>] = []
        var end = count
        for from in cuts.reversed() {
            ranges.append(from[end]..<end)
            end = from[end]
        }
        return (costs[count], ranges.reversed())
    }
}
