// A head that looks so many tokens back, whatever the tokens are. Its query and key are the same for all tokens; rotary
// positions turn them, so that the score depends on the distance alone: S · Σ a · cos(frequency · (distance - offset)).
// Where heads are normalized, S is fixed, and all that can be chosen is how the length is shared out among the pairs.

import Glibc

/// The shares of the pairs, and the queries and keys that have them.
struct OffsetAttention {
    /// Of each pair, summing to 1.
    let shares: [Double]
    /// By pair: radians per position.
    private let frequencies: [Double]

    /// Chooses the shares that leave the least weight to all other tokens of a chunk.
    ///
    /// - Parameters:
    ///   - largestOffset: the furthest that any head looks back.
    ///   - strength: S, the score of the token that is looked for.
    init(chunk: Int, largestOffset: Int, strength: Double) {
        let pairs = RecallShape.headSize / 2
        let frequencies = (0..<pairs).map { pow(RecallShape.rotaryBase, -Double($0) / Double(pairs)) }
        self.frequencies = frequencies
        // Distances from the right token: to those before it, and to those that stand behind it.
        let distances = (1..<chunk).map { Double($0) } + (1...largestOffset).map { Double($0) }
        let cosines = distances.map { distance in frequencies.map { cos($0 * distance) } }
        shares = Self.leastLeak(cosines, pairs: pairs, strength: strength)
    }

    /// Minimizes the logarithm of Σ exp(S · Σ shares · cosines) over shares that sum to 1: a convex problem, by
    /// exponentiated gradients. After 200 steps nothing changes that matters here.
    private static func leastLeak(_ cosines: [[Double]], pairs: Int, strength: Double) -> [Double] {
        /// The value, and the gradient by the shares.
        func evaluate(_ shares: [Double]) -> (value: Double, gradient: [Double]) {
            let scores = cosines.map { row in strength * zip(row, shares).reduce(0) { $0 + $1.0 * $1.1 } }
            let largest = scores.max() ?? 0
            let weights = scores.map { exp($0 - largest) }
            let sum = weights.reduce(0, +)
            var gradient = Array(repeating: 0.0, count: pairs)
            for (row, weight) in zip(cosines, weights) {
                let weight = strength * weight / sum
                for pair in 0..<pairs { gradient[pair] += weight * row[pair] }
            }
            return (largest + log(sum), gradient)
        }
        var shares = Array(repeating: 1 / Double(pairs), count: pairs)
        var (value, gradient) = evaluate(shares)
        var step = 1.0
        for _ in 0..<200 {
            let least = gradient.min() ?? 0
            let grown = zip(shares, gradient).map { $0 * exp(-step * ($1 - least)) }
            let sum = grown.reduce(0, +)
            let next = grown.map { $0 / sum }
            let (nextValue, nextGradient) = evaluate(next)
            if nextValue <= value {
                (shares, value, gradient) = (next, nextValue, nextGradient)
                step *= 1.2
            } else {
                step /= 2
            }
        }
        return shares
    }

    /// The key of all tokens, of length 1: `[head size]`.
    var key: [Double] { shares.flatMap { [$0.squareRoot(), 0] } }

    /// The query that finds the key of the token `offset` places before, of length 1: `[head size]`.
    func query(offset: Int) -> [Double] {
        zip(shares, frequencies).flatMap { share, frequency in
            let angle = -frequency * Double(offset)
            return [share.squareRoot() * cos(angle), share.squareRoot() * sin(angle)]
        }
    }

    /// The weight that the right token gets at the end of a whole chunk.
    func share(chunk: Int, offset: Int, strength: Double) -> Double {
        func score(_ distance: Int) -> Double {
            strength * zip(shares, frequencies).reduce(0) { $0 + $1.0 * cos($1.1 * Double(distance)) }
        }
        let others = (-offset..<chunk - offset).reduce(0.0) { $0 + ($1 == 0 ? 0 : exp(score($1) - strength)) }
        return 1 / (1 + others)
    }
}
