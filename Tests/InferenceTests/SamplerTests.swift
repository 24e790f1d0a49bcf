import Foundation
import Testing

@testable import Inference

struct SamplerTests {
    private let logits: [Float] = [1, 3, 2, 0, -1, 2.5, -.infinity, 3]

    private func draw(_ options: SamplingOptions, count: Int = 4000, allowed: [Int32]? = nil) -> [Int32: Int] {
        var sampler = Sampler(options)
        var drawn: [Int32: Int] = [:]
        for _ in 0..<count { drawn[sampler.next(logits, allowed: allowed), default: 0] += 1 }
        return drawn
    }

    @Test func greedyTakesTheBestAndTheFirstOfEquals() {
        #expect(draw(.greedy, count: 3) == [1: 3])
        #expect(draw(.greedy, count: 3, allowed: [0, 3, 4]) == [0: 3])
        #expect(draw(SamplingOptions(topK: 3, seed: 9), count: 3) == [1: 3])
    }

    @Test func drawsFollowTheDistribution() {
        let drawn = draw(SamplingOptions(temperature: 1, seed: 7), count: 20_000)
        let weights = logits.map { exp(Double($0)) }
        let sum = weights.reduce(0, +)
        for (id, weight) in weights.enumerated() {
            let expected = weight / sum
            let share = Double(drawn[Int32(id)] ?? 0) / 20_000
            // Five standard deviations of a count.
            #expect(abs(share - expected) <= 5 * (expected * (1 - expected) / 20_000).squareRoot())
        }
        #expect(drawn[6] == nil)
    }

    @Test func filtersKeepWhatTheySay() {
        func kept(_ options: SamplingOptions) -> [Int32] { draw(options).keys.sorted() }
        #expect(kept(SamplingOptions(temperature: 1, topK: 3, seed: 1)) == [1, 5, 7])
        #expect(kept(SamplingOptions(temperature: 1, topK: 1, seed: 1)) == [1])
        // Ids 1 and 7 hold 0.63 of the probability.
        #expect(kept(SamplingOptions(temperature: 1, topP: 0.6, seed: 1)) == [1, 7])
        #expect(kept(SamplingOptions(temperature: 1, topP: 0.65, seed: 1)) == [1, 5, 7])
        // e^(2.5 - 3) = 0.61, e^(2 - 3) = 0.37
        #expect(kept(SamplingOptions(temperature: 1, minP: 0.5, seed: 1)) == [1, 5, 7])
        #expect(kept(SamplingOptions(temperature: 0.01, seed: 1)) == [1, 7])
        #expect(draw(SamplingOptions(temperature: 1, seed: 1), allowed: [3, 4]).keys.sorted() == [3, 4])
    }

    @Test func seedsDecide() {
        func sequence(_ seed: UInt64) -> [Int32] {
            var sampler = Sampler(SamplingOptions(temperature: 1, seed: seed))
            return (0..<50).map { _ in sampler.next(logits) }
        }
        #expect(sequence(3) == sequence(3))
        #expect(sequence(3) != sequence(4))
        // First outputs of SplitMix64 for state 0, from the reference implementation (Vigna, splitmix64.c).
        var random = SplitMix64(state: 0)
        #expect([random.next(), random.next()] == [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4])
    }
}
