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
    /// Its characters advance along the page, not down or up.
    var isUpright: Bool
    /// It is white, or nearly.
    var isPale = false

    /// Which way a word is read. Signs alone, neither letters nor digits, follow their neighbours.
    enum Direction {
        case leftToRight, rightToLeft, neutral

        init(of text: String) {
            self = .neutral
            for scalar in text.unicodeScalars where self != .rightToLeft { take(scalar) }
        }

        /// Takes another of a word's characters into account: one right-to-left letter decides.
        mutating func take(_ scalar: Unicode.Scalar) {
            guard self != .rightToLeft else { return }
            switch scalar.value {
            case 0x0590...0x08ff, 0xfb1d...0xfdff, 0xfe70...0xfefc, 0x10800...0x10fff, 0x1e800...0x1efff:
                if scalar.isLetter { self = .rightToLeft } else if scalar.isNumber { self = .leftToRight }
            default:
                if self == .neutral, scalar.isLetter || scalar.isNumber { self = .leftToRight }
            }
        }
    }
}

/// The words of a page, line by line as Poppler cut them.
struct Glyphs {
    var lines: [[Word]] = []
    /// Characters other than white space.
    private(set) var ink = 0
    /// Those of them that no font map explains: U+FFFD, private use, control characters.
    private(set) var junk = 0

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
        }
    }

    private init(_ read: cpdf_text) {
        guard let bytes = read.utf8 else { return }
        let rectangles = UnsafeBufferPointer(start: read.rectangles, count: read.rectangle_count)
        let runs = UnsafeBufferPointer(start: read.runs, count: read.run_count)
        let utf8 = UnsafeRawBufferPointer(start: bytes, count: read.bytes)
        var builder = WordBuilder()
        var line: [Word] = []
        var index = 0
        var run = 0
        var at = 0
        while at < utf8.count {
            let scalar = Self.scalar(utf8, &at)
            switch scalar.value {
            case 0x202a, 0x202b, 0x202d, 0x202e: builder.open(into: &line)
            case 0x202c: builder.close(into: &line)
            case 0x0a:
                builder.endWord(into: &line)
                if !line.isEmpty { lines.append(line) }
                line = []
                builder.reset()
                index += 1
            default:
                while run + 1 < runs.count, runs[run].end <= index { run += 1 }
                let isKnown = run < runs.count
                if scalar.isSpace {
                    builder.endWord(into: &line)
                    builder.sawSpace = true
                } else if let meant = isKnown && runs[run].alphabet != CPDF_TEXT
                    ? Signs.meant(scalar, in: runs[run].alphabet) : scalar
                {
                    ink += 1
                    if meant.isUnexplained { junk += 1 }
                    let rectangle = index < rectangles.count ? rectangles[index] : cpdf_rectangle()
                    builder.add(
                        meant, rectangle, size: isKnown ? runs[run].size : nil, isBold: isKnown && runs[run].bold,
                        isPale: isKnown && Self.isPale(runs[run]), into: &line)
                }
                index += 1
            }
        }
        builder.endWord(into: &line)
        if !line.isEmpty { lines.append(line) }
    }

    private static func isPale(_ run: cpdf_run) -> Bool { min(run.red, run.green, run.blue) > 0xf500 }

    /// Takes out words that a reader of the page cannot see, white on white, which `isBlank` finds out. (What lies
    /// beside the page Poppler leaves out.)
    mutating func takeHidden(isBlank: ([Box]) -> [Bool]) -> [[Word]] {
        let pale = lines.joined().filter(\.isPale).map(\.box)
        guard !pale.isEmpty else { return [] }
        let blank = isBlank(pale)
        var at = 0
        var hidden: [[Word]] = []
        for index in lines.indices {
            var unseen: [Word] = []
            lines[index].removeAll { word in
                guard word.isPale else { return false }
                at += 1
                if blank[at - 1] { unseen.append(word) }
                return blank[at - 1]
            }
            if !unseen.isEmpty { hidden.append(unseen) }
        }
        lines.removeAll(where: \.isEmpty)
        return hidden
    }

    /// The character at a place of UTF-8 that Poppler wrote; moves the place behind it.
    private static func scalar(_ utf8: UnsafeRawBufferPointer, _ at: inout Int) -> Unicode.Scalar {
        let first = utf8[at]
        at += 1
        guard first >= 0x80 else { return Unicode.Scalar(first) }
        let more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1
        guard first >= 0xc0, at + more <= utf8.count else { return "\u{fffd}" }
        var value = UInt32(first) & (0x3f >> UInt32(more))
        for _ in 0..<more {
            value = value << 6 | UInt32(utf8[at] & 0x3f)
            at += 1
        }
        return Unicode.Scalar(value) ?? "\u{fffd}"
    }
}

/// Collects characters into words and cuts where the page jumps although Poppler has no space.
private struct WordBuilder {
    /// The word so far, in UTF-8.
    private var utf8: [UInt8] = []
    private var box = Box(x0: 0, y0: 0, x1: 0, y1: 0)
    private var size = 0.0
    private var direction = Word.Direction.neutral
    private var followsSpace = false
    private var last = cpdf_rectangle()
    private var advance = (x: 0.0, y: 0.0)
    /// Marks open around us. Poppler wraps a word once and its runs of the other direction once more; the rectangles
    /// run through all of it from the left, so only the whole can be placed.
    private var depth = 0
    private var boldCharacters = 0
    private var paleCharacters = 0
    private var firstTop = 0.0
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

    /// `size` is nil where Poppler does not tell the font's.
    mutating func add(
        _ scalar: Unicode.Scalar, _ at: cpdf_rectangle, size given: Double?, isBold: Bool, isPale: Bool,
        into line: inout [Word]
    ) {
        let own = Box(x0: min(at.x0, at.x1), y0: min(at.y0, at.y1), x1: max(at.x0, at.x1), y1: max(at.y0, at.y1))
        let height = given ?? own.height
        if characters > 0, depth == 0, jumps(to: at, size: height) { endWord(into: &line) }
        if characters == 0 {
            (box, size, direction, followsSpace) = (own, height, .neutral, sawSpace)
            (advance, boldCharacters, paleCharacters, firstTop) = ((0, 0), 0, 0, at.y0)
        } else {
            advance.x += abs(at.x0 - last.x0)
            advance.y += abs(at.y0 - last.y0)
            box = box.union(own)
            size = max(size, height)
        }
        if scalar.value < 0x80 {
            utf8.append(UInt8(truncatingIfNeeded: scalar.value))
        } else {
            utf8.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        direction.take(scalar)
        sawSpace = false
        characters += 1
        if isBold { boldCharacters += 1 }
        if isPale { paleCharacters += 1 }
        last = at
    }

    mutating func endWord(into line: inout [Word]) {
        guard characters > 0 else { return }
        // Two signs farther apart than letters of a word are a fraction.
        let isFraction = characters == 2 && advance.y > 0.9 * size && utf8.count == 2
        if isFraction { utf8 = last.y0 < firstTop ? [utf8[1], 0x2f, utf8[0]] : [utf8[0], 0x2f, utf8[1]] }
        line.append(
            Word(
                text: String(decoding: utf8, as: UTF8.self), box: box, size: size,
                isBold: 2 * boldCharacters > characters, direction: direction, followsSpace: followsSpace,
                isUpright: advance.y <= 2 * advance.x || advance.y < 0.5 * size || isFraction,
                isPale: paleCharacters == characters))
        characters = 0
        utf8.removeAll(keepingCapacity: true)
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
