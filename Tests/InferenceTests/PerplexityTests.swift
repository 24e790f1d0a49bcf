// Perplexity against sums over the reference's own logits, and against llama-perplexity's arithmetic.

import Foundation
import Testing
import Tokenization

@testable import Inference

struct PerplexityTests {
    @Test
    func meanAndErrorAreThoseOfTheLogarithms() {
        var perplexity = Perplexity()
        #expect(perplexity.value == 1 && perplexity.error == 0)
        perplexity.add([-1, -2])
        perplexity.add([-3, -6])
        #expect(perplexity.count == 4)
        // Mean 3, variance 3.5; its error is √(3.5 / 3).
        #expect(abs(perplexity.value - exp(3)) < 1e-9)
        #expect(abs(perplexity.error - exp(3) * (3.5 / 3).squareRoot()) < 1e-9)
    }

    @Test(.enabled(if: FixtureModel.areThere, FixtureModel.missing), arguments: ["gemma3", "smollm2"])
    func windowsAreScoredBehindTheirMiddle(folder: String) async throws {
        let model = try #require(FixtureModel.nearlyExact.first { $0.folder == folder })
        let engine = try await model.open()
        let text = Array(String(repeating: "The report was read by the harbour at noon. ", count: 12).utf8)
        let windows = PerplexityWindows(text, tokenizer: engine.tokenizer, size: 32)
        let start = engine.tokenizer.addsBOS ? [engine.tokenizer.bos].compactMap(\.self) : []
        let tokens = start + engine.tokenizer.encode(utf8: text)
        #expect(windows.count == tokens.count / 32 && windows.count >= 3)

        var expected = Perplexity()
        for index in 0..<2 {
            var window = Array(tokens[index * 32..<(index + 1) * 32])
            if let bos = start.first { window[0] = bos }
            #expect(windows[index] == window)
            for (position, logits) in zip(16..<31, try await engine.logits(window, positions: Array(16..<31))) {
                let total = log(logits.reduce(0.0) { $0 + exp(Double($1)) })
                expected.add([Float(Double(logits[Int(window[position + 1])]) - total)])
            }
        }
        var seen: [Int] = []
        let found = try await engine.perplexity(windows, limit: 2) { _, done in seen.append(done) }
        #expect(found.count == 2 * 15 && seen == [1, 2])
        #expect(abs(found.value / expected.value - 1) < 1e-4 && abs(found.error / expected.error - 1) < 1e-3)
    }
}
