// Glyphs that a font map forgets are read by their shape. The font is made here: its letters are boxes, its ligatures
// are two letters a little closer, and its map knows the letters alone.

import Documents
import Foundation
import Ingest
import Testing

@Suite(.enabled(if: WorkerTest.hasWorker)) struct LigatureTests {
    private func text(_ lines: [String], forgets: Set<String> = ["ti", "tt", "?"]) async throws -> String {
        let file = BoxFont.page(lines, forgets: forgets)
        let document = try await WorkerPool(workers: 1).extract(file, ExtractionRequest(format: .pdf)).get()
        return document.pages[0].rawText
    }

    private let lines = [
        "we wrote one no{ti}on or rest", "no one is wri{tt}en in row", "so i refer to no{ti}ons now",
        "o{tt}er on stone is {ti}n", "is it so fi{tt} or not",
    ]

    @Test func forgottenLigaturesAreReadByTheirShape() async throws {
        let text = try await text(lines)
        for line in lines.map({ $0.filter { !"{}".contains($0) } }) {
            #expect(text.contains(line), "\(line) in \(text)")
        }
    }

    @Test func aShapeThatIsNoLigatureStaysOut() async throws {
        let text = try await text(lines.map { $0.replacing("{ti}", with: "{?}").replacing("{tt}", with: "{?}") })
        #expect(text.contains("no on") && text.contains("wri en"))
        #expect(!text.contains("notion") && !text.contains("written"))
    }

    @Test func whatTheMapKnowsIsLeftAlone() async throws {
        let text = try await text(lines, forgets: [])
        for line in lines.map({ $0.filter { !"{}".contains($0) } }) {
            #expect(text.contains(line), "\(line) in \(text)")
        }
    }
}

/// A TrueType font of boxes, a thousand units an em, embedded in a page.
private enum BoxFont {
    struct Glyph {
        var name: String
        var width: Int
        /// Left, bottom, right, top.
        var boxes: [(Int, Int, Int, Int)]

        var edges: (left: Int, bottom: Int, right: Int, top: Int) {
            guard let first = boxes.first else { return (0, 0, 0, 0) }
            return boxes.reduce(first) { (min($0.0, $1.0), min($0.1, $1.1), max($0.2, $1.2), max($0.3, $1.3)) }
        }
    }

    private static let letters: [Glyph] = [
        Glyph(name: " ", width: 250, boxes: []),
        Glyph(name: "n", width: 540, boxes: [(60, 0, 140, 480), (400, 0, 480, 480), (60, 400, 480, 480)]),
        Glyph(
            name: "w", width: 700, boxes: [(40, 0, 120, 480), (310, 0, 390, 480), (580, 0, 660, 480), (40, 0, 660, 80)]),
        Glyph(name: "r", width: 350, boxes: [(60, 0, 140, 480), (60, 400, 320, 480)]),
        Glyph(
            name: "o", width: 530,
            boxes: [(50, 0, 130, 480), (400, 0, 480, 480), (50, 0, 480, 80), (50, 400, 480, 480)]),
        Glyph(
            name: "e", width: 500,
            boxes: [(50, 0, 130, 480), (50, 0, 450, 80), (50, 200, 450, 270), (50, 400, 450, 480)]),
        Glyph(
            name: "s", width: 400,
            boxes: [(50, 0, 350, 80), (270, 0, 350, 250), (50, 250, 130, 480), (50, 400, 350, 480)]),
        Glyph(name: "t", width: 330, boxes: [(120, 0, 200, 640), (20, 400, 310, 470)]),
        Glyph(name: "i", width: 230, boxes: [(75, 0, 155, 480), (75, 560, 155, 640)]),
        Glyph(name: "f", width: 300, boxes: [(100, 0, 180, 690), (20, 400, 280, 470), (100, 620, 290, 690)]),
    ]

    private static let glyphs: [Glyph] =
        [Glyph(name: ".notdef", width: 500, boxes: [])] + letters + [
            joined("t", "i"), joined("t", "t"), Glyph(name: "?", width: 560, boxes: [(60, -200, 500, 100)]),
        ]

    private static func joined(_ a: String, _ b: String) -> Glyph {
        let parts = [a, b].compactMap { name in letters.first { $0.name == name } }
        let x = parts[0].width - 15
        return Glyph(
            name: a + b, width: x + parts[1].width,
            boxes: parts[0].boxes + parts[1].boxes.map { ($0.0 + x, $0.1, $0.2 + x, $0.3) })
    }

    /// One page with lines in which `{ti}` is the ligature.
    static func page(_ lines: [String], forgets: Set<String>) -> [UInt8] {
        let file = hex(font())
        let known = glyphs.indices.dropFirst().filter { !forgets.contains(glyphs[$0].name) }
        let map = known.map { index in
            "<\(code(index))> <" + glyphs[index].name.utf16.map { code(Int($0)) }.joined() + ">"
        }
        let toUnicode = """
            /CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def /CMapType 2 def
            1 begincodespacerange <0000> <ffff> endcodespacerange
            \(map.count) beginbfchar \(map.joined(separator: "\n")) endbfchar
            endcmap end end
            """
        let content = lines.enumerated().map { index, line in
            "BT /F1 12 Tf 72 \(700 - 20 * index) Td <\(codes(line))> Tj ET"
        }
        return MadePDF.file([
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            MadePDF.stream(content.joined(separator: "\n")),
            "<</Type/Font/Subtype/Type0/BaseFont/ABCDEF+Boxes/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 8 0 R>>",
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/ABCDEF+Boxes/CIDToGIDMap/Identity/FontDescriptor 7 0 R"
                + "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
                + "/W[0[\(glyphs.map { "\($0.width)" }.joined(separator: " "))]]>>",
            "<</Type/FontDescriptor/FontName/ABCDEF+Boxes/Flags 4/FontBBox[0 -200 1000 800]/ItalicAngle 0/Ascent 800"
                + "/Descent -200/CapHeight 700/StemV 80/FontFile2 9 0 R>>",
            MadePDF.stream(toUnicode), MadePDF.stream(file + ">", "/Filter/ASCIIHexDecode"),
        ])
    }

    private static func codes(_ line: String) -> String {
        var rest = line[...]
        var codes = ""
        while let first = rest.first {
            let name = first == "{" ? String(rest.dropFirst().prefix { $0 != "}" }) : String(first)
            rest = first == "{" ? rest.drop { $0 != "}" }.dropFirst() : rest.dropFirst()
            codes += code(glyphs.firstIndex { $0.name == name } ?? 0)
        }
        return codes
    }

    private static func code(_ value: Int) -> String { hex(big16(value)) }
    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
    private static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    private static func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }

    /// The tables that a PDF's font needs, after Apple's TrueType Reference Manual.
    private static func font() -> [UInt8] {
        var outlines: [UInt8] = []
        var places: [UInt8] = []
        for glyph in glyphs {
            places += big32(outlines.count)
            outlines += outline(glyph)
        }
        places += big32(outlines.count)
        let head =
            big32(0x10000) + big32(0x10000) + big32(0) + big32(0x5F0F_3CF5) + big16(0) + big16(1000)
            + [UInt8](repeating: 0, count: 16) + [0, -200, 1000, 800].flatMap(big16) + [0, 8, 2, 1, 0].flatMap(big16)
        let hhea =
            big32(0x10000) + [800, -200, 0, 1000, 0, 0, 1000, 1, 0, 0, 0, 0, 0, 0, 0, glyphs.count].flatMap(big16)
        let maxp = big32(0x10000) + [glyphs.count, 64, 16, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0].flatMap(big16)
        let tables: [(String, [UInt8])] = [
            ("glyf", outlines), ("head", head), ("hhea", hhea),
            ("hmtx", glyphs.flatMap { big16($0.width) + big16($0.edges.left) }),
            ("loca", places), ("maxp", maxp),
        ]
        var file = big32(0x10000) + [tables.count, 64, 2, 32].flatMap(big16)
        var at = file.count + 16 * tables.count
        var bodies: [UInt8] = []
        for (tag, table) in tables {
            file += Array(tag.utf8) + big32(0) + big32(at) + big32(table.count)
            let padded = table + [UInt8](repeating: 0, count: -table.count & 3)
            bodies += padded
            at += padded.count
        }
        return file + bodies
    }

    private static func outline(_ glyph: Glyph) -> [UInt8] {
        guard !glyph.boxes.isEmpty else { return [] }
        let points = glyph.boxes.flatMap { [($0.0, $0.1), ($0.0, $0.3), ($0.2, $0.3), ($0.2, $0.1)] }
        let edges = glyph.edges
        var bytes = [glyph.boxes.count, edges.left, edges.bottom, edges.right, edges.top].flatMap(big16)
        bytes += glyph.boxes.indices.flatMap { big16(4 * $0 + 3) } + big16(0)
        bytes += [UInt8](repeating: 1, count: points.count)
        for values in [points.map(\.0), points.map(\.1)] {
            bytes += zip(values, [0] + values).flatMap { big16($0 - $1) }
        }
        return bytes + [UInt8](repeating: 0, count: -bytes.count & 3)
    }
}
