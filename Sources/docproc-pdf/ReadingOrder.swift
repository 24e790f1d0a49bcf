// The order in which fragments are read: columns are found by the white space that parts them, tables are not torn.
//
// A gutter is an x that few fragments cross. Those that do (titles, wide figures) cut the region into zones; in each
// zone that has text on both sides one side is read before the other. Both sides are searched again.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

/// Fragments that are read row by row.
struct Region {
    var fragments: [Fragment]
    /// Whether it is a column beside another.
    var isColumn: Bool
}

struct ReadingOrder {
    /// Columns are read from the right.
    let isRightToLeft: Bool
    /// Lines that each side of a gutter must have.
    private static let minimumLines = 3
    /// Blank that parts what stands above it from what stands below, in ems.
    private static let blank = 2.5
    /// Above this many fragments a page is no text; searching it would take its time for nothing.
    private static let maximumFragments = 8_000

    /// Regions in reading order.
    func regions(_ fragments: [Fragment]) -> [Region] {
        guard fragments.count <= Self.maximumFragments else {
            return [Region(fragments: fragments, isColumn: false)]
        }
        let shapes = fragments.indices.map { Shape(box: fragments[$0].box, size: fragments[$0].size, fragment: $0) }
        return split(shapes, isColumn: false, depth: 0).map { area in
            Region(fragments: area.shapes.map { fragments[$0.fragment] }, isColumn: area.isColumn)
        }
    }

    /// All that the search looks at of a fragment: it moves them about thousands of times.
    private struct Shape {
        var box: Box
        var size: Double
        var fragment: Int
    }

    private struct Area {
        var shapes: [Shape]
        var isColumn: Bool
    }

    private func split(_ fragments: [Shape], isColumn: Bool, depth: Int) -> [Area] {
        guard depth < 6, fragments.count >= 2 * Self.minimumLines, let gutter = bestGutter(fragments) else {
            return fragments.isEmpty ? [] : [Area(shapes: fragments, isColumn: isColumn)]
        }
        var regions: [Area] = []
        var pending: [Shape] = []  // read row by row: what crosses, and zones that are no columns
        for zone in zones(fragments, at: gutter) {
            if zone.isColumns {
                if !pending.isEmpty { regions += split(pending, isColumn: isColumn, depth: depth + 1) }
                pending = []
                for (left, right) in bands(zone) {
                    for side in isRightToLeft ? [right, left] : [left, right] {
                        regions += split(side, isColumn: true, depth: depth + 1)
                    }
                }
            } else {
                pending += zone.left + zone.right
            }
            if let crossing = zone.crossing { pending.append(crossing) }
        }
        if !pending.isEmpty { regions += split(pending, isColumn: isColumn, depth: depth + 1) }
        return regions
    }

    /// What stands between two fragments that cross the gutter, and the one that ends it.
    private struct Zone {
        var left: [Shape] = []
        var right: [Shape] = []
        var crossing: Shape?
        var isColumns = false
    }

    /// Columns cut where both have a wide blank and begin anew at the same height: what lies above it is read before
    /// what lies below.
    private func bands(_ zone: Zone) -> [(left: [Shape], right: [Shape])] {
        let sorted = (zone.left + zone.right).sorted { $0.box.y0 < $1.box.y0 }
        let sizes = sorted.map(\.size).sorted()
        let blank = Self.blank * max(sizes[sizes.count / 2], 1)
        var cuts: [Double] = []
        var bottom = sorted[0].box.y1
        for fragment in sorted.dropFirst() where fragment.box.y1 > bottom {
            let isLevel = [zone.left, zone.right].allSatisfy { side in
                side.contains { abs($0.box.y0 - fragment.box.y0) < 0.2 * blank }
            }
            if fragment.box.y0 - bottom > blank, isLevel { cuts.append(fragment.box.y0 - 0.2 * blank) }
            bottom = max(bottom, fragment.box.y1)
        }
        guard !cuts.isEmpty else { return [(zone.left, zone.right)] }
        return (0...cuts.count).map { index in
            let from = index == 0 ? -Double.infinity : cuts[index - 1]
            let to = index == cuts.count ? Double.infinity : cuts[index]
            func part(_ side: [Shape]) -> [Shape] { side.filter { $0.box.y0 >= from && $0.box.y0 < to } }
            return (part(zone.left), part(zone.right))
        }
    }

    private func bestGutter(_ fragments: [Shape]) -> Double? {
        var votes: [Double: Int] = [:]
        for fragment in fragments { votes[(fragment.box.x0 - 1).rounded(), default: 0] += 1 }
        // A column's left edge is where many lines begin; the first few edges in number of lines will hold it.
        let edges = votes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(24).map(\.key)
        var best: (gain: Int, at: Double)?
        for edge in edges.sorted() where mayPart(fragments, at: edge) {
            let gain = zones(fragments, at: edge).reduce(0) { sum, zone in
                zone.isColumns ? sum + min(rows(zone.left), rows(zone.right)) : sum
            }
            if gain >= Self.minimumLines, gain > best?.gain ?? 0 { best = (gain, edge) }
        }
        return best?.at
    }

    /// Whether there are as many fragments on either side of an edge as columns have at least; most edges have none.
    private func mayPart(_ fragments: [Shape], at x: Double) -> Bool {
        var left = 0
        var right = 0
        for fragment in fragments {
            if fragment.box.x1 <= x + 2 { left += 1 } else if !(fragment.box.x0 < x - 2) { right += 1 }
        }
        return left >= Self.minimumLines && right >= Self.minimumLines
    }

    private func zones(_ fragments: [Shape], at x: Double) -> [Zone] {
        let crossing = fragments.filter { $0.box.x0 < x - 2 && $0.box.x1 > x + 2 }.sorted {
            $0.box.middle < $1.box.middle
        }
        var zones = [Zone](repeating: Zone(), count: crossing.count + 1)
        for (index, fragment) in crossing.enumerated() { zones[index].crossing = fragment }
        let borders = crossing.map(\.box.middle)
        for fragment in fragments where !(fragment.box.x0 < x - 2 && fragment.box.x1 > x + 2) {
            var low = 0
            var high = borders.count
            while low < high {
                let middle = (low + high) / 2
                if borders[middle] < fragment.box.middle { low = middle + 1 } else { high = middle }
            }
            if fragment.box.x1 <= x + 2 { zones[low].left.append(fragment) } else { zones[low].right.append(fragment) }
        }
        for index in zones.indices { zones[index].isColumns = isColumns(zones[index]) }
        return zones
    }

    /// Whether both sides are columns of text rather than cells of one table.
    private func isColumns(_ zone: Zone) -> Bool {
        guard rows(zone.left) >= Self.minimumLines, rows(zone.right) >= Self.minimumLines else { return false }
        let left = Side(zone.left)
        let right = Side(zone.right)
        // Sides that merely follow each other down the page are not beside each other.
        guard min(left.box.y1, right.box.y1) - max(left.box.y0, right.box.y0) > 2 * left.size else { return false }
        // Text fills its column and is wide; cells do neither, and stand level with their neighbours.
        if left.fill > 0.7 && right.fill > 0.7 && left.ems > 10 && right.ems > 10 { return true }
        // Short lines (verse, lists, addresses): more of them must be seen, and not level with each other. Fewer are
        // more likely the parts of a formula. Where rows have several cells, a table with centred cells is likely.
        guard min(rows(zone.left), rows(zone.right)) > Self.minimumLines + 1 else { return false }
        guard min(left.ems * left.fill, right.ems * right.fill) > 4 else { return false }
        // So it is where the lines of one side stand much farther apart.
        guard max(left.pitch, right.pitch) < 1.6 * min(left.pitch, right.pitch) else { return false }
        let sides = [left, right].filter(\.hasCells)
        return !sides.contains { $0.fill < 0.35 }
            && level(zone.left, zone.right) <= (sides.isEmpty ? 0.6 : 0.45)
    }

    /// The part of the side with fewer rows whose rows stand level with one of the other side.
    private func level(_ a: [Shape], _ b: [Shape]) -> Double {
        let (few, many) = rows(a) <= rows(b) ? (a, b) : (b, a)
        let bottoms = many.map(\.box.y1).sorted()
        let matched = few.count { fragment in
            let at = fragment.box.y1
            let tolerance = 0.2 * max(fragment.size, 1)
            var low = 0
            var high = bottoms.count
            while low < high {
                let middle = (low + high) / 2
                if bottoms[middle] < at - tolerance { low = middle + 1 } else { high = middle }
            }
            return low < bottoms.count && bottoms[low] <= at + tolerance
        }
        return few.isEmpty ? 0 : Double(matched) / Double(few.count)
    }

    /// How many rows fragments make.
    private func rows(_ fragments: [Shape]) -> Int {
        var count = 0
        var bottom = -Double.infinity
        for fragment in fragments.sorted(by: { $0.box.middle < $1.box.middle }) where fragment.box.middle > bottom {
            count += 1
            bottom = fragment.box.middle + 0.5 * fragment.box.height
        }
        return count
    }

    /// One side of a gutter measured.
    private struct Side {
        var box: Box
        var size: Double
        /// The median part of the side's width that a row takes.
        var fill: Double
        /// Its width in ems.
        var ems: Double
        /// The median distance of its rows.
        var pitch: Double
        /// Many of its rows have several fragments.
        var hasCells: Bool

        init(_ fragments: [Shape]) {
            box = fragments.dropFirst().reduce(fragments[0].box) { $0.union($1.box) }
            let sizes = fragments.map(\.size).sorted()
            size = max(sizes[sizes.count / 2], 1)
            var widths: [Double] = []
            var counts: [Int] = []
            var tops: [Double] = []
            var bottom = -Double.infinity
            for fragment in fragments.sorted(by: { $0.box.middle < $1.box.middle }) {
                if fragment.box.middle > bottom {
                    widths.append(fragment.box.width)
                    counts.append(1)
                    tops.append(fragment.box.middle)
                    bottom = fragment.box.middle + 0.5 * fragment.box.height
                } else {
                    widths[widths.count - 1] += fragment.box.width
                    counts[counts.count - 1] += 1
                }
            }
            widths.sort()
            fill = box.width > 0 ? widths[widths.count / 2] / box.width : 0
            ems = box.width / size
            let steps = zip(tops, tops.dropFirst()).map { $1 - $0 }.sorted()
            pitch = steps.isEmpty ? size : steps[steps.count / 2]
            hasCells = 3 * counts.count { $0 > 1 } > counts.count
        }
    }
}
