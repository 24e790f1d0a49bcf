// What a reader should know about the text of a page or a file.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

struct Quality {
    private var seen: Set<QualityNote> = []
    private var hasPages = false
    private var hasText = false

    /// Whether many signs of a page are such that no font map explains.
    static func isGarbled(_ glyphs: Glyphs) -> Bool { glyphs.ink >= 20 && 5 * glyphs.junk > glyphs.ink }

    /// Takes a page of the file into account.
    mutating func add(_ page: ExtractedPage) {
        seen.formUnion(page.notes)
        hasPages = true
        if !page.blocks.isEmpty { hasText = true }
    }

    /// Notes of the file from those of its pages: what holds for any page is said of the file, `empty` only of all.
    var notes: [QualityNote] {
        var notes = [QualityNote.scan, .garbled, .twoColumn, .hiddenText].filter(seen.contains)
        if hasPages, !hasText, !notes.contains(.scan) { notes.append(.empty) }
        return notes
    }
}
