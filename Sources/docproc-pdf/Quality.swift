// What a reader should know about the text of a page or a file.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Quality {
    /// Whether many signs of a page are such that no font map explains.
    static func isGarbled(_ glyphs: Glyphs) -> Bool { glyphs.ink >= 20 && 5 * glyphs.junk > glyphs.ink }

    /// Notes of a file from those of its pages: what holds for any page is said of the file, `empty` only of all.
    static func notes(for pages: [ExtractedPage]) -> [QualityNote] {
        var notes: [QualityNote] = []
        for note in [QualityNote.scan, .garbled, .twoColumn, .hiddenText] {
            if pages.contains(where: { $0.notes.contains(note) }) { notes.append(note) }
        }
        if !pages.isEmpty, pages.allSatisfy({ $0.blocks.isEmpty }), !notes.contains(.scan) { notes.append(.empty) }
        return notes
    }
}
