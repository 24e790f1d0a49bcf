import Foundation
import Testing

@testable import Inference

struct SamplerTests {
    private let logits: [Float] = [1, 3, 2, 0, -1, 2.5, -.infinity, 3]

    private func draw(
        _ options: SamplingOptions, count: Int = 4000, grammar: GrammarMatcher? = nil
    ) throws -> [Int32: Int] {
        var sampler = Sampler(options)
        var drawn: [Int32: Int] = [:]
        for _ in 0..<count {
            var logits = logits
            drawn[try sampler.next(&logits, grammar: grammar), default: 0] += 1
        }
        return drawn
    }

    /// Tokens are the letters from "a" on; allows some of them.
    private func matcher(_ letters: String) throws -> GrammarMatcher {
        let trie = TokenTrie(vocabulary: (0..<8).map { (Int32($0), [UInt8(ascii: "a") + UInt8($0)]) })
        return try GrammarMatcher(GrammarTable(.bytes(ByteClass(letters)), trie: trie), stopTokens: [])
    }

    @Test func greedyTakesTheBestAndTheFirstOfEquals() throws {
        #expect(try draw(.greedy, count: 3) == [1: 3])
        #expect(try draw(.greedy, count: 3, grammar: matcher("ade")) == [0: 3])
        #expect(try draw(SamplingOptions(topK: 3, seed: 9), count: 3) == [1: 3])
        #expect(throws: EngineError.self) { try draw(.greedy, count: 1, grammar: matcher("g")) }
    }

    @Test func drawsFollowTheDistribution() throws {
        let drawn = try draw(SamplingOptions(temperature: 1, seed: 7), count: 20_000)
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

    @Test func filtersKeepWhatTheySay() throws {
        func kept(_ options: SamplingOptions) throws -> [Int32] { try draw(options).keys.sorted() }
        #expect(try kept(SamplingOptions(temperature: 1, topK: 3, seed: 1)) == [1, 5, 7])
        #expect(try kept(SamplingOptions(temperature: 1, topK: 1, seed: 1)) == [1])
        // Ids 1 and 7 hold 0.63 of the probability.
        #expect(try kept(SamplingOptions(temperature: 1, topP: 0.6, seed: 1)) == [1, 7])
        #expect(try kept(SamplingOptions(temperature: 1, topP: 0.65, seed: 1)) == [1, 5, 7])
        // e^(2.5 - 3) = 0.61, e^(2 - 3) = 0.37
        #expect(try kept(SamplingOptions(temperature: 1, minP: 0.5, seed: 1)) == [1, 5, 7])
        #expect(try kept(SamplingOptions(temperature: 0.01, seed: 1)) == [1, 7])
        // Of all but ids 1 and 7 the best is 5, with 0.51; min-p then looks at what top-p left.
        #expect(try kept(SamplingOptions(temperature: 1, topP: 0.6, seed: 1, suppressed: [1, 7])) == [2, 5])
        #expect(try kept(SamplingOptions(temperature: 1, topP: 0.6, minP: 0.7, seed: 1, suppressed: [1, 7])) == [5])
        let some = try draw(SamplingOptions(temperature: 1, seed: 1), grammar: matcher("de"))
        #expect(some.keys.sorted() == [3, 4])
    }

    /// The logits that a sampler decides by, after `output` was generated.
    private func penalized(_ options: SamplingOptions, prompt: [Int32], output: [Int32], _ logits: [Float]) -> [Float] {
        var penalties = RepetitionPenalties(options, prompt: prompt)
        for id in output { penalties.append(id) }
        var logits = logits
        _ = penalties.apply(to: &logits)
        return logits
    }

    @Test func penaltiesChangeLogitsAsTheySay() {
        let logits: [Float] = [2, -2, 0, 3, -1, 0.5]
        // By hand: 2 / 1.3, -2 * 1.3, 3 / 1.3 once though 3 stands there twice, 0.5 / 1.3.
        let repeated = penalized(
            SamplingOptions(repetitionPenalty: 1.3), prompt: [0, 1, 3], output: [3, 5], logits)
        let reference: [Float] = [1.538_461_5, -2.6, 0, 2.307_692_3, -1, 0.384_615_36]
        for (value, expected) in zip(repeated, reference) { #expect(abs(value - expected) < 1e-6) }
        // Only the output counts: 3 stands there twice, 5 once.
        let counted = penalized(
            SamplingOptions(frequencyPenalty: 0.25, presencePenalty: 1), prompt: [0, 1, 3], output: [3, 5, 3], logits)
        #expect(counted == [2, -2, 0, 1.5, -1, -0.75])
        // Division comes before subtraction.
        let both = penalized(
            SamplingOptions(repetitionPenalty: 2, presencePenalty: 1), prompt: [], output: [0, 1], logits)
        #expect(both == [0, -5, 0, 3, -1, 0.5])
    }

    @Test func windowsForgetWhatLiesBehindThem() {
        let logits = [Float](repeating: 1, count: 6)
        func touched(_ window: Int?, prompt: [Int32], output: [Int32]) -> [Int32] {
            let options = SamplingOptions(repetitionPenalty: 2, penaltyWindow: window)
            let after = penalized(options, prompt: prompt, output: output, logits)
            return after.indices.filter { after[$0] != 1 }.map { Int32($0) }
        }
        #expect(touched(nil, prompt: [0, 1], output: [2, 3]) == [0, 1, 2, 3])
        #expect(touched(3, prompt: [0, 1], output: [2, 3]) == [1, 2, 3])
        #expect(touched(2, prompt: [0, 1, 1, 1], output: [2, 3]) == [2, 3])
        #expect(touched(2, prompt: [5], output: [4, 4, 4, 4, 1, 4, 4]) == [4])
        #expect(touched(0, prompt: [0], output: [1]) == [])
    }

    @Test func samplersPutTheLogitsBack() throws {
        var sampler = Sampler(SamplingOptions(repetitionPenalty: 4), prompt: [1, 7])
        var changed = logits
        // Ids 1 and 7 fall from 3 to 0.75, and 5 is next.
        #expect(try sampler.next(&changed) == 5)
        #expect(changed == logits)
        sampler.append(5)
        #expect(try sampler.next(&changed) == 2)
    }

    @Test func seedsDecide() throws {
        func sequence(_ seed: UInt64) throws -> [Int32] {
            var sampler = Sampler(SamplingOptions(temperature: 1, seed: seed))
            var logits = logits
            return try (0..<50).map { _ in try sampler.next(&logits) }
        }
        #expect(try sequence(3) == sequence(3))
        #expect(try sequence(3) != sequence(4))
        // First outputs of SplitMix64 for state 0, from the reference implementation (Vigna, splitmix64.c).
        var random = SplitMix64(state: 0)
        #expect([random.next(), random.next()] == [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4])
    }
}
