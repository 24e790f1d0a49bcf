// The parts of the constructed recall model, by the properties that it rests on.

import Testing

@testable import Benchmarks

@Suite struct RecallModelTests {
    @Test func wordsLieFarApart() {
        // The code is linear: the distances of all words from one are the distances of all from all.
        let words = (0..<GolayCode.words).map { GolayCode.word($0) }
        let overlaps = words.dropFirst().map { word in Int(zip(word, words[0]).reduce(0) { $0 + $1.0 * $1.1 }) }
        #expect(Set(overlaps) == [8, 0, -8, -24])
    }

    @Test(arguments: RecallPreset.allCases)
    func noTwoTokensAreAlike(preset: RecallPreset) {
        let codes = TokenCodes(experts: preset.shape.experts)
        let step = preset.shape.vocabulary / 512
        let tokens = stride(from: 0, to: preset.shape.vocabulary, by: step).map { Int32($0) }
        for first in tokens.prefix(64) {
            #expect(codes.overlap(first, first) == TokenCodes.bits)
            for second in tokens + [first + 1] where second != first {
                #expect(codes.overlap(first, second) <= 24, "\(first) \(second)")
            }
        }
    }

    /// The best shares of the right token that the construction was found to allow.
    @Test(arguments: [(64, 0.92), (256, 0.845), (1024, 0.741), (8192, 0.525)])
    func headsSeeMostlyOneToken(chunk: Int, least: Double) {
        let strength = Double(RecallShape.headSize).squareRoot()
        let attention = OffsetAttention(chunk: chunk, largestOffset: 3, strength: strength)
        #expect(abs(attention.shares.reduce(0, +) - 1) < 1e-9)
        for offset in 1...3 {
            let share = attention.share(chunk: chunk, offset: offset, strength: strength)
            #expect(share >= least && share < least + 0.01, "\(share)")
        }
        // Query and key score what the shares say: the key is turned by its position, the query by its own.
        let score = zip(attention.query(offset: 0), attention.key).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(score - 1) < 1e-9)
    }

    @Test func placesOfTheStreamAreApart() {
        let places =
            [RecallStream.route, RecallStream.word, RecallStream.tag, RecallStream.found] + RecallStream.fetched
            + RecallStream.sharp
        let all = [RecallStream.constant, RecallStream.start] + places.flatMap { Array($0) }
        #expect(Set(all).count == all.count)
        #expect(all.max() ?? .max < RecallStream.width)
    }

    /// Files of both precisions hold the same numbers, so no element may need more than eleven bits.
    @Test func everyElementIsAHalf() {
        let layers = RecallLayers(RecallShape.scoutlike)
        for matrix in [layers.query(layer: 0), layers.query(layer: 3), layers.key(layer: 3), layers.head()] {
            #expect(matrix.values.allSatisfy { $0.isFinite && ($0.significandBitPattern & 0x1FFF) == 0 })
            #expect(matrix.values.contains { $0 != 0 })
        }
    }
}
