// What a reader should know about the text of a page or a file.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

enum Quality {
    /// Whether a text is mostly signs that no font map explains: U+FFFD, private use, control characters.
    static func isGarbled(_ text: String) -> Bool {
        var signs = 0
        var junk = 0
        for scalar in text.unicodeScalars where !scalar.properties.isWhitespace {
            signs += 1
            switch scalar.value {
            case 0xfffd, 0xe000...0xf8ff, 0xf0000...0x10ffff, 0x00...0x1f, 0x7f...0x9f: junk += 1
            default: break
            }
        }
        return signs >= 20 && 5 * junk > signs
    }

    /// Notes of a file from those of its pages: what holds for any page is said of the file, `empty` only of all.
    static func notes(for pages: [ExtractedPage]) -> [QualityNote] {
        var notes: [QualityNote] = []
        for note in [QualityNote.scan, .garbled, .twoColumn] where pages.contains(where: { $0.notes.contains(note) }) {
            notes.append(note)
        }
        if !pages.isEmpty, pages.allSatisfy({ $0.blocks.isEmpty }), !notes.contains(.scan) { notes.append(.empty) }
        return notes
    }
}
