// Guessed tokens change what an output costs and nothing else.

import Foundation
import Kernels
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct SpeculationTests {
    private static let models = FixtureModel.kinds

    /// Tokens with the bits of their probabilities, how the output ended, and what it cost.
    private func output(
        _ engine: Engine, _ request: GenerationRequest, speculation: Bool
    ) async throws -> (events: [GenerationEvent], reason: FinishReason, usage: Usage) {
        var request = request
        request.speculation = speculation
        var events: [GenerationEvent] = []
        for try await event in engine.generate(request) {
            switch event {
            case .prefill: continue
            case .token: events.append(event)
            case .finished(let reason, let usage): return (events, reason, usage)
            }
        }
        throw CancellationError()
    }

    /// Text that repeats itself, so that there is something to find.
    private func prompt(_ model: FixtureModel) throws -> [Int32] {
        let ids = try #require(try model.unquantized.integers("p3.input_ids"))
        return Array((ids.prefix(60) + ids.prefix(45) + ids.prefix(20)))
    }

    @Test(arguments: models, Numerics.allCases)
    func outputsAreThoseOfPlainDecoding(model: FixtureModel, numerics: Numerics) async throws {
        let engine = try await model.open(numerics: numerics)
        var accepted = 0
        for (temperature, seed) in [(0, 0), (0.3, 1), (0.3, 2), (1, 3)] as [(Float, UInt64)] {
            let request = GenerationRequest(
                prompt: try prompt(model), maxOutputTokens: 120,
                sampling: SamplingOptions(temperature: temperature, seed: seed), stopTokens: [])
            let plain = try await output(engine, request, speculation: false)
            let guessed = try await output(engine, request, speculation: true)
            #expect(plain.events == guessed.events && plain.reason == guessed.reason, "temperature \(temperature)")
            #expect(plain.usage.draftedTokens == 0 && guessed.usage.acceptedTokens <= guessed.usage.draftedTokens)
            accepted += guessed.usage.acceptedTokens
        }
        // Guesses of the random Llama 4 models happen to be wrong.
        #expect(accepted > 0 || model.folder.hasPrefix("llama4"))
    }

    @Test(arguments: models)
    func grammarsArePlainDecodingToo(model: FixtureModel) async throws {
        let engine = try await model.open()
        let digits = Grammar.repeat(.bytes(ByteClass("0123456789")), min: 1, max: 3)
        let grammar = Grammar.separated(
            .sequence([.literal("\"the page number\": "), digits]), by: .literal(" and also "), min: 2, max: 6)
        for (temperature, seed) in [(0, 0), (0.8, 1), (0.8, 2)] as [(Float, UInt64)] {
            let request = GenerationRequest(
                prompt: try prompt(model), maxOutputTokens: 200,
                sampling: SamplingOptions(temperature: temperature, seed: seed), stopTokens: [], grammar: grammar)
            let plain = try await output(engine, request, speculation: false)
            let guessed = try await output(engine, request, speculation: true)
            #expect(plain.events == guessed.events && plain.reason == guessed.reason)
        }
    }

    @Test func penaltiesAndSuppressionAreTheSame() async throws {
        let model = FixtureModel.all[0]
        let engine = try await model.open()
        let free = GenerationRequest(prompt: try prompt(model), maxOutputTokens: 60, stopTokens: [])
        let first = try #require(try await output(engine, free, speculation: false).events.first)
        guard case .token(let id, _, _, _) = first else { return }
        var request = free
        request.sampling = SamplingOptions(
            repetitionPenalty: 1.2, frequencyPenalty: 0.1, presencePenalty: 0.1, penaltyWindow: 64, suppressed: [id])
        let plain = try await output(engine, request, speculation: false)
        #expect(try await output(engine, request, speculation: true).events == plain.events)
        for event in plain.events {
            if case .token(let drawn, _, _, _) = event { #expect(drawn != id) }
        }
    }

    @Test func guessesLeaveNothingBehind() async throws {
        // Windows of 16 and a sequence past the pages of several windows.
        let model = try #require(FixtureModel.all.first { $0.folder == "gemma3" })
        let engine = try await model.open()
        let prompt = try prompt(model)
        let request = GenerationRequest(prompt: prompt, maxOutputTokens: 300, stopTokens: [])
        let first = try await output(engine, request, speculation: true)
        let tokens = first.events.compactMap { event in if case .token(let id, _, _, _) = event { id } else { nil } }
        let reused = try await engine.logits(prompt + tokens, positions: [prompt.count + tokens.count - 1])
        await engine.forget()
        #expect(try await engine.logits(prompt + tokens, positions: [prompt.count + tokens.count - 1]) == reused)
    }
}

struct SpeculatorTests {
    /// By trying every place: the latest one at which the longest run stood.
    private func search(_ tokens: [Int32]) -> PromptLookup.Match? {
        for run in [4, 3, 2] where run < tokens.count {
            let last = tokens.suffix(run)
            guard let source = (run..<tokens.count).last(where: { tokens[($0 - run)..<$0].elementsEqual(last) }) else {
                continue
            }
            let length = zip(tokens[..<source].reversed(), tokens.reversed()).prefix { $0 == $1 }.count
            return PromptLookup.Match(source: source, length: min(length, PromptLookup.longest))
        }
        return nil
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func lookupFindsTheLongestRunThatStoodThere(seed: UInt64) {
        var random = SplitMix64(state: seed)
        var lookup = PromptLookup()
        var tokens: [Int32] = []
        for _ in 0..<400 {
            tokens.append(Int32(random.next() % 3))
            #expect(lookup.match(tokens[...]) == search(tokens))
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func cutsBringBackWhatWasHidden(seed: UInt64) {
        var random = SplitMix64(state: seed)
        var lookup = PromptLookup()
        var tokens = (0..<200).map { _ in Int32(random.next() % 3) }
        for round in 0..<400 {
            // An output begins, goes on, is cut back, now and then into the prompt.
            if round % 40 == 0 { lookup.begin(at: tokens.count) }
            tokens += (0...random.next() % 4).map { _ in Int32(random.next() % 3) }
            #expect(lookup.match(tokens[...]) == search(tokens))
            guard random.next() % 4 == 0 else { continue }
            tokens.removeLast(Int(random.next() % 12))
            lookup.shorten(to: tokens.count)
        }
    }

    @Test func textThatRepeatsItselfGoesOnInTheGuess() {
        var speculator = Speculator()
        let tokens: [Int32] = [9, 1, 2, 3, 1, 2, 3, 1, 2, 3]
        speculator.begin(tokens[...])
        #expect(speculator.guesses(tokens[...], limit: 7).map(\.token) == [1, 2, 3, 1, 2, 3, 1])
        #expect(speculator.guesses(tokens[...], limit: 0).isEmpty)
        let guessed: [Int32] = tokens + [1, 2]
        #expect(speculator.guesses(guessed[...], guessed: 2, limit: 2).map(\.token) == [3, 1])
    }

    @Test func lengthsFollowCostAndSuccess() {
        var speculator = Speculator()
        func guess(_ probability: Float) -> [Speculator.Guess] {
            Array(repeating: Speculator.Guess(token: 1, probability: probability), count: 12)
        }
        // One token for the price of 1.25 pays from a chance of 0.25 on; a sure one is taken to the end.
        #expect(speculator.worthwhile(guess(0.24)) == 0)
        #expect(speculator.worthwhile(guess(0.3)) == 1)
        #expect(speculator.worthwhile(guess(1)) == 12)
        #expect(speculator.worthwhile([]) == 0)
        // Where a batch of two costs two, nothing short of certainty does.
        speculator.measured(tokens: 1, seconds: 1)
        for tokens in 2...13 { speculator.measured(tokens: tokens, seconds: Double(tokens)) }
        #expect(speculator.worthwhile(guess(0.8)) == 0)

        var acceptance = DraftAcceptance()
        let before = acceptance.probability(length: 5)
        for _ in 0..<20 { acceptance.record(length: 5, hit: true) }
        #expect(acceptance.probability(length: 5) > max(before, 0.9))
        for _ in 0..<30 { acceptance.record(length: 6, hit: false) }
        #expect(acceptance.probability(length: 5) < 0.3)
        #expect(acceptance.probability(length: 20) > 0.9)
    }
}
