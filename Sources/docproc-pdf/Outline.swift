// The shape of a glyph, to be compared with those of letters side by side.
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a glyph covers, row by row.
struct Outline {
    /// For each row the stretches covered, from the left and apart from each other.
    private var rows: [[ClosedRange<Double>]]

    /// Rows from the top of the tallest letter down to the end of the longest tail.
    private static let rowCount = 40
    private static let rowsAbove = 30

    /// Rows of an SVG path of the commands M, L, C and Z, whose type is `em` points large.
    init(path: [UInt8], em: Double) {
        let pitch = em / 32
        rows = Array(repeating: [], count: Self.rowCount)
        var crossings = [[(x: Double, winding: Int)]](repeating: [], count: Self.rowCount)
        func draw(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) {
            for row in 0..<Self.rowCount {
                let y = (Double(row - Self.rowsAbove) + 0.5) * pitch
                guard (a.y <= y) != (b.y <= y) else { continue }
                crossings[row].append((a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x), a.y < b.y ? 1 : -1))
            }
        }
        var start = (x: 0.0, y: 0.0)
        var at = start
        var command = UInt8(ascii: "M")
        var numbers: [Double] = []
        for word in path.split(separator: 0x20) {
            if word.count == 1, let letter = word.first, letter >= UInt8(ascii: "A") {
                if letter == UInt8(ascii: "Z") {
                    draw(at, start)
                    at = start
                }
                (command, numbers) = (letter, [])
                continue
            }
            guard let number = Double(String(decoding: word, as: UTF8.self)), number.isFinite else { return }
            numbers.append(number)
            guard numbers.count == (command == UInt8(ascii: "C") ? 6 : 2) else { continue }
            let end = (x: numbers[numbers.count - 2], y: numbers[numbers.count - 1])
            switch command {
            case UInt8(ascii: "M"): start = end
            case UInt8(ascii: "C"):
                var last = at
                for step in 1...8 {
                    let next = Self.curve(at, numbers, Double(step) / 8)
                    draw(last, next)
                    last = next
                }
            default: draw(at, end)
            }
            at = end
            numbers = []
        }
        rows = crossings.map(Self.stretches)
    }

    /// A point of a cubic Bézier curve.
    private static func curve(_ a: (x: Double, y: Double), _ c: [Double], _ t: Double) -> (x: Double, y: Double) {
        let u = 1 - t
        let (k0, k1, k2, k3) = (u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t)
        return (k0 * a.x + k1 * c[0] + k2 * c[2] + k3 * c[4], k0 * a.y + k1 * c[1] + k2 * c[3] + k3 * c[5])
    }

    /// Where the winding number is not zero.
    private static func stretches(_ crossings: [(x: Double, winding: Int)]) -> [ClosedRange<Double>] {
        var stretches: [ClosedRange<Double>] = []
        var winding = 0
        var start = 0.0
        for crossing in crossings.sorted(by: { $0.x < $1.x }) {
            if winding == 0 { start = crossing.x }
            winding += crossing.winding
            if winding == 0 { stretches.append(start...crossing.x) }
        }
        return stretches
    }

    /// Adds another outline, moved to the right.
    mutating func add(_ other: Outline, at x: Double) {
        for row in rows.indices where !other.rows[row].isEmpty {
            let both = rows[row] + other.rows[row].map { $0.lowerBound + x...$0.upperBound + x }
            rows[row] = []
            for stretch in both.sorted(by: { $0.lowerBound < $1.lowerBound }) {
                if let last = rows[row].last, stretch.lowerBound <= last.upperBound {
                    rows[row][rows[row].count - 1] = last.lowerBound...max(last.upperBound, stretch.upperBound)
                } else {
                    rows[row].append(stretch)
                }
            }
        }
    }

    /// The area that both cover, as a part of what either does: 1 for the same shape.
    func likeness(to other: Outline) -> Double {
        var shared = 0.0
        var sum = 0.0
        for (a, b) in zip(rows, other.rows) {
            for stretch in a + b { sum += stretch.upperBound - stretch.lowerBound }
            for one in a {
                for two in b {
                    shared += max(0, min(one.upperBound, two.upperBound) - max(one.lowerBound, two.lowerBound))
                }
            }
        }
        return sum > shared ? shared / (sum - shared) : 0
    }
}
