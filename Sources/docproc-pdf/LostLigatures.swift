// Ligatures that a font map forgets, such as `ti` and `tt` of some office fonts: Poppler has nothing for them, and
// "written" is read as "wri en".
//
// What is drawn where the text has no letter is such a glyph, and its outline is nearly that of the letters that it
// stands for, side by side. A page is drawn only where gaps in its lines look like lost letters.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF
import Documents

/// Letters that one glyph stands for, and how far they go in points.
private struct Ligature {
    var letters: String
    var width: Double
}

/// A ligature that a page draws and its text lacks.
private struct LostLigature {
    var letters: String
    /// Where it begins and ends on its baseline.
    var x0, x1, y: Double

    init(_ ligature: Ligature, at glyph: DrawnGlyph) {
        (letters, x0, x1, y) = (ligature.letters, glyph.x, glyph.x + ligature.width, glyph.y)
    }
}

/// Puts lost ligatures back, page by page of a document.
struct LostLigatures {
    /// Pages in a row that were drawn and lacked none.
    private var fruitless = 0
    /// Outlines that were recognised.
    private var recognised: [[UInt8]: Ligature] = [:]

    /// After as many fruitless pages in a row none is drawn any more: more in a file that has lost some.
    private var mostFruitless: Int { recognised.isEmpty ? 1 : 16 }
    /// A page with more glyphs that no font map explains has other troubles.
    private static let mostUnknown = 200
    private static let mostLost = 5_000

    /// Completes the words of a page, from 1.
    mutating func restore(_ glyphs: inout Glyphs, _ text: cpdf_text, of document: OpaquePointer, page: Int) {
        guard fruitless < mostFruitless else { return }
        let gaps = Gaps(glyphs.lines)
        guard recognised.isEmpty ? gaps.areLikely : !gaps.places.isEmpty else { return }
        let characters = PlacedCharacters(text)
        var lost =
            recognised.isEmpty
            ? nil : known(DrawnGlyphs.of(document, page: page, in: gaps.places), characters)
        // Outlines not seen before are compared with letters of their lines.
        if lost == nil {
            lost = recognise(DrawnGlyphs.of(document, page: page, in: gaps.lines + gaps.places), characters)
        }
        guard let lost, !lost.isEmpty, lost.count <= Self.mostLost else {
            fruitless += 1
            return
        }
        fruitless = 0
        glyphs.lines = Self.mended(glyphs.lines, with: lost.sorted { ($0.y, $0.x0) < ($1.y, $1.x0) })
    }

    /// Where letters may be missing.
    private struct Gaps {
        /// Stretches without text within lines, and beside them.
        var places: [Box] = []
        /// Lines with gaps between small letters that are wider than its spaces.
        var lines: [Box] = []
        private var wide: [(line: Int, gap: Double)] = []

        init(_ all: [[Word]]) {
            for (index, line) in all.enumerated() where line.count > 3 {
                let gaps = zip(line, line.dropFirst()).map { ($1.box.x0 - $0.box.x1) / max($0.size, 1) }
                guard gaps.contains(where: { (0.4...1.5).contains($0) }) else { continue }
                let usual = gaps.sorted()[gaps.count / 2]
                let count = wide.count
                for (at, gap) in gaps.enumerated() where (0.4...1.5).contains(gap) && gap > 1.3 * usual {
                    let (a, b) = (line[at], line[at + 1])
                    places.append(Box(x0: a.box.x1 + 1, y0: a.box.y0, x1: b.box.x0 - 1, y1: a.box.y1))
                    if gap < 1, a.text.utf8.last.map(isSmall) == true, b.text.utf8.first.map(isSmall) == true,
                        !isLetterWide(gap, a), !isLetterWide(gap, b)
                    {
                        wide.append((index, gap))
                    }
                }
                guard wide.count > count else { continue }
                lines.append(line.dropFirst().reduce(line[0].box) { $0.union($1.box) })
            }
        }

        /// Whether gaps are as wide as those of other lines: spaces of justified lines are of one width in their own
        /// line alone.
        var areLikely: Bool {
            let sorted = wide.sorted { ($0.gap, $0.line) < ($1.gap, $1.line) }
            return zip(sorted, sorted.dropFirst()).contains { $1.gap - $0.gap < 0.002 && $0.line != $1.line }
        }
    }

    /// Whether a gap, in ems, is as wide as each letter of a word: then it is the space of a font of fixed pitch.
    private static func isLetterWide(_ gap: Double, _ word: Word) -> Bool {
        abs(gap * word.size - word.box.width / Double(word.text.unicodeScalars.count)) < 0.04 * word.size
    }

    private static func isSmall(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    /// Glyphs that the text lacks, by their names.
    private func unknown(
        _ drawn: DrawnGlyphs, _ characters: PlacedCharacters
    ) -> (glyphs: [GlyphName: [DrawnGlyph]], widths: [GlyphName: Double], fonts: [Int: LigatureLetters]) {
        var fonts: [Int: LigatureLetters] = [:]
        var glyphs: [GlyphName: [DrawnGlyph]] = [:]
        var widths: [GlyphName: [Double]] = [:]
        for (index, glyph) in drawn.all.enumerated() {
            if let character = characters.at(glyph.x, glyph.y) {
                fonts[glyph.name.font, default: LigatureLetters()].add(character, glyph.name)
                continue
            }
            glyphs[glyph.name, default: []].append(glyph)
            if index + 1 < drawn.all.count, case let next = drawn.all[index + 1], abs(next.y - glyph.y) < 0.1,
                next.x > glyph.x
            {
                widths[glyph.name, default: []].append(next.x - glyph.x)
            }
        }
        return (glyphs, widths.compactMapValues(\.median), fonts)
    }

    /// The ligatures among glyphs of a page in places without text; nil if an outline is new.
    private func known(_ drawn: DrawnGlyphs, _ characters: PlacedCharacters) -> [LostLigature]? {
        var lost: [LostLigature] = []
        for (name, uses) in unknown(drawn, characters).glyphs {
            guard let path = drawn.paths[name], !path.isEmpty else { continue }
            guard let ligature = recognised[path] else { return nil }
            lost += uses.map { LostLigature(ligature, at: $0) }
        }
        return lost
    }

    /// The ligatures among glyphs of lines, which also have the letters to compare them with.
    private mutating func recognise(_ drawn: DrawnGlyphs, _ characters: PlacedCharacters) -> [LostLigature] {
        let (glyphs, widths, fonts) = unknown(drawn, characters)
        guard glyphs.count <= Self.mostUnknown else { return [] }
        var lost: [LostLigature] = []
        for (name, uses) in glyphs {
            guard let path = drawn.paths[name], !path.isEmpty else { continue }
            if recognised[path] == nil, let width = widths[name],
                let letters = fonts[name.font]?.letters(like: path, width: width, among: drawn.paths)
            {
                recognised[path] = Ligature(letters: letters, width: width)
            }
            if let ligature = recognised[path] { lost += uses.map { LostLigature(ligature, at: $0) } }
        }
        return lost
    }

    /// Lines with the letters put in: at the end of a word, before one, or between two that become one.
    private static func mended(_ lines: [[Word]], with lost: [LostLigature]) -> [[Word]] {
        lines.map { line in
            guard let first = line.first else { return line }
            let box = line.dropFirst().reduce(first.box) { $0.union($1.box) }
            var line = line
            for ligature in lost where ligature.y > box.y0 && ligature.y < box.y1 {
                put(ligature, into: &line)
            }
            return line
        }
    }

    private static func put(_ ligature: LostLigature, into line: inout [Word]) {
        func isAt(_ x: Double, _ word: Word, _ edge: Double) -> Bool {
            abs(edge - x) < 0.06 * word.size && ligature.y > word.box.y0 && ligature.y < word.box.y1 && word.isUpright
                && word.direction != .rightToLeft
        }
        let before = line.firstIndex { isAt(ligature.x0, $0, $0.box.x1) }
        let after = line.firstIndex { isAt(ligature.x1, $0, $0.box.x0) }
        if let before {
            line[before].text += ligature.letters
            line[before].box.x1 = ligature.x1
            guard let after, after == before + 1 else { return }
            line[before].text += line[after].text
            line[before].box = line[before].box.union(line[after].box)
            line.remove(at: after)
        } else if let after {
            line[after].text = ligature.letters + line[after].text
            line[after].box.x0 = ligature.x0
        }
    }
}
