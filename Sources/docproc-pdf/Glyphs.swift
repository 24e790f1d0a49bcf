// From Poppler's text and rectangles to words: where each stands, how large it is, which way it runs.
//
// Poppler gives one rectangle a character, except for the marks U+202A–202E that it puts around runs of the other
// direction; inside a right-to-left word the rectangles run from the left while the characters run from the right,
// and the spaces between such words stand one word too late. So spaces around right-to-left words are dropped here
// and set anew from the gaps.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF
import Documents

/// Characters without a space between them.
struct Word {
    var text: String
    var box: Box
    /// Prevailing font size in points.
    var size: Double
    var isBold: Bool
    var direction: Direction
    /// Poppler had a space before it.
    var followsSpace: Bool
    /// Its characters advance down or up the page.
    var isUpright: Bool

    /// Which way a word is read. Signs alone, neither letters nor digits, follow their neighbours.
    enum Direction {
        case leftToRight, rightToLeft, neutral

        init(of text: String) {
            self = .neutral
            for scalar in text.unicodeScalars {
                switch scalar.value {
                case 0x0590...0x08ff where !("0"..."9").contains(scalar), 0xfb1d...0xfdff, 0xfe70...0xfefc,
                    0x10800...0x10fff, 0x1e800...0x1efff:
                    if scalar.properties.isAlphabetic {
                        self = .rightToLeft
                        return
                    }
                    if scalar.properties.numericType != nil { self = .leftToRight }
                default:
                    if scalar.properties.isAlphabetic || scalar.properties.numericType != nil { self = .leftToRight }
                }
            }
        }
    }
}

/// The words of a page, line by line as Poppler cut them.
struct Glyphs {
    /// The text as Poppler gave it, without direction marks.
    private(set) var text = ""
    private(set) var lines: [[Word]] = []

    /// All that Poppler has of a page: of a right-to-left page, the better of its two readings and what lines the other
    /// has besides.
    init(_ page: cpdf_page) {
        let readings = [Glyphs(page.text), Glyphs(page.mirrored)].sorted { $0.ink > $1.ink }
        self = readings[0]
        lines = Letters.joined(lines)
        guard readings[1].ink > 0 else { return }
        struct Place: Hashable { var x, y: Int }
        func places(_ word: Word) -> Place { Place(x: Int(word.box.x0.rounded()), y: Int(word.box.y0.rounded())) }
        let known = Set(lines.joined().map(places))
        for line in readings[1].lines where 2 * line.count(where: { known.contains(places($0)) }) < line.count {
            lines.append(line)
            text += "\n" + line.map(\.text).joined(separator: " ")
        }
    }

    /// Characters other than white space.
    private var ink: Int { lines.joined().reduce(0) { $0 + $1.text.unicodeScalars.count } }

    private init(_ read: cpdf_text) {
        guard let bytes = read.utf8 else { return }
        let rectangles = UnsafeBufferPointer(start: read.rectangles, count: read.rectangle_count)
        let runs = UnsafeBufferPointer(start: read.runs, count: read.run_count)
        var builder = WordBuilder()
        var line: [Word] = []
        var index = 0
        var run = 0
        let raw = UnsafeRawBufferPointer(start: bytes, count: read.bytes)
        for scalar in String(decoding: raw, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x202a, 0x202b, 0x202d, 0x202e: builder.open(into: &line)
            case 0x202c: builder.close(into: &line)
            case 0x0a:
                builder.endWord(into: &line)
                if !line.isEmpty { lines.append(line) }
                line = []
                builder.reset()
                text.unicodeScalars.append(scalar)
                index += 1
            default:
                while run + 1 < runs.count, runs[run].end <= index { run += 1 }
                text.unicodeScalars.append(scalar)
                let alphabet = run < runs.count ? runs[run].alphabet : CPDF_TEXT
                guard let scalar = Signs.meant(scalar, in: alphabet) else {
                    index += 1
                    continue
                }
                if scalar.properties.isWhitespace {
                    builder.endWord(into: &line)
                    builder.sawSpace = true
                } else {
                    let rectangle = index < rectangles.count ? rectangles[index] : cpdf_rectangle()
                    builder.add(scalar, rectangle, run < runs.count ? runs[run] : nil, into: &line)
                }
                index += 1
            }
        }
        builder.endWord(into: &line)
        if !line.isEmpty { lines.append(line) }
    }
}

/// Collects characters into words and cuts where the page jumps although Poppler has no space.
private struct WordBuilder {
    private var word: Word?
    private var last = cpdf_rectangle()
    private var advance = (x: 0.0, y: 0.0)
    /// Marks open around us. Poppler wraps a word once and its runs of the other direction once more; the rectangles
    /// run through all of it from the left, so only the whole can be placed.
    private var depth = 0
    private var boldCharacters = 0
    private var characters = 0
    var sawSpace = false

    mutating func reset() {
        depth = 0
        sawSpace = false
    }

    mutating func open(into line: inout [Word]) {
        if depth == 0 { endWord(into: &line) }
        depth += 1
    }

    mutating func close(into line: inout [Word]) {
        depth = max(0, depth - 1)
        if depth == 0 { endWord(into: &line) }
    }

    mutating func add(_ scalar: Unicode.Scalar, _ at: cpdf_rectangle, _ run: cpdf_run?, into line: inout [Word]) {
        let box = Box(
            x0: min(at.x0, at.x1), y0: min(at.y0, at.y1), x1: max(at.x0, at.x1), y1: max(at.y0, at.y1))
        let size = run?.size ?? (box.y1 - box.y0)
        if word != nil, depth == 0, jumps(to: at, size: size) { endWord(into: &line) }
        if word == nil {
            advance = (0, 0)
            boldCharacters = 0
            characters = 0
        } else {
            advance.x += abs(at.x0 - last.x0)
            advance.y += abs(at.y0 - last.y0)
        }
        var current =
            word
            ?? Word(
                text: "", box: box, size: size, isBold: false, direction: .neutral, followsSpace: sawSpace,
                isUpright: true)
        word = nil  // so that the string is not copied
        current.text.unicodeScalars.append(scalar)
        current.box = current.box.union(box)
        current.size = max(current.size, size)
        word = current
        sawSpace = false
        characters += 1
        if run?.bold == true { boldCharacters += 1 }
        last = at
    }

    mutating func endWord(into line: inout [Word]) {
        guard var done = word else { return }
        // Two signs farther apart than letters of a word are a fraction.
        let isFraction = characters == 2 && advance.y > 0.9 * done.size
        done.isUpright = advance.y <= 2 * advance.x || advance.y < 0.5 * done.size || isFraction
        done.direction = Word.Direction(of: done.text)
        done.isBold = 2 * boldCharacters > characters
        line.append(done)
        word = nil
    }

    /// Two columns that Poppler put on one line touch without a space.
    private func jumps(to next: cpdf_rectangle, size: Double) -> Bool {
        let gap = next.x0 - last.x1
        let drop = abs((next.y0 + next.y1) - (last.y0 + last.y1)) / 2
        // Text that runs down the page drops by a size a character, but does not move sideways as well.
        return drop < size ? gap > size || gap < -4 * size : gap > 0.3 * size || gap < -4 * size
    }
}

extension Box {
    var width: Double { x1 - x0 }
    var height: Double { y1 - y0 }
    var middle: Double { (y0 + y1) / 2 }

    func union(_ other: Box) -> Box {
        Box(x0: min(x0, other.x0), y0: min(y0, other.y0), x1: max(x1, other.x1), y1: max(y1, other.y1))
    }

    /// The height that both share, as a part of the smaller one's.
    func verticalOverlap(_ other: Box) -> Double {
        let shared = min(y1, other.y1) - max(y0, other.y0)
        let smaller = min(height, other.height)
        return smaller > 0 ? max(0, shared) / smaller : 0
    }
}
