// Canonical composition (NFC) of one cluster at a time, and the folding of presentation forms.
//
// Policy: document text is NFC, and Latin ligatures and Arabic and Hebrew presentation forms (U+FB00-FDFF,
// U+FE70-FEFC) are replaced by the letters they stand for. Other compatibility characters (superscripts, full-width
// forms, fractions) carry meaning and stay. Composition: Unicode Standard, sections 3.11 and 3.12.

/// Look-ups in the tables.
enum Composition {
    private static let pairs: [UInt64: Unicode.Scalar] = {
        var table: [UInt64: Unicode.Scalar] = [:]
        for entry in UnicodeTables.compositions.split(separator: " ") {
            let parts = entry.split(whereSeparator: { $0 == "+" || $0 == "=" }).compactMap { UInt32($0, radix: 16) }
            if parts.count == 3, let composed = Unicode.Scalar(parts[2]) { table[key(parts[0], parts[1])] = composed }
        }
        return table
    }()

    private static let replacements: [UInt32: [Unicode.Scalar]] = {
        var table: [UInt32: [Unicode.Scalar]] = [:]
        for list in [UnicodeTables.singletons, UnicodeTables.presentationForms] {
            for entry in list.split(separator: " ") {
                let parts = entry.split(whereSeparator: { $0 == "+" || $0 == "=" }).compactMap { UInt32($0, radix: 16) }
                if let first = parts.first { table[first] = parts.dropFirst().compactMap(Unicode.Scalar.init) }
            }
        }
        return table
    }()

    private static let seconds: Set<UInt32> = Set(pairs.keys.map { UInt32(truncatingIfNeeded: $0) })

    private static func key(_ first: UInt32, _ second: UInt32) -> UInt64 { UInt64(first) << 32 | UInt64(second) }

    /// What a presentation form or a singleton stands for; nil for all other characters.
    static func replacement(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? { replacements[scalar.value] }

    /// Whether a character may join what stands before it.
    static func mayJoin(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 0x300 { return false }
        if (0x1161...0x1175).contains(value) || (0x11A8...0x11C2).contains(value) { return true }
        return seconds.contains(value) || scalar.properties.canonicalCombiningClass != .notReordered
    }

    /// The composite of two characters, if there is one.
    static func compose(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        let (l, v) = (first.value, second.value)
        if (0x1100...0x1112).contains(l), (0x1161...0x1175).contains(v) {
            return Unicode.Scalar(0xAC00 + ((l - 0x1100) * 21 + (v - 0x1161)) * 28)
        }
        if (0xAC00...0xD7A3).contains(l), (l - 0xAC00) % 28 == 0, (0x11A8...0x11C2).contains(v) {
            return Unicode.Scalar(l + (v - 0x11A7))
        }
        return pairs[key(l, v)]
    }

    /// Brings the marks behind a first character into canonical order and composes what composes. `scalars` is one
    /// cluster: a starter, or a mark at the start of a text, and what may join it.
    static func composed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var ordered = scalars
        // Stable insertion sort of each run of marks by combining class.
        for index in ordered.indices.dropFirst() {
            let mark = ordered[index]
            let rank = mark.properties.canonicalCombiningClass.rawValue
            guard rank != 0 else { continue }
            var at = index
            while at > 0, ordered[at - 1].properties.canonicalCombiningClass.rawValue > rank {
                ordered[at] = ordered[at - 1]
                at -= 1
            }
            ordered[at] = mark
        }
        var result: [Unicode.Scalar] = []
        var starter: Int?
        for scalar in ordered {
            let rank = scalar.properties.canonicalCombiningClass.rawValue
            if let starter {
                let previous =
                    result.count - 1 == starter
                    ? 0 : result[result.count - 1].properties.canonicalCombiningClass.rawValue
                let isBlocked = result.count - 1 > starter && (previous >= rank || previous == 0)
                if !isBlocked, let joined = compose(result[starter], scalar) {
                    result[starter] = joined
                    continue
                }
            }
            if rank == 0 { starter = result.count }
            result.append(scalar)
        }
        return result
    }
}
