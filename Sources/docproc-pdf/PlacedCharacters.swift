// Where Poppler has the characters of a page, to be found by place.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF

/// Characters of a page by the place where they begin.
struct PlacedCharacters {
    struct Placed {
        var scalar: Unicode.Scalar
        var width: Double
        var x, y0, y1: Double
    }
    private var byPlace: [Int: [Placed]] = [:]

    init(_ text: cpdf_text) {
        guard let utf8 = text.utf8 else { return }
        let rectangles = UnsafeBufferPointer(start: text.rectangles, count: text.rectangle_count)
        var index = 0
        // Marks of direction have no rectangle.
        for scalar in String(cString: utf8).unicodeScalars where !(0x202a...0x202e).contains(scalar.value) {
            guard index < rectangles.count else { return }
            let at = rectangles[index]
            index += 1
            guard !scalar.isSpace else { continue }
            byPlace[Int(at.x0.rounded()), default: []].append(
                Placed(scalar: scalar, width: at.x1 - at.x0, x: at.x0, y0: at.y0, y1: at.y1))
        }
    }

    /// The character that begins at a place on a baseline, as far as rounding lets tell.
    func at(_ x: Double, _ y: Double) -> Placed? {
        guard abs(x) < 1e6 else { return nil }
        for place in Int(x.rounded()) - 1...Int(x.rounded()) + 1 {
            if let found = byPlace[place]?.first(where: { abs($0.x - x) < 0.3 && y > $0.y0 - 1 && y < $0.y1 + 1 }) {
                return found
            }
        }
        return nil
    }
}
