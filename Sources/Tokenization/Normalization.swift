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
            var end = previous
            while end < span.count {
                let (scalar, length) = decodeScalar(span, end)
                if end > offset, !table.needsNormalizing(scalar) { break }
                stretch.append(scalar)
                end += length
            }
            let normalized = normalize(stretch)
            if normalized != stretch {
                result.replace(previous..<end, with: utf8(normalized))
            }
            previous = end
            offset = end
        }
        return result.finish()
    }

    private static func utf8(_ scalars: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in scalars.lazy.compactMap({ Unicode.Scalar($0) }) { bytes.append(contentsOf: UTF8.encode(scalar) ?? .init()) }
        return bytes
    }

    /// Decomposes, puts marks in canonical order, composes: the algorithm of UAX 15.
    private static func normalize(_ scalars: [UInt32]) -> [UInt32] {
        var characters: [(scalar: UInt32, combining: UInt8)] = []
        for scalar in scalars { decompose(scalar, into: &characters) }
        sortMarks(&characters)
        return compose(characters)
    }

    private static func decompose(_ scalar: UInt32, into result: inout [(scalar: UInt32, combining: UInt8)]) {
        if (0xAC00..<0xD7A4).contains(scalar) {
            let index = scalar - 0xAC00
            result.append((0x1100 + index / 588, 0))
            result.append((0x1161 + index % 588 / 28, 0))
            if index % 28 != 0 { result.append((0x11A7 + index % 28, 0)) }
        } else if let pair = data.decompositions[scalar] {
            decompose(UInt32(pair >> 21), into: &result)
            if pair & 0x1F_FFFF != 0 { decompose(UInt32(pair & 0x1F_FFFF), into: &result) }
        } else {
            result.append((scalar, data.combiningClass(scalar)))
        }
    }

    /// Each run of marks by combining class, equal classes as they stand. Sorting keeps a run of a million marks cheap.
    private static func sortMarks(_ characters: inout [(scalar: UInt32, combining: UInt8)]) {
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

    private static func compose(_ characters: [(scalar: UInt32, combining: UInt8)]) -> [UInt32] {
        var result: [UInt32] = []
        var starter: Int?
        var lastCombining: UInt8 = 0
        for (scalar, combining) in characters {
            if let index = starter, index == result.count - 1 || lastCombining != 0 && lastCombining < combining,
                let composed = pair(result[index], scalar)
            {
                result[index] = composed
                continue
            }
            result.append(scalar)
            if combining == 0 { starter = result.count - 1 }
            lastCombining = combining
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
