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

    enum Direction { case leftToRight, rightToLeft }
}

/// The words of a page, line by line as Poppler cut them.
struct Glyphs {
    /// The text as Poppler gave it, without direction marks.
    private(set) var text = ""
    private(set) var lines: [[Word]] = []

    init(_ page: cpdf_page) {
        guard let bytes = page.text else { return }
        let rectangles = UnsafeBufferPointer(start: page.rectangles, count: page.rectangle_count)
        let runs = UnsafeBufferPointer(start: page.runs, count: page.run_count)
        var builder = WordBuilder()
        var line: [Word] = []
        var index = 0
        var run = 0
        let raw = UnsafeRawBufferPointer(start: bytes, count: page.text_bytes)
        for scalar in String(decoding: raw, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x202a: builder.open(.leftToRight, into: &line)
            case 0x202b, 0x202e, 0x202d: builder.open(.rightToLeft, into: &line)
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
    private var directions: [Word.Direction] = []
    private var boldCharacters = 0
    private var characters = 0
    var sawSpace = false

    mutating func reset() {
        directions = []
        sawSpace = false
    }

    mutating func open(_ direction: Word.Direction, into line: inout [Word]) {
        endWord(into: &line)
        directions.append(direction)
    }

    mutating func close(into line: inout [Word]) {
        endWord(into: &line)
        _ = directions.popLast()
    }

    mutating func add(_ scalar: Unicode.Scalar, _ at: cpdf_rectangle, _ run: cpdf_run?, into line: inout [Word]) {
        let box = Box(
            x0: min(at.x0, at.x1), y0: min(at.y0, at.y1), x1: max(at.x0, at.x1), y1: max(at.y0, at.y1))
        let size = run?.size ?? (box.y1 - box.y0)
        if word != nil, jumps(to: at, size: size) { endWord(into: &line) }
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
                text: "", box: box, size: size, isBold: false, direction: directions.last ?? .leftToRight,
                followsSpace: sawSpace, isUpright: true)
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
        done.isUpright = advance.y <= advance.x || advance.y < 0.5 * done.size
        done.isBold = 2 * boldCharacters > characters
        line.append(done)
        word = nil
    }

    /// Two columns that Poppler put on one line touch without a space.
    private func jumps(to next: cpdf_rectangle, size: Double) -> Bool {
        let gap = next.x0 - last.x1
        let drop = abs((next.y0 + next.y1) - (last.y0 + last.y1)) / 2
        return drop < size && (gap > size || gap < -4 * size)
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
