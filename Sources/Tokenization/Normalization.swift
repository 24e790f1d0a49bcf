// Unicode normalization form C, with the place in the source that each changed stretch came from.
// Only Qwen's tokenizers ask for it. Text without combining marks is left alone after one pass over its bytes.

/// NFC over short stretches between characters that normalization never touches.
enum Normalization {
    /// Look-up tables, built once from `UnicodeTables`.
    struct Data: Sendable {
        /// `first << 21 | second` to the character that they form.
        fileprivate var compositions: [UInt64: UInt32] = [:]
        /// To `first << 21 | second`, one step.
        fileprivate var decompositions: [UInt32: UInt64] = [:]
        /// Characters before which a text can't safely be cut: they have a combining class, may be the second of a
        /// composition, or don't survive normalization themselves.
        var unstable: [Range<UInt32>] = []

        fileprivate init() {
            let excluded = Set(UnicodeTables.compositionExclusions)
            // Second parts of Hangul syllables: vowels and final consonants.
            var unstable: [Range<UInt32>] = [0x1161..<0x1176, 0x11A8..<0x11C3]
            for entry in UnicodeTables.decompositions {
                let character = UInt32(entry >> 42)
                let pair = entry & (1 << 42 - 1)
                let second = UInt32(pair & 0x1F_FFFF)
                decompositions[character] = pair
                if second == 0 || excluded.contains(character) {
                    unstable.append(character..<character + 1)
                } else {
                    compositions[pair] = character
                    unstable.append(second..<second + 1)
                }
            }
            let runs = UnicodeTables.combiningRuns
            for (run, next) in zip(runs, runs.dropFirst()) where run & 0xFF != 0 {
                unstable.append(run >> 8..<next >> 8)
            }
            self.unstable = unstable
        }

        fileprivate func combiningClass(_ scalar: UInt32) -> UInt8 {
            let runs = UnicodeTables.combiningRuns
            var low = 0
            var high = runs.count
            guard let first = runs.first, first >> 8 <= scalar else { return 0 }
            while high - low > 1 {
                let middle = (low + high) / 2
                if runs[middle] >> 8 <= scalar { low = middle } else { high = middle }
            }
            return UInt8(runs[low] & 0xFF)
        }
    }

    static let data = Data()

    /// The text in NFC; the same value if it already is.
    static func nfc(_ text: PreparedText) -> PreparedText {
        // The first character with work to do is U+0300, which starts with the byte CC.
        guard text.bytes.contains(where: { $0 >= 0xCC }) else { return text }
        let table = CharacterTable.shared
        var result = PreparedText.Builder(text)
        let span = text.bytes.span
        var previous = 0
        var offset = 0
        while offset < span.count {
            let (scalar, length) = decodeScalar(span, offset)
            guard table.needsNormalizing(scalar) else {
                previous = offset
                offset += length
                continue
            }
            // One stable character, if there is one, and all unstable ones after it.
            var stretch: [UInt32] = []
            var ranges: [Range<Int>] = []
            var end = previous
            while end < span.count {
                let (scalar, length) = decodeScalar(span, end)
                if end > offset, !table.needsNormalizing(scalar) { break }
                stretch.append(scalar)
                ranges.append(end..<end + length)
                end += length
            }
            let normalized = normalize(stretch)
            if normalized.map(\.scalar) != stretch {
                result.replace(previous..<end, with: align(normalized, with: ranges))
            }
            previous = end
            offset = end
        }
        return result.finish()
    }

    /// A character on its way through the algorithm.
    private struct Character {
        var scalar: UInt32
        var combining: UInt8
        /// How many more characters there are now than in the source: 1 for the later parts of a decomposition, -1 for
        /// each character that was joined to this one.
        var surplus = 0
    }

    /// Which source character each normalized one stands for, counted as Hugging Face's tokenizers count: in order,
    /// a composed character for the first of its parts, an inserted one for the character before it.
    private static func align(_ characters: [Character], with ranges: [Range<Int>]) -> [PreparedText.Replacement] {
        var next = 0
        return characters.map { character in
            let index = character.surplus > 0 ? next - 1 : next
            if character.surplus <= 0 { next += 1 - character.surplus }
            let bytes = Unicode.Scalar(character.scalar).flatMap { UTF8.encode($0) }.map { Array($0) } ?? []
            return .init(bytes: bytes, source: ranges[min(max(index, 0), ranges.count - 1)])
        }
    }

    /// Decomposes, puts marks in canonical order, composes: the algorithm of UAX 15.
    private static func normalize(_ scalars: [UInt32]) -> [Character] {
        var characters: [Character] = []
        for scalar in scalars { decompose(scalar, surplus: 0, into: &characters) }
        sortMarks(&characters)
        return compose(characters)
    }

    private static func decompose(_ scalar: UInt32, surplus: Int, into result: inout [Character]) {
        if (0xAC00..<0xD7A4).contains(scalar) {
            let index = scalar - 0xAC00
            result.append(Character(scalar: 0x1100 + index / 588, combining: 0, surplus: surplus))
            result.append(Character(scalar: 0x1161 + index % 588 / 28, combining: 0, surplus: 1))
            if index % 28 != 0 { result.append(Character(scalar: 0x11A7 + index % 28, combining: 0, surplus: 1)) }
        } else if let pair = data.decompositions[scalar] {
            decompose(UInt32(pair >> 21), surplus: surplus, into: &result)
            if pair & 0x1F_FFFF != 0 { decompose(UInt32(pair & 0x1F_FFFF), surplus: 1, into: &result) }
        } else {
            result.append(Character(scalar: scalar, combining: data.combiningClass(scalar), surplus: surplus))
        }
    }

    /// Each run of marks by combining class, equal classes as they stand. Sorting keeps a run of a million marks cheap.
    private static func sortMarks(_ characters: inout [Character]) {
        var start = 0
        while start < characters.count {
            guard characters[start].combining != 0 else {
                start += 1
                continue
            }
            var end = start
            while end < characters.count, characters[end].combining != 0 { end += 1 }
            let run = characters[start..<end].enumerated().sorted {
                ($0.element.combining, $0.offset) < ($1.element.combining, $1.offset)
            }
            for (index, entry) in run.enumerated() { characters[start + index] = entry.element }
            start = end
        }
    }

    private static func compose(_ characters: [Character]) -> [Character] {
        var result: [Character] = []
        var starter: Int?
        for character in characters {
            // A mark reaches its base unless one of the same class, or another base, stands between.
            if let index = starter,
                index == result.count - 1
                    || result[result.count - 1].combining != 0
                        && result[result.count - 1].combining < character.combining,
                let composed = pair(result[index].scalar, character.scalar)
            {
                result[index].scalar = composed
                result[index].surplus += character.surplus - 1
                continue
            }
            result.append(character)
            if character.combining == 0 { starter = result.count - 1 }
        }
        return result
    }

    private static func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
            return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
        }
        if (0xAC00..<0xD7A4).contains(first), (first - 0xAC00) % 28 == 0, (0x11A8..<0x11C3).contains(second) {
            return first + (second - 0x11A7)
        }
        return data.compositions[UInt64(first) << 21 | UInt64(second)]
    }
}
