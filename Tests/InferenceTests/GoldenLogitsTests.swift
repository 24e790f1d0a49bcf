// Logits and greedy continuations of tiny models in the layout of the released ones, against transformers in float32
// on the dequantized weights.

import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct GoldenLogitsTests {
    @Test(arguments: FixtureModel.all)
    func logitsAreThoseOfTheReference(model: FixtureModel) async throws {
        let golden = try model.golden
        let tolerance = try model.tolerance
        let engine = try await model.open()
        var compared = 0
        for prompt in 0..<4 {
            guard let ids = golden.integers("p\(prompt).input_ids") else { continue }
            let positions = try #require(golden.integers("p\(prompt).logit_positions")).map { Int($0) }
            let expected = try #require(golden.floats("p\(prompt).logits"))
            let logits = try await engine.logits(ids, positions: positions)
            let rows = try #require(logits.first?.count)
            #expect(expected.count == positions.count * rows)
            var worst: Float = 0
            for (index, row) in logits.enumerated() {
                for (id, value) in row.enumerated() { worst = max(worst, abs(value - expected[index * rows + id])) }
            }
            #expect(worst <= tolerance, "prompt \(prompt) of \(ids.count) tokens")
            compared += logits.count
        }
        #expect(compared > 50)
    }

    @Test(arguments: FixtureModel.nearlyExact)
    func greedyContinuationsAreThoseOfTheReference(model: FixtureModel) async throws {
        let golden = try model.unquantized
        let engine = try await model.open()
        for prompt in 0..<3 {
            var ids = try #require(golden.integers("p\(prompt).input_ids"))
            let expected = try #require(golden.integers("p\(prompt).greedy"))
            var continuation: [Int32] = []
            for _ in expected {
                let logits = try await engine.logits(ids, positions: [ids.count - 1])[0]
                let best = try #require(logits.indices.max { logits[$0] < logits[$1] })
                continuation.append(Int32(best))
                ids.append(Int32(best))
            }
            #expect(continuation == expected, "prompt \(prompt)")
        }
    }
}
