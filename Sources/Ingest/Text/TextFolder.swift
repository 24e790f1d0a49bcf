// Folds raw text into document text, byte by byte, and keeps the way back.
//
// Folded: white space to one space (or kept, in code), soft hyphens and invisible marks dropped, control characters
// dropped, presentation forms replaced, clusters composed to NFC, words cut by a hyphen at a line end joined. Text is
// fed in pieces, each with its place in the raw text; elements are begun and ended around them.

import Documents

/// Builds the text of one document.
struct TextFolder {
    /// How white space is treated.
    enum Spacing {
        /// Folded to single spaces, also line ends.
        case prose
        /// As prose, and words cut at line ends are joined.
        case hyphenatedProse
        /// Kept, without blank lines at both ends.
        case code
    }

    /// The text so far, valid UTF-8 without a line end behind the last element.
    private(set) var utf8: [UInt8] = []
    /// From `utf8` to the raw text.
    private(set) var map = OffsetMap()

    /// Words of the document, to judge a hyphen at a line end by; may be empty.
    var vocabulary: Set<String> = []

    private var spacing = Spacing.prose
    private var start = 0
    private var cluster: [Unicode.Scalar] = []
    private var clusterRaw = 0..<0
    private var clusterIsExact = true
    /// White space seen since the last ink, with its first raw offset and whether it held a line end.
    private var space: (raw: Int, hasNewline: Bool)?
    private var heldSpace: [UInt8] = []  // code: white space as it was
    private var lastRaw = 0
    /// A soft hyphen stands before the pending white space.
    private var softBreak = false
    private var last: Unicode.Scalar = "\n"

    /// Begins an element.
    mutating func begin(_ spacing: Spacing) {
        self.spacing = spacing
        start = utf8.count
        space = nil
        heldSpace.removeAll()
        last = "\n"
    }

    /// Ends an element; nil where it came out empty. A line end follows it in the text.
    mutating func end() -> Range<Int>? {
        flush()
        space = nil
        heldSpace.removeAll()
        guard utf8.count > start + separator else { return nil }
        let range = start + separator..<utf8.count
        start = utf8.count
        return range
    }

    /// Bytes that part this element from the one before: a line end, written before the first ink.
    private var separator: Int { start == 0 ? 0 : 1 }

    /// Feeds text. `isExact`: its bytes stand at `raw` as they are; otherwise all of it stands for that range.
    mutating func feed(_ text: some Collection<UInt8>, raw: Range<Int>, isExact: Bool) {
        let bytes = Array(text)
        var index = 0
        while index < bytes.count {
            let inkEnd = Self.endOfPlainText(bytes, from: index)
            if inkEnd - index > 2 {
                // The first and the last take the long way: one may follow white space, the other may get a mark.
                let at = isExact ? raw.lowerBound + index : raw.lowerBound
                take(Unicode.Scalar(bytes[index]), raw: isExact ? at..<at + 1 : raw, isExact: isExact)
                flush()
                let middle = bytes[index + 1..<inkEnd - 1]
                write(middle, raw: isExact ? at + 1..<at + 1 + middle.count : raw, isExact: isExact)
                last = Unicode.Scalar(bytes[inkEnd - 2])
                let end = isExact ? at + inkEnd - index : raw.upperBound
                take(Unicode.Scalar(bytes[inkEnd - 1]), raw: isExact ? end - 1..<end : raw, isExact: isExact)
                index = inkEnd
                continue
            }
            let (scalar, length) = Self.scalar(bytes, at: index)
            let at = raw.lowerBound + index
            take(scalar, raw: isExact ? at..<at + length : raw, isExact: isExact)
            index += length
        }
    }

    /// Where a stretch ends that folding leaves as it is: ASCII words with one space between them.
    private static func endOfPlainText(_ bytes: [UInt8], from start: Int) -> Int {
        var end = start
        while end < bytes.count {
            if bytes[end] > 0x20, bytes[end] < 0x7F {
                end += 1
            } else if bytes[end] == 0x20, end > start, end + 1 < bytes.count, bytes[end + 1] > 0x20,
                bytes[end + 1] < 0x7F
            {
                end += 2
            } else {
                break
            }
        }
        return end
    }

    /// The character at a place of UTF-8; U+FFFD, one byte, where there is none.
    private static func scalar(_ bytes: [UInt8], at index: Int) -> (Unicode.Scalar, Int) {
        let first = bytes[index]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let length = UTF8Repair.validLength(bytes[...], at: index)
        guard length > 1 else { return ("\u{FFFD}", 1) }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for byte in bytes[index + 1..<index + length] { value = value << 6 | UInt32(byte & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    private mutating func take(_ scalar: Unicode.Scalar, raw: Range<Int>, isExact: Bool) {
        let value = scalar.value
        if value > 0x20, value < 0x7F {
            if !cluster.isEmpty { flush() }
            cluster.append(scalar)
            clusterRaw = raw
            clusterIsExact = isExact
            return
        }
        if isSpace(scalar) {
            flush()
            let isNewline = (0x0A...0x0D).contains(value) || value == 0x85 || value == 0x2028 || value == 0x2029
            if space == nil { space = (raw.lowerBound, isNewline) } else if isNewline { space?.hasNewline = true }
            if case .code = spacing {
                if value != 0x0D { heldSpace.append(isNewline ? 0x0A : value == 0x09 ? 0x09 : 0x20) }
            }
            return
        }
        if value == 0xAD, case .hyphenatedProse = spacing {
            // Dropped; a line end behind it joins the words on both sides.
            flush()
            softBreak = true
            return
        }
        if isDropped(scalar) { return }
        if let replacement = Composition.replacement(of: scalar) {
            if let first = replacement.first, !Composition.mayJoin(first) { flush() }
            if cluster.isEmpty { clusterRaw = raw } else { clusterRaw = clusterRaw.lowerBound..<raw.upperBound }
            clusterIsExact = false
            cluster.append(contentsOf: replacement)
            return
        }
        if cluster.isEmpty || !Composition.mayJoin(scalar) {
            flush()
            cluster.append(scalar)
            clusterRaw = raw
            clusterIsExact = isExact
        } else {
            clusterIsExact = clusterIsExact && isExact && raw.lowerBound == clusterRaw.upperBound
            clusterRaw = clusterRaw.lowerBound..<max(raw.upperBound, clusterRaw.lowerBound)
            cluster.append(scalar)
            // A mark after mark without end is an attack on memory; no script stacks this many.
            if cluster.count > 64 { flush() }
        }
    }

    private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 0x80 { return value == 0x20 || (0x09...0x0D).contains(value) }
        return value == 0x85 || value == 0xA0 || value == 0x3000 || (value >= 0x1680 && scalar.properties.isWhitespace)
    }

    /// Controls, invisible marks, tags, noncharacters. Joiners stay: scripts need them.
    private func isDropped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0xAD, 0x200B, 0x200E, 0x200F, 0x202A...0x202E, 0x2060...0x2064, 0x2066...0x206F,
            0xFEFF, 0xFFF9...0xFFFB, 0xFDD0...0xFDEF, 0xE0000...0xE007F:
            true
        case 0xFFFE...: scalar.value & 0xFFFE == 0xFFFE
        default: false
        }
    }

    /// Writes the cluster, and the white space before it.
    private mutating func flush() {
        guard let first = cluster.first else { return }
        if utf8.count == start {
            if separator == 1 {
                write(CollectionOfOne(0x0A), raw: clusterRaw.lowerBound..<clusterRaw.lowerBound, isExact: false)
            }
            if case .code = spacing { writeIndent() }
            space = nil
        } else if let space {
            writeSpace(space, before: first)
        }
        softBreak = false
        space = nil
        heldSpace.removeAll()
        if cluster.count == 1, first.isASCII {
            write(CollectionOfOne(UInt8(first.value)), raw: clusterRaw, isExact: clusterIsExact)
            last = first
            cluster.removeAll(keepingCapacity: true)
            return
        }
        let scalars = cluster.count == 1 ? cluster : Composition.composed(cluster)
        let isSame = scalars == cluster
        var bytes: [UInt8] = []
        for scalar in scalars {
            bytes.append(contentsOf: Unicode.UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        write(bytes, raw: clusterRaw, isExact: clusterIsExact && isSame)
        last = scalars.last ?? last
        cluster.removeAll(keepingCapacity: true)
    }

    /// Code keeps the indentation of its first line.
    private mutating func writeIndent() {
        let indent = heldSpace.suffix(while: { $0 != 0x0A })
        guard let space, !indent.isEmpty else { return }
        write(Array(indent), raw: space.raw..<space.raw, isExact: false)
    }

    private mutating func writeSpace(_ space: (raw: Int, hasNewline: Bool), before next: Unicode.Scalar) {
        let raw = space.raw..<max(space.raw, clusterRaw.lowerBound)
        switch spacing {
        case .code:
            write(heldSpace, raw: raw, isExact: raw.count == heldSpace.count)
        case .prose, .hyphenatedProse:
            if space.hasNewline {
                if last.isWrittenWithoutSpaces, next.isWrittenWithoutSpaces { return }
                if case .hyphenatedProse = spacing {
                    if softBreak { return }
                    if last == "-" || last == "\u{2010}", joinHyphenated(next) { return }
                }
            }
            write(CollectionOfOne(0x20), raw: raw, isExact: raw.count == 1)
        }
    }

    /// Deals with a hyphen at a line end; false where a space belongs behind it.
    private mutating func joinHyphenated(_ next: Unicode.Scalar) -> Bool {
        let hyphenBytes = last == "-" ? 1 : 3
        let head = utf8[start..<utf8.count - hyphenBytes]
        guard let before = String(decoding: head.suffix(4), as: UTF8.self).unicodeScalars.last,
            before.properties.isAlphabetic || before.properties.numericType != nil
        else { return false }
        guard next.properties.isAlphabetic || next.properties.numericType != nil else { return false }
        guard next.properties.isLowercase, before.properties.isLowercase else { return true }
        // `well-` `known`: a hyphen of the word itself, if the document writes it so elsewhere.
        let word = String(decoding: head.suffix(while: Self.isWordByte), as: UTF8.self)
        if vocabulary.contains(word.lowercased() + "-") { return true }
        utf8.removeLast(hyphenBytes)
        map.truncate(to: utf8.count)
        return true
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x61...0x7A).contains(byte | 0x20)
    }

    private mutating func write(_ bytes: some Collection<UInt8>, raw: Range<Int>, isExact: Bool) {
        let lower = max(raw.lowerBound, lastRaw)
        let upper = max(raw.upperBound, lower)
        map.append(text: utf8.count, raw: lower, count: isExact && lower == raw.lowerBound ? bytes.count : 0)
        utf8.append(contentsOf: bytes)
        if !(isExact && lower == raw.lowerBound) { map.append(text: utf8.count, raw: upper, count: 0) }
        lastRaw = upper
    }
}

extension Unicode.Scalar {
    /// Whether its script is written without spaces between words, so that a line end is no space.
    var isWrittenWithoutSpaces: Bool {
        switch value {
        case 0x2E80...0x2FDF, 0x3001...0x30FF, 0x3105...0x312F, 0x31A0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xF900...0xFAFF, 0xFF01...0xFF0F, 0xFF1A...0xFF20, 0xFF3B...0xFF40, 0xFF5B...0xFF9F, 0x20000...0x3FFFF,
            0x0E00...0x0EFF, 0x1780...0x17FF, 0x1000...0x109F:
            true
        default: false
        }
    }
}

extension Collection where Self: BidirectionalCollection {
    /// The longest end of which every element satisfies a condition.
    fileprivate func suffix(while condition: (Element) -> Bool) -> SubSequence {
        var index = endIndex
        while index > startIndex {
            let before = self.index(before: index)
            guard condition(self[before]) else { break }
            index = before
        }
        return self[index...]
    }
}
