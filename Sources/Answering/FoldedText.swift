/// Text reduced to what a reader would type, with a way back to the bytes it came from.
///
/// Folded away: kinds and amounts of white space; soft hyphens and other invisible characters; hyphens and dashes
/// between words, with the line breaks around them, since nobody can tell a hyphen of the typesetter from one of the
/// author; kinds of dashes and of quotation marks; ligatures; composed against decomposed letters. Kept: everything
/// else, case included (a second array has it folded).
struct FoldedText: Sendable {
    /// One symbol a character: its scalar, or a number above all scalars for a letter with marks.
    private(set) var symbols: [UInt32] = []
    /// The same with letters in lower case.
    private(set) var lower: [UInt32] = []
    /// UTF-8 offsets where each symbol's source begins …
    private(set) var starts: [Int] = []
    /// … and ends.
    private(set) var ends: [Int] = []

    static let space: UInt32 = 32
    static let dash: UInt32 = 45
    static let quotationMark: UInt32 = 34
    static let apostrophe: UInt32 = 39

    /// Folds a text. Leading and trailing white space leaves no symbol.
    ///
    /// - Parameter leftOut: UTF-8 ranges that count as white space, in order and apart.
    init(_ text: String, leavingOut leftOut: [Range<Int>] = []) {
        let capacity = text.utf8.count
        symbols.reserveCapacity(capacity)
        lower.reserveCapacity(capacity)
        starts.reserveCapacity(capacity)
        ends.reserveCapacity(capacity)
        var offset = 0
        // White space and dashes wait until it is known what follows them.
        var gap: Gap?
        let scalars = text.unicodeScalars
        var index = scalars.startIndex
        var skip = leftOut[...]
        while index != scalars.endIndex {
            let scalar = scalars[index]
            var next = scalars.index(after: index)
            let begin = offset
            offset += Self.utf8Length(scalar)
            while let first = skip.first, first.upperBound <= begin { skip.removeFirst() }
            let kind = skip.first.map { $0.contains(begin) } ?? false ? .space : Self.kind(of: scalar)
            switch kind {
            case .invisible: break
            case .space, .dash:
                if gap == nil { gap = Gap(start: begin) }
                gap?.end = offset
                if kind == .dash { gap?.dashes += 1 } else { gap?.spaces = true }
            case .character:
                // Marks belong to the letter before them.
                var cluster: Character?
                while next != scalars.endIndex, scalars[next].value >= 0x300,
                    scalars[next].properties.canonicalCombiningClass != .notReordered
                {
                    cluster = Self.joined(cluster ?? Character(scalar), scalars[next])
                    offset += Self.utf8Length(scalars[next])
                    next = scalars.index(after: next)
                }
                if let waiting = gap {
                    close(waiting, before: scalar)
                    gap = nil
                }
                append(scalar, cluster, begin..<offset)
            }
            index = next
        }
        if let gap, gap.dashes > 0, !symbols.isEmpty { add(Self.dash, Self.dash, gap.start..<gap.end) }
    }

    private struct Gap {
        var start: Int
        var end = 0
        var dashes = 0
        var spaces = false
    }

    private enum Kind { case space, dash, invisible, character }

    private static func kind(of scalar: Unicode.Scalar) -> Kind {
        switch scalar.value {
        case 0x21...0x2C, 0x2E...0x7E: .character
        case 0x2D: .dash
        case 0x20, 0x09...0x0D, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: .space
        case 0x2010...0x2015, 0x2212, 0xFE58, 0xFE63, 0xFF0D: .dash
        case 0xAD, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2064, 0x2066...0x2069, 0xFEFF, 0...8, 0xE...0x1F:
            .invisible
        default: .character
        }
    }

    /// Writes what a run of white space and dashes comes to.
    private mutating func close(_ gap: Gap, before next: Unicode.Scalar) {
        guard let last = symbols.last else {
            if gap.dashes > 0 { add(Self.dash, Self.dash, gap.start..<gap.end) }
            return
        }
        if gap.dashes == 0 {
            add(Self.space, Self.space, gap.start..<gap.end)
        } else if !(Self.isLetter(last) && next.properties.isAlphabetic) {
            add(Self.dash, Self.dash, gap.start..<gap.end)
        }
    }

    private mutating func append(_ scalar: Unicode.Scalar, _ cluster: Character?, _ source: Range<Int>) {
        if let cluster {
            let folded = Self.symbol(cluster)
            add(folded, Self.symbol(String(cluster).lowercased().first ?? cluster), source)
            return
        }
        switch scalar.value {
        case 0x41...0x5A: add(scalar.value, scalar.value + 32, source)
        case 0x27, 0x60, 0xB4, 0x2018...0x201B, 0x2032, 0x2039, 0x203A, 0xFF07:
            // Two single marks in a row are a typewriter's double one.
            if symbols.last == Self.apostrophe, ends.last == source.lowerBound {
                symbols[symbols.count - 1] = Self.quotationMark
                lower[lower.count - 1] = Self.quotationMark
                ends[ends.count - 1] = source.upperBound
            } else {
                add(Self.apostrophe, Self.apostrophe, source)
            }
        case 0x22, 0xAB, 0xBB, 0x201C...0x201F, 0x2033, 0xFF02: add(Self.quotationMark, Self.quotationMark, source)
        case 0x2026: for _ in 0..<3 { add(46, 46, source) }
        case 0xFB00...0xFB06:
            let letters = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"][Int(scalar.value) - 0xFB00]
            for letter in letters.unicodeScalars { add(letter.value, letter.value, source) }
        case 0..<0x80: add(scalar.value, scalar.value, source)
        default:
            let character = Character(scalar)
            let lowered = scalar.properties.lowercaseMapping
            add(Self.symbol(character), Self.symbol(lowered.first ?? character), source)
        }
    }

    private mutating func add(_ symbol: UInt32, _ lowered: UInt32, _ source: Range<Int>) {
        symbols.append(symbol)
        lower.append(lowered)
        starts.append(source.lowerBound)
        ends.append(source.upperBound)
    }

    /// A number for a character that is the same however the character is composed.
    ///
    /// Characters that compare equal have equal hashes; these differ between processes, so they are never stored.
    private static func symbol(_ character: Character) -> UInt32 {
        let scalars = character.unicodeScalars
        guard let first = scalars.first else { return 0 }
        if scalars.count == 1, !mayDecompose(first.value) { return first.value }
        return 0x8000_0000 | UInt32(truncatingIfNeeded: character.hashValue)
    }

    /// Blocks whose letters also exist as a letter and a mark: Latin, Greek, Cyrillic, kana and others.
    private static func mayDecompose(_ value: UInt32) -> Bool {
        (0xC0..<0x1100).contains(value) || (0x1B00..<0x2000).contains(value) || (0x3040..<0x3100).contains(value)
    }

    private static func joined(_ character: Character, _ mark: Unicode.Scalar) -> Character {
        var text = String(character)
        text.unicodeScalars.append(mark)
        return text.first ?? character
    }

    static func isLetter(_ symbol: UInt32) -> Bool {
        switch symbol {
        case 0x41...0x5A, 0x61...0x7A: true
        case 0..<0x80: false
        case 0x8000_0000...: true
        default: Unicode.Scalar(symbol)?.properties.isAlphabetic ?? false
        }
    }

    private static func utf8Length(_ scalar: Unicode.Scalar) -> Int {
        scalar.value < 0x80 ? 1 : scalar.value < 0x800 ? 2 : scalar.value < 0x10000 ? 3 : 4
    }
}
