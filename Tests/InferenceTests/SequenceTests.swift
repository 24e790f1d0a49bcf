// The same sequence computed in different ways gives the same numbers: in one piece, in chunks, token by token, with
// one thread or two, fresh or on a reused prefix.

import Foundation
import Kernels
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct SequenceTests {
    private static let models = FixtureModel.kinds

    /// A prompt of 200 tokens: more than three pages, and past Gemma's window of 16 many times over.
    private func prompt(_ model: FixtureModel) throws -> [Int32] {
        try #require(try model.unquantized.integers("p3.input_ids"))
    }

    @Test(arguments: models, Numerics.allCases)
    func chunksDoNotChangeTheResult(model: FixtureModel, numerics: Numerics) async throws {
        let ids = try prompt(model)
        let positions = [0, 1, 15, 16, 17, 63, 64, 65, 128, ids.count - 1]
        let whole = try await model.open(numerics: numerics).logits(ids, positions: positions)
        for chunk in [1, 7, 32, 64] {
            let chunked = try await model.open(numerics: numerics, chunk: chunk).logits(ids, positions: positions)
            // Every operation gives a token the same bits whatever is computed with it.
            #expect(chunked == whole, "chunks of \(chunk)")
        }
    }

    /// The code of a token depends on that token alone.
    @Test(arguments: models, [KVType.q8, .q4])
    func chunksAndThreadsDoNotChangeCodes(model: FixtureModel, type: KVType) async throws {
        let ids = try prompt(model)
        let positions = [0, 1, 17, 63, 64, 65, 128, ids.count - 1]
        let whole = try await model.open(numerics: .fast, kvType: type).logits(ids, positions: positions)
        for (chunk, threads) in [(1, 2), (7, 1), (64, 4)] {
            let engine = try await model.open(numerics: .fast, kvType: type, threads: threads, chunk: chunk)
            #expect(try await engine.logits(ids, positions: positions) == whole, "chunks of \(chunk)")
        }
    }

    @Test(arguments: models, Numerics.allCases)
    func threadsDoNotChangeTheResult(model: FixtureModel, numerics: Numerics) async throws {
        let ids = try prompt(model)
        let positions = [0, 100, ids.count - 1]
        let one = try await model.open(numerics: numerics, threads: 1).logits(ids, positions: positions)
        for threads in [2, 4] {
            let several = try await model.open(numerics: numerics, threads: threads).logits(ids, positions: positions)
            #expect(several == one, "\(threads) threads")
        }
    }

    /// Instruction sets round differently, and an 8-bit activation may fall on the other side; no further than the
    /// fast arithmetic itself is from the exact one.
    @Test(arguments: models)
    func instructionSetsAgree(model: FixtureModel) async throws {
        let ids = try prompt(model)
        let positions = [0, 100, ids.count - 1]
        let portable = try await model.open(numerics: .fast, kernels: "portable").logits(ids, positions: positions)
        for set in KernelSet.available where set.name != "portable" {
            let found = try await model.open(numerics: .fast, kernels: set.name).logits(ids, positions: positions)
            let pairs = zip(found.joined(), portable.joined())
            let squares = pairs.reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            let error = (squares / portable.joined().reduce(0.0) { $0 + Double($1 * $1) }).squareRoot()
            let worst = pairs.reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            print("\(model.testDescription): \(set.name) against portable: rms \(error), at most \(worst)")
            // A token that goes to another expert moves a whole row.
            #expect(error < (model.folder == "gemma4-moe" ? 0.3 : 0.05))
        }
    }

    @Test(arguments: models)
    func reusedPrefixesGiveWhatFreshOnesGive(model: FixtureModel) async throws {
        let ids = try prompt(model)
        let engine = try await model.open(chunk: 32)
        for common in [ids.count, 150, 64, 1] {
            let other = Array(ids.prefix(common)) + Array(ids.reversed().prefix(40))
            _ = try await engine.logits(other, positions: [other.count - 1])
            let reused = try await engine.logits(ids, positions: [ids.count - 1])
            await engine.forget()
            #expect(try await engine.logits(ids, positions: [ids.count - 1]) == reused, "\(common) tokens in common")
        }
    }

    @Test func cutBackBehindTheWindowStartsAgain() async throws {
        let model = try #require(FixtureModel.all.first { $0.folder == "gemma3" })
        let engine = try await model.open(contextLimit: 4096)
        let long = (0..<3000).map { Int32($0 * 7 % 300 + 4) }
        var cached: [Int] = []
        // After 3,000 positions the sliding layers hold the last 15 and a slack of 1,024.
        for common in [3000, 2500, 1000] {
            _ = try await engine.logits(long, positions: [long.count - 1])
            let next = Array(long.prefix(common)) + [5, 6, 7]
            for try await event in engine.generate(GenerationRequest(prompt: next, maxOutputTokens: 0)) {
                if case .finished(_, let usage) = event { cached.append(usage.cachedTokens) }
            }
            let reused = try await engine.logits(next, positions: [next.count - 1])
            await engine.forget()
            #expect(try await engine.logits(next, positions: [next.count - 1]) == reused)
        }
        #expect(cached == [3000, 2500, 0])
    }

    @Test(arguments: models)
    func scoresAreThoseOfTheLogits(model: FixtureModel) async throws {
        let engine = try await model.open(chunk: 16)
        let ids = try prompt(model)
        let (prompt, continuations) = (Array(ids.prefix(90)), [[ids[90], ids[91], ids[92]], [ids[5]], [], [ids[90]]])
        let scores = try await engine.score(prompt: prompt, continuations: continuations)
        for (continuation, score) in zip(continuations, scores) {
            #expect(score.tokenLogProbabilities.count == continuation.count)
            for (index, token) in continuation.enumerated() {
                let context = prompt + continuation.prefix(index)
                let logits = try await engine.logits(context, positions: [context.count - 1])[0]
                let sum = logits.reduce(0.0) { $0 + exp(Double($1)) }
                let expected = Double(logits[Int(token)]) - log(sum)
                #expect(abs(Double(score.tokenLogProbabilities[index]) - expected) < 1e-4)
            }
        }
        #expect(scores[0].logProbability == scores[0].tokenLogProbabilities.reduce(0, +))
    }

    @Test func halfPrecisionCacheStaysClose() async throws {
        let model = FixtureModel.all[0]
        let ids = try prompt(model)
        let full = try await model.open(kvType: .f32).logits(ids, positions: [ids.count - 1])[0]
        let half = try await model.open(kvType: .f16).logits(ids, positions: [ids.count - 1])[0]
        let worst = zip(full, half).map { abs($0 - $1) }.max() ?? 1
        // 11 bits of mantissa; logits reach 30.
        #expect(worst > 0 && worst < 0.05)
    }

    /// Fewer bits are further away, and none so far that the model says something else.
    @Test func fewerBitsAreFurtherAway() async throws {
        let model = FixtureModel.all[0]
        let ids = try prompt(model)
        func logits(_ type: KVType) async throws -> [Float] {
            try await model.open(kvType: type).logits(ids, positions: [ids.count - 1])[0]
        }
        let full = try await logits(.f32)
        let norm = full.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var errors: [Float] = []
        for type in [KVType.f16, .q8, .q4] {
            let squares = zip(full, try await logits(type)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            errors.append(squares.squareRoot() / norm)
        }
        print("\(model.testDescription): errors of f16, q8 and q4: \(errors)")
        #expect(errors[0] < errors[1] && errors[1] < errors[2])
        #expect(errors[1] < 0.02 && errors[2] < 0.3)
    }
}
