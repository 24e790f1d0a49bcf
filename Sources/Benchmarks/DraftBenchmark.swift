// `bench answers`: what drafts save when answers and summaries are written. The outputs are those of real prompts; each
// is written again, token by token and with drafts in turn.

import Diagnostics
package import Inference

/// One output that was written both ways.
package struct DraftSample: Sendable, Equatable {
    package var promptTokens: Int
    package var outputTokens: Int
    /// Seconds of decoding, token by token.
    package var plainSeconds: Double
    /// Seconds of decoding with drafts.
    package var draftedSeconds: Double
    package var draftedTokens: Int
    package var acceptedTokens: Int
    /// Whether both ways gave the same tokens, as they must.
    package var isEqual: Bool
}

/// What a set of outputs took.
package struct DraftReport: Sendable, Equatable {
    package var samples: [DraftSample]
    /// Tokens per second of the peer, without drafts, after a prompt of the mean length: one sample per round.
    package var peer: [Double] = []
    package var peerVersion: String?
    package var loadBefore: Double?

    package init(samples: [DraftSample] = []) { self.samples = samples }

    private func rate(_ seconds: (DraftSample) -> Double) -> Double {
        Double(samples.reduce(0) { $0 + $1.outputTokens }) / samples.reduce(0) { $0 + seconds($1) }
    }

    package var plainRate: Double { rate(\.plainSeconds) }
    package var draftedRate: Double { rate(\.draftedSeconds) }
    package var isEqual: Bool { samples.allSatisfy { $0.isEqual } }

    /// Means over the outputs, for a peer that is to do the same.
    package var meanPrompt: Int { samples.reduce(0) { $0 + $1.promptTokens } / max(samples.count, 1) }
    package var meanOutput: Int { samples.reduce(0) { $0 + $1.outputTokens } / max(samples.count, 1) }
}

/// Writes outputs of one engine both ways.
package struct DraftBenchmark: Sendable {
    private let engine: Engine
    private let rounds: Int

    /// - Parameter rounds: how often each output is written each way; the median counts.
    package init(_ engine: Engine, rounds: Int) {
        self.engine = engine
        self.rounds = rounds
    }

    /// One request, which is answered from the same prompt each time.
    package func measure(_ request: GenerationRequest) async throws -> DraftSample? {
        var plain = request
        plain.speculation = false
        var drafted = request
        drafted.speculation = true
        // The first pass reads the prompt; its tokens are what the others must give.
        let expected = try await run(plain)
        guard expected.tokens.count > 1 else { return nil }
        var sample = DraftSample(
            promptTokens: request.prompt.count, outputTokens: expected.tokens.count, plainSeconds: 0,
            draftedSeconds: 0, draftedTokens: 0, acceptedTokens: 0, isEqual: true)
        var seconds: (plain: [Double], drafted: [Double]) = ([], [])
        for _ in 0..<rounds {
            let (with, without) = (try await run(drafted), try await run(plain))
            seconds.drafted.append(with.usage.decodeSeconds)
            seconds.plain.append(without.usage.decodeSeconds)
            sample.draftedTokens = with.usage.draftedTokens
            sample.acceptedTokens = with.usage.acceptedTokens
            sample.isEqual = sample.isEqual && with.tokens == expected.tokens && without.tokens == expected.tokens
        }
        sample.plainSeconds = Median.of(seconds.plain) ?? 0
        sample.draftedSeconds = Median.of(seconds.drafted) ?? 0
        return sample
    }

    private func run(_ request: GenerationRequest) async throws -> (tokens: [Int32], usage: Usage) {
        var tokens: [Int32] = []
        for try await event in engine.generate(request) {
            switch event {
            case .token(let id, _, _, _): tokens.append(id)
            case .finished(_, let usage): return (tokens, usage)
            case .prefill: continue
            }
        }
        throw CancellationError()
    }
}
