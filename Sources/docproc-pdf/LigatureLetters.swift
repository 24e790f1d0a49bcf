// Which letters a ligature is made of: those that look like it when they stand side by side in the same font.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

/// Letters of one font at one size, as a page has them.
struct LigatureLetters {
    private var widths: [Unicode.Scalar: [Double]] = [:]
    private var glyphs: [Unicode.Scalar: GlyphName] = [:]

    /// What fonts join.
    private static let known = [
        "ti", "tt", "tti", "fi", "ff", "fl", "ft", "ffi", "ffl", "fft", "tf", "fj", "fb", "fh", "fk", "ffj", "Th", "ct",
        "st",
    ]
    /// Shapes that share this part of their area are the same, if no other shares nearly as much.
    private static let alike = 0.84
    private static let clearly = 0.05

    /// Takes a letter of the font into account.
    mutating func add(_ character: PlacedCharacters.Placed, _ glyph: GlyphName) {
        widths[character.scalar, default: []].append(character.width)
        glyphs[character.scalar] = glyph
    }

    private func width(_ scalar: Unicode.Scalar) -> Double? { widths[scalar]?.median }

    /// The size: the letter n is about half an em wide.
    private var em: Double? { (width("n") ?? width("e") ?? width("a")).map { 2 * $0 } }

    /// The one ligature whose letters look like an outline that takes `width` points on the line; nil where there is
    /// none or more than one.
    func letters(like path: [UInt8], width: Double, among paths: [GlyphName: [UInt8]]) -> String? {
        guard let em, em > 0, width > 0 else { return nil }
        let shape = Outline(path: path, em: em)
        var fitting: [(letters: String, likeness: Double)] = []
        for letters in Self.known {
            let parts = letters.unicodeScalars.map { scalar in
                (width: self.width(scalar) ?? 0, path: glyphs[scalar].flatMap { paths[$0] } ?? [])
            }
            let sum = parts.reduce(0) { $0 + $1.width }
            guard parts.allSatisfy({ !$0.path.isEmpty }), abs(sum - width) < 0.15 * em else { continue }
            let outlines = parts.map { (width: $0.width, shape: Outline(path: $0.path, em: em)) }
            fitting.append((letters, Self.likeness(of: shape, to: outlines, em: em)))
        }
        guard let best = fitting.max(by: { $0.likeness < $1.likeness }), best.likeness > Self.alike else { return nil }
        return fitting.contains { $0.letters != best.letters && $0.likeness > best.likeness - Self.clearly }
            ? nil : best.letters
    }

    /// How much a shape is like letters side by side. Those of a ligature stand closer than letters alone, or as close.
    private static func likeness(of shape: Outline, to letters: [(width: Double, shape: Outline)], em: Double) -> Double
    {
        let steps = (0...12).map { step in
            var whole = letters[0].shape
            var x = 0.0
            for index in letters.indices.dropFirst() {
                x += letters[index - 1].width - 0.01 * em * Double(step)
                whole.add(letters[index].shape, at: x)
            }
            return shape.likeness(to: whole)
        }
        return steps.max() ?? 0
    }
}

extension [Double] {
    var median: Double? { isEmpty ? nil : sorted()[count / 2] }
}
