// `bench speed`: prefill and decode of one model on this machine, ours and a peer's in turn.

import Diagnostics
package import Inference
import Tokenization

/// Measures an open engine. The peer, if there is one, runs between our runs, on the same file and as many threads, so
/// that both see the same state of the machine.
package struct SpeedBenchmark: Sendable {
    private let engine: Engine
    private let threads: Int
    private let kernels: String
    private let peer: PeerBench?
    private let rounds: Int

    /// - Parameter rounds: samples of each case.
    package init(_ engine: Engine, threads: Int, kernels: String, peer: PeerBench? = nil, rounds: Int = 3) {
        self.engine = engine
        self.threads = threads
        self.kernels = kernels
        self.peer = peer
        self.rounds = rounds
    }

    /// Runs all cases that fit into the engine's context.
    ///
    /// - Parameter progress: called before each run with what runs, and how many of all runs are done.
    package func run(
        _ cases: [SpeedCase], progress: @Sendable (_ what: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) async throws -> SpeedReport {
        var rows = cases.map { SpeedRow(kind: $0, ours: [], peer: []) }
        let total = rounds * rows.count * (peer == nil ? 1 : 2)
        var done = 0
        let load = ResourceUse.load()
        var peerPeak: Int?
        // Pages of the weights come into memory, threads start, the clock of the processor rises.
        progress("warm-up", done, total)
        _ = try await measure(.prefill(min(64, engine.contextLength / 2)))
        for round in 0..<rounds {
            for index in rows.indices {
                progress("\(rows[index].kind.label), run \(round + 1)", done, total)
                rows[index].ours.append(try await measure(rows[index].kind))
                done += 1
                guard let peer else { continue }
                progress("\(rows[index].kind.label), peer, run \(round + 1)", done, total)
                let sample = try await peer.measure(rows[index].kind, threads: threads)
                rows[index].peer.append(sample.speed)
                if let peak = sample.peakMemory { peerPeak = max(peerPeak ?? 0, peak) }
                done += 1
            }
        }
        return SpeedReport(
            threads: threads, kernels: kernels, rows: rows, peakMemory: ResourceUse.ownPeak(),
            peerPeakMemory: peerPeak, peerVersion: await peer?.version(), loadBefore: load)
    }

    /// Tokens per second of one run from an empty cache.
    private func measure(_ kind: SpeedCase) async throws -> Double {
        await engine.forget()
        let request: GenerationRequest
        switch kind {
        case .prefill(let tokens):
            request = GenerationRequest(prompt: prompt(tokens), maxOutputTokens: 1, stopTokens: [])
        case .decode(let tokens):
            // The first token comes out of the prefill; as many decode steps as asked for follow.
            request = GenerationRequest(
                prompt: prompt(1), maxOutputTokens: tokens + 1, stopTokens: [], speculation: false)
        }
        for try await event in engine.generate(request) {
            guard case .finished(_, let usage) = event else { continue }
            switch kind {
            case .prefill: return Double(usage.promptTokens) / usage.prefillSeconds
            case .decode: return Double(usage.outputTokens - 1) / usage.decodeSeconds
            }
        }
        throw CancellationError()
    }

    private func prompt(_ count: Int) -> [Int32] { Self.prompt(count, engine.tokenizer) }

    /// Ordinary tokens in a fixed, mixed order; which ones does not matter for speed.
    static func prompt(_ count: Int, _ tokenizer: Tokenizer) -> [Int32] {
        var state: UInt64 = 0x2545_F491_4F6C_DD1D
        let size = UInt64(tokenizer.vocabularySize)
        return (0..<count).map { _ in
            var id: Int32
            repeat {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                id = Int32(state % size)
            } while tokenizer.isControl(id)
            return id
        }
    }
}
