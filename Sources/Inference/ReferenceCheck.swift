// Compares a model's outputs with those that another implementation computed.

import Kernels

/// How far one prompt is from its reference.
package struct ReferenceResult: Sendable, Equatable {
    package var prompt: String
    package var tokens: Int
    /// Largest difference of a logit.
    package var largestDifference: Float
    /// Root mean square of the differences over that of the logits.
    package var relativeError: Float
    /// Positions with a known likeliest token, and those where ours is the same.
    package var known, agreeing: Int
    /// The first hidden state that is further off than allowed, in the order of computation.
    package var firstParted: String?
    /// Greedy tokens equal to the reference's from the first on, and how many there are.
    package var greedyEqual, greedy: Int

    /// Whether nothing is further off than allowed.
    package func isWithin(_ tolerance: Float) -> Bool {
        largestDifference <= tolerance && firstParted == nil && greedyEqual == greedy && agreeing == known
    }
}

package enum ReferenceCheck {
    /// Settings under which a model must equal its reference: exact arithmetic, full precision of keys and values, and
    /// angles rounded as the reference rounds them.
    package static func options(threads: Int, kernels: String? = nil) -> EngineOptions {
        EngineOptions(
            threads: threads, numerics: .exact, kvType: .f32, kernels: kernels, prefillChunk: 512, angles: .reference)
    }

    /// Runs the prompts. `progress` is called before each.
    package static func run(
        _ engine: Engine, _ reference: Reference, progress: (Reference.Prompt) -> Void = { _ in }
    ) async throws -> [ReferenceResult] {
        var results: [ReferenceResult] = []
        for prompt in reference.prompts {
            progress(prompt)
            results.append(try await check(engine, prompt, reference))
        }
        return results
    }

    private static func check(
        _ engine: Engine, _ prompt: Reference.Prompt, _ reference: Reference
    ) async throws -> ReferenceResult {
        let wanted = prompt.argmax.isEmpty ? prompt.positions : Array(prompt.tokens.indices)
        let rows = try await engine.logits(prompt.tokens, positions: wanted)
        let byPosition = Dictionary(zip(wanted, rows)) { first, _ in first }
        var (largest, squares, differences): (Float, Double, Double) = (0, 0, 0)
        let vocabulary = prompt.positions.isEmpty ? 0 : prompt.logits.count / prompt.positions.count
        for (index, position) in prompt.positions.enumerated() {
            guard let ours = byPosition[position], ours.count >= vocabulary else { continue }
            for id in 0..<vocabulary {
                let expected = prompt.logits[index * vocabulary + id]
                let difference = abs(ours[id] - expected)
                // Not a number is as far off as can be.
                largest = difference.isNaN ? .infinity : max(largest, difference)
                squares += Double(expected * expected)
                differences += Double(difference * difference)
            }
        }
        var (known, agreeing) = (0, 0)
        for (position, id) in prompt.argmax.enumerated() where id >= 0 {
            known += 1
            if byPosition[position].map(likeliest) == id { agreeing += 1 }
        }
        return ReferenceResult(
            prompt: prompt.name, tokens: prompt.tokens.count, largestDifference: largest,
            relativeError: Float((differences / max(squares, 1e-30)).squareRoot()), known: known, agreeing: agreeing,
            firstParted: try await firstParted(engine, prompt, tolerance: reference.stateTolerance),
            greedyEqual: try await greedyEqual(engine, prompt), greedy: prompt.greedy.count)
    }

    private static func likeliest(_ logits: [Float]) -> Int32 {
        var best = 0
        for (id, logit) in logits.enumerated() where logit > logits[best] { best = id }
        return Int32(best)
    }

    private static func greedyEqual(_ engine: Engine, _ prompt: Reference.Prompt) async throws -> Int {
        var tokens = prompt.tokens
        for (index, expected) in prompt.greedy.enumerated() {
            let row = try await engine.logits(tokens, positions: [tokens.count - 1])[0]
            let next = likeliest(row)
            guard next == expected else { return index }
            tokens.append(next)
        }
        return prompt.greedy.count
    }

    private static func firstParted(
        _ engine: Engine, _ prompt: Reference.Prompt, tolerance: Float
    ) async throws -> String? {
        guard !prompt.states.isEmpty else { return nil }
        let ours = try await engine.hiddenStates(prompt.tokens)
        // In the order of computation: input, then for each layer its attention and its output.
        func place(_ name: String) -> (Int, Int) {
            guard let layer = name.split(separator: ".").last.flatMap({ Int($0) }) else {
                return (name.hasSuffix("input") ? -1 : Int.max, 0)
            }
            return (layer, name.hasPrefix("hidden.attn") ? 0 : 1)
        }
        for name in prompt.states.keys.sorted(by: { place($0) < place($1) }) {
            guard let expected = prompt.states[name], let found = ours[name] else { continue }
            let scale = expected.reduce(0) { max($0, abs($1)) }
            let worst = zip(found, expected).reduce(Float(0)) { worst, pair in
                let difference = abs(pair.0 - pair.1)
                return difference.isNaN ? .infinity : max(worst, difference)
            }
            if found.count != expected.count || worst > tolerance * scale { return name }
        }
        return nil
    }
}
