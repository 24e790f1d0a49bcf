// What stands on a page beside its text: line numbers of a manuscript, a watermark behind the lines.
//
// Both cut through the lines they stand next to, so they are taken out before the order of reading is sought.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Margins {
    /// Fewer numbers than this in a column are more likely data.
    private static let minimumNumbers = 6
    /// Letters so many times the page's are a watermark.
    private static let watermark = 6.0

    /// Parts the text of a page from line numbers, top first, and from watermarks.
    static func part(_ fragments: [Fragment]) -> (text: [Fragment], numbers: [Fragment], watermarks: [Fragment]) {
        guard !fragments.isEmpty else { return ([], [], []) }
        let sizes = fragments.map(\.size).sorted()
        let median = max(sizes[sizes.count / 2], 1)
        let left = fragments.map(\.box.x0).min() ?? 0
        var columns: [Double: [Int]] = [:]
        for (index, fragment) in fragments.enumerated() where isLineNumber(fragment) {
            columns[fragment.box.x1.rounded(), default: []].append(index)
        }
        var numbers: Set<Int> = []
        for (_, column) in columns.sorted(by: { $0.key < $1.key }) where column.count >= minimumNumbers {
            let sorted = column.sorted { fragments[$0].box.middle < fragments[$1].box.middle }
            let values = sorted.compactMap { Int(fragments[$0].text) }
            let steps = zip(values, values.dropFirst()).map { $1 - $0 }
            // One by one or five by five but for a few that stick to other text, and either small or at the very edge:
            // a column of a table is not all of that.
            let regular = max(steps.count { $0 == 1 }, steps.count { $0 == 5 })
            let isSmall = sorted.allSatisfy { fragments[$0].size < 0.8 * median }
            let isAtEdge = sorted.allSatisfy { fragments[$0].box.x0 < left + 2 * median }
            let isCounting = steps.allSatisfy { $0 > 0 } && 10 * regular >= 8 * steps.count
            if isCounting, isSmall || isAtEdge { numbers.formUnion(sorted) }
        }
        var text: [Fragment] = []
        var watermarks: [Fragment] = []
        for (index, fragment) in fragments.enumerated() where !numbers.contains(index) {
            if fragment.size > watermark * median { watermarks.append(fragment) } else { text.append(fragment) }
        }
        return (text, numbers.map { fragments[$0] }.sorted { $0.box.middle < $1.box.middle }, watermarks)
    }

    private static func isLineNumber(_ fragment: Fragment) -> Bool {
        fragment.text.utf8.count <= 4 && Int(fragment.text) != nil
    }
}
