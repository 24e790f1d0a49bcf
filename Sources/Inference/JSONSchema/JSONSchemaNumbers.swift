// JSON numbers within bounds as grammars of their digits.

extension Grammar {
    private static let digit = Grammar.bytes(ByteClass("0123456789"))
    /// The largest number of so many digits that every reader holds exactly.
    static let largestInteger = 999_999_999_999_999_999

    /// Whole numbers without leading zeros. Missing bounds are those of 18 digits.
    static func integers(from lower: Int?, to upper: Int?) -> Grammar {
        let lower = Swift.max(lower ?? -largestInteger, -largestInteger)
        let upper = Swift.min(upper ?? largestInteger, largestInteger)
        var alternatives: [Grammar] = []
        if upper >= 0, lower <= upper { alternatives.append(naturals(Swift.max(lower, 0), upper)) }
        if lower < 0, lower <= upper {
            alternatives.append(.sequence([.literal("-"), naturals(Swift.max(-upper, 1), -lower)]))
        }
        return .choice(alternatives)
    }

    /// Numbers with or without a fraction; with an exponent only where there are no bounds.
    static func numbers(from lower: Int?, to upper: Int?) -> Grammar {
        let fraction = Grammar.sequence([.literal("."), .repeat(digit, min: 1, max: 17)])
        if lower == nil, upper == nil {
            let exponent = Grammar.sequence([
                .bytes(ByteClass("eE")), .optional(.bytes(ByteClass("+-"))), .repeat(digit, min: 1, max: 2),
            ])
            return .sequence([
                .optional(.literal("-")), naturals(0, largestInteger), .optional(fraction), .optional(exponent),
            ])
        }
        let lower = Swift.max(lower ?? -largestInteger, -largestInteger)
        let upper = Swift.min(upper ?? largestInteger, largestInteger)
        /// From one whole number without sign to another: the upper one itself has no fraction.
        func unsigned(_ lower: Int, _ upper: Int) -> Grammar {
            var alternatives = [naturals(upper, upper)]
            if lower < upper { alternatives.append(.sequence([naturals(lower, upper - 1), .optional(fraction)])) }
            return .choice(alternatives)
        }
        var alternatives: [Grammar] = []
        if upper >= 0, lower <= upper { alternatives.append(unsigned(Swift.max(lower, 0), upper)) }
        if lower < 0, lower <= upper {
            alternatives.append(.sequence([.literal("-"), unsigned(Swift.max(-upper, 0), -lower)]))
        }
        return .choice(alternatives)
    }

    /// 0 <= lower <= upper
    private static func naturals(_ lower: Int, _ upper: Int) -> Grammar {
        let (from, to) = (Array(String(lower).utf8), Array(String(upper).utf8))
        if from.count == to.count { return digits(from[...], to[...]) }
        let nine = UInt8(ascii: "9")
        var alternatives = [digits(from[...], Array(repeating: nine, count: from.count)[...])]
        // The lengths whose numbers are all in between, beginning with any digit but 0.
        var longest = to.count
        if to.contains(where: { $0 != nine }) {
            longest -= 1
            let least = [UInt8(ascii: "1")] + Array(repeating: UInt8(ascii: "0"), count: longest)
            alternatives.append(digits(least[...], to[...]))
        }
        if longest > from.count {
            alternatives.append(
                .sequence([.bytes(ByteClass("123456789")), .repeat(digit, min: from.count, max: longest - 1)]))
        }
        return .choice(alternatives)
    }

    /// Digit strings of one length between two of them.
    private static func digits(_ from: ArraySlice<UInt8>, _ to: ArraySlice<UInt8>) -> Grammar {
        guard let first = from.first, let last = to.first else { return .sequence([]) }
        let (fromRest, toRest) = (from.dropFirst(), to.dropFirst())
        let zeros = fromRest.map { _ in UInt8(ascii: "0") }
        let nines = fromRest.map { _ in UInt8(ascii: "9") }
        if fromRest.elementsEqual(zeros), toRest.elementsEqual(nines) {
            return .sequence([
                .bytes(ByteClass(first...last)), .repeat(digit, min: zeros.count, max: zeros.count),
            ])
        }
        if first == last { return .sequence([.bytes(ByteClass(first)), digits(fromRest, toRest)]) }
        var alternatives = [
            Grammar.sequence([.bytes(ByteClass(first)), digits(fromRest, nines[...])]),
            Grammar.sequence([.bytes(ByteClass(last)), digits(zeros[...], toRest)]),
        ]
        if last - first > 1 {
            alternatives.append(
                .sequence([
                    .bytes(ByteClass(first + 1...last - 1)), .repeat(digit, min: zeros.count, max: zeros.count),
                ]))
        }
        return .choice(alternatives)
    }
}
