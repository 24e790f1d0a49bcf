// Every glyph that a page draws, in the order in which it draws them, those included that no font map explains and that
// Poppler leaves out of the text.
//
// They are read from the page drawn as SVG: one element `use` a glyph, which names font, glyph and place.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF
import Documents

/// A glyph of a font at one size. Fonts are numbered page by page, glyphs font by font.
struct GlyphName: Hashable {
    var font, glyph: Int
}

/// A glyph on a page.
struct DrawnGlyph {
    var name: GlyphName
    /// Where it begins on its baseline, in points from the top left corner.
    var x, y: Double
}

/// Takes glyphs and their outlines out of SVG that comes piece by piece.
struct DrawnGlyphs {
    private(set) var all: [DrawnGlyph] = []
    /// The path of each glyph as SVG writes it, in points from its place.
    private(set) var paths: [GlyphName: [UInt8]] = [:]
    private var line: [UInt8] = []
    private var isTooLong = false
    /// Whose path the next line may have.
    private var named: GlyphName?
    private var bytesLeft = 64 << 20

    /// A line with more bytes draws something else.
    private static let longestLine = 1 << 14
    private static let most = 200_000

    /// The glyphs in some places of a page, from 1, and others beside them; the first ones where there are too many.
    static func of(_ document: OpaquePointer, page: Int, in places: [Box]) -> DrawnGlyphs {
        var reader = DrawnGlyphs()
        let rectangles = places.map { cpdf_rectangle(x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1) }
        withUnsafeMutablePointer(to: &reader) { pointer in
            cpdf_draw(document, Int32(page - 1), rectangles, rectangles.count, pointer) { context, bytes, count in
                guard let reader = context?.assumingMemoryBound(to: DrawnGlyphs.self) else { return false }
                return reader.pointee.take(UnsafeBufferPointer(start: bytes, count: count))
            }
        }
        return reader
    }

    /// Reads on; false when it has seen enough.
    mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytesLeft -= bytes.count
        for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if part.offset > 0 { endLine() }
            if line.count + part.element.count <= Self.longestLine {
                line += part.element
            } else {
                isTooLong = true
            }
        }
        return bytesLeft > 0 && all.count + paths.count < Self.most
    }

    private mutating func endLine() {
        defer {
            line.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        guard !isTooLong, let start = line.firstIndex(where: { $0 != 0x20 }) else { return }
        let rest = line[start...]
        if rest.starts(with: "<use ".utf8) {
            guard let name = name(after: "href=\"#glyph"), let x = number(after: " x=\""),
                let y = number(after: " y=\"")
            else { return }
            all.append(DrawnGlyph(name: name, x: x, y: y))
        } else if rest.starts(with: "<path ".utf8) {
            if let named { paths[named] = value(after: " d=\"").map(Array.init) }
            named = nil
        } else {
            named = name(after: "id=\"glyph")
        }
    }

    /// Font and glyph of `glyph3-5`, as later versions of cairo write it `glyph-3-5`.
    private func name(after mark: StaticString) -> GlyphName? {
        let numbers = value(after: mark)?.split(separator: UInt8(ascii: "-")) ?? []
        guard numbers.count == 2, let font = Int(String(decoding: numbers[0], as: UTF8.self)),
            let glyph = Int(String(decoding: numbers[1], as: UTF8.self))
        else { return nil }
        return GlyphName(font: font, glyph: glyph)
    }

    private func number(after mark: StaticString) -> Double? {
        value(after: mark).flatMap { Double(String(decoding: $0, as: UTF8.self)) }
    }

    /// What follows a mark on the line, up to the quotation mark.
    private func value(after mark: StaticString) -> ArraySlice<UInt8>? {
        let mark = UnsafeBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount)
        var at = line.startIndex
        while at + mark.count <= line.endIndex {
            guard let found = line[at...].firstIndex(of: mark[0]), found + mark.count <= line.endIndex else {
                return nil
            }
            if line[found..<found + mark.count].elementsEqual(mark) {
                return line[(found + mark.count)...].prefix { $0 != UInt8(ascii: "\"") }
            }
            at = found + 1
        }
        return nil
    }
}
