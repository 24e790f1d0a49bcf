// Values of form fields and text of annotations, which a page shows though its content does not draw them.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF
import Documents

enum Notes {
    /// What reads as part of the page, as fragments in its place, and remarks about the page.
    static func of(_ page: cpdf_page) -> (inPlace: [Fragment], remarks: [Fragment]) {
        var inPlace: [Fragment] = []
        var remarks: [Fragment] = []
        for note in UnsafeBufferPointer(start: page.notes, count: page.note_count) {
            guard let utf8 = note.utf8 else { continue }
            let lines = String(cString: utf8).split(whereSeparator: \.isNewline)
            let place = note.place
            let height = (place.y1 - place.y0) / Double(max(lines.count, 1))
            for (index, line) in lines.enumerated() where line.contains(where: { !$0.isWhitespace }) {
                // Fields are higher than their text, which stands in the middle.
                let size = min(max(height / 1.2, 1), 12)
                let middle = place.y0 + height * (Double(index) + 0.5)
                let fragment = Fragment(
                    text: String(line),
                    box: Box(x0: place.x0, y0: middle - 0.6 * size, x1: place.x1, y1: middle + 0.6 * size),
                    size: size, isBold: false, isRightToLeft: Word.Direction(of: String(line)) == .rightToLeft,
                    isUpright: true)
                if note.is_remark { remarks.append(fragment) } else { inPlace.append(fragment) }
            }
        }
        return (inPlace, remarks)
    }
}
