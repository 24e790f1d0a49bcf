// `bench tokenize`: how fast a tokenizer is there, and how fast it reads text, ours and a peer's in turn.

package import Tokenization

/// Measures one tokenizer on texts in memory.
package struct TokenizeBenchmark: Sendable {
    private let load: @Sendable (_ cached: Bool) throws -> Tokenizer
    private let threads: [Int]
    private let rounds: Int

    /// - Parameters:
    ///   - load: makes the tokenizer, from its compiled form if `cached`.
    ///   - threads: how many are measured, one after the other.
    ///   - rounds: passes over each text after the first.
    package init(
        threads: [Int], rounds: Int = 3, load: @escaping @Sendable (_ cached: Bool) throws -> Tokenizer
    ) {
        self.load = load
        self.threads = threads
        self.rounds = rounds
    }

    /// Seconds until the tokenizer is ready: made from its file, and from its compiled form.
    package func loading() throws -> (fresh: Double, cached: Double) {
        _ = try load(true)
        return (
            try (0..<rounds).map { _ in try seconds { _ = try load(false) } }.min() ?? 0,
            try (0..<rounds).map { _ in try seconds { _ = try load(true) } }.min() ?? 0
        )
    }

    /// One text with every number of threads.
    ///
    /// - Parameter peer: measures the same text beside each of ours.
    package func run(
        _ text: [UInt8], name: String, peer: ((_ threads: Int) async throws -> TokenizeSample)? = nil
    ) async throws -> [TokenizeRow] {
        var rows: [TokenizeRow] = []
        for count in threads {
            // A new one knows no words yet.
            let tokenizer = try load(true)
            var sample = TokenizeSample(cold: 0, warm: 0, tokens: 0)
            for round in 0...rounds {
                let start = ContinuousClock.now
                sample.tokens = await tokenizer.encode(utf8: text, threads: count).count
                let speed = Double(text.count) / ((ContinuousClock.now - start) / .seconds(1))
                if round == 0 { sample.cold = speed } else { sample.warm = max(sample.warm, speed) }
            }
            rows.append(
                TokenizeRow(
                    text: name, bytes: text.count, threads: count, ours: sample, peer: try await peer?(count)))
        }
        return rows
    }

    private func seconds(_ work: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(work) / .seconds(1)
    }
}

/// Speeds in bytes per second.
package struct TokenizeSample: Sendable, Equatable {
    /// Of the first pass.
    package var cold: Double
    /// Of the best pass after it.
    package var warm: Double
    package var tokens: Int

    package init(cold: Double, warm: Double, tokens: Int) {
        self.cold = cold
        self.warm = warm
        self.tokens = tokens
    }
}

/// One text and number of threads.
package struct TokenizeRow: Sendable {
    package var text: String
    package var bytes: Int
    package var threads: Int
    package var ours: TokenizeSample
    package var peer: TokenizeSample?

    /// Ours divided by the peer's.
    package var ratio: (cold: Double, warm: Double)? {
        peer.map { (ours.cold / $0.cold, ours.warm / $0.warm) }
    }
}
