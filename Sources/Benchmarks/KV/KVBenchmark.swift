// `bench kv`: walks through a long text and stops at 2K, 4K, 8K … tokens to see what reading on and writing cost there.

package import Inference
import KVCache

/// Measures an open engine on one text.
package struct KVBenchmark: Sendable {
    private let engine: Engine
    private let decode: Int
    private let segmentTokens: Int
    private let reuses: Bool

    /// The first stop, where the text is longer.
    package static let firstStop = 2048
    /// Positions behind the text that are needed besides the tokens written: each stop reads a token of the next
    /// stretch, so that what is kept ends before it.
    package static let room = 3

    /// - Parameters:
    ///   - decode: tokens to write at each stop.
    ///   - segmentTokens: of the engine's options.
    ///   - reuses: whether the engine has a store, from which the text is asked for again at the end.
    package init(_ engine: Engine, decode: Int, segmentTokens: Int, reuses: Bool) {
        self.engine = engine
        self.decode = decode
        self.segmentTokens = segmentTokens
        self.reuses = reuses
    }

    /// No stretch is shorter: its speed would say little.
    static let shortestStretch = 512

    /// Powers of two from `firstStop` on, and the end of the text.
    package static func stops(upTo tokens: Int) -> [Int] {
        var stops: [Int] = []
        var stop = firstStop
        while stop + shortestStretch <= tokens {
            stops.append(stop)
            stop *= 2
        }
        return stops + [tokens]
    }

    /// Walks through a text of that many tokens.
    ///
    /// - Parameters:
    ///   - progress: called with the tokens read so far.
    ///   - stopped: called with each stop.
    package func run(
        upTo tokens: Int, progress: @Sendable (_ done: Int) -> Void = { _ in },
        stopped: @Sendable (KVStop) -> Void = { _ in }
    ) async throws -> KVReport {
        let load = ResourceUse.load()
        let text = SampleText.tokens(tokens + 2, engine.tokenizer)
        // Pages of the weights come into memory, threads start, the clock of the processor rises.
        _ = try await measure(Array(text.prefix(min(64, tokens))), writing: 1)
        await engine.forget()
        var stops: [KVStop] = []
        for position in Self.stops(upTo: tokens) {
            let stop = try await measure(text, at: position, isLast: position == tokens, progress)
            stops.append(stop)
            stopped(stop)
        }
        return KVReport(
            stops: stops, reuse: reuses ? try await reuse(text, tokens) : nil, peakMemory: ResourceUse.ownPeak(),
            loadBefore: load)
    }

    private func measure(
        _ text: [Int32], at position: Int, isLast: Bool, _ progress: (Int) -> Void
    ) async throws -> KVStop {
        let before = await engine.keyValueCounts
        // What is kept ends at a border of segments, or with the text.
        let kept = reuses && (isLast || position >= segmentTokens) ? position : 0
        let read = try await measure(Array(text.prefix(position + 1)), writing: 1, keeping: kept, progress)
        let between = await engine.keyValueCounts
        // A token more than the prefill left, so that this one computes nothing twice.
        let written = try await measure(Array(text.prefix(position + 2)), writing: decode + 1)
        let after = await engine.keyValueCounts
        return KVStop(
            position: position, readTokens: read.promptTokens - read.cachedTokens, readSeconds: read.prefillSeconds,
            writtenTokens: max(written.outputTokens - 1, 0), writeSeconds: written.decodeSeconds, counts: after,
            prefillReads: between.reads.since(before.reads), decodeReads: after.reads.since(between.reads))
    }

    /// The same text from the store, as the next process would take it up.
    private func reuse(_ text: [Int32], _ tokens: Int) async throws -> KVReuse {
        await engine.forget()
        let usage = try await measure(Array(text.prefix(tokens + 1)), writing: 1)
        return KVReuse(tokens: tokens, cached: min(usage.cachedTokens, tokens), seconds: usage.prefillSeconds)
    }

    private func measure(
        _ prompt: [Int32], writing tokens: Int, keeping kept: Int = 0, _ progress: (Int) -> Void = { _ in }
    ) async throws -> Usage {
        let request = GenerationRequest(
            prompt: prompt, maxOutputTokens: tokens, stopTokens: [], speculation: false, keptTokens: kept)
        for try await event in engine.generate(request) {
            switch event {
            case .prefill(let done, _, _): progress(done)
            case .token: continue
            case .finished(_, let usage): return usage
            }
        }
        throw CancellationError()
    }
}
