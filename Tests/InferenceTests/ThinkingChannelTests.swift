// Thoughts are apart from answers, end within their budget, and leave grammars to the answer.

import Testing
import Tokenization

@testable import Inference

struct ThoughtGateTests {
    private let markers = ThinkingMarkers(open: 100, label: [7], close: 101)

    @Test func oneThoughtBeforeTheAnswer() {
        var gate = ThoughtGate(ThinkingOptions(markers: markers))
        #expect(gate.mark == 100 && !gate.isThinking)
        #expect(gate.take(100) == (.thinking, false))
        #expect(gate.mark == 101 && gate.isThinking)
        #expect(gate.take(7) == (.thinking, false))
        #expect(gate.take(5) == (.thinking, true))
        #expect(gate.take(101) == (.thinking, false))
        #expect(gate.mark == nil && gate.count == 1)
        #expect(gate.take(5) == (.answer, true))
    }

    @Test func answersMayComeAtOnce() {
        var gate = ThoughtGate(ThinkingOptions(markers: markers))
        #expect(gate.take(5) == (.answer, true))
        #expect(gate.mark == nil)
        var without = ThoughtGate(nil)
        #expect(without.mark == nil && without.take(100) == (.answer, true))
        #expect(ThoughtGate(ThinkingOptions(markers: markers, budget: 0)).mark == nil)
    }

    @Test func budgetsForceTheMark() {
        var gate = ThoughtGate(ThinkingOptions(markers: markers, isOpen: true, budget: 2))
        #expect(gate.forced == nil && gate.isThinking)
        _ = gate.take(1)
        #expect(gate.forced == nil)
        _ = gate.take(2)
        #expect(gate.forced == 101)
        _ = gate.take(101)
        #expect(gate.forced == nil && !gate.isThinking)
    }
}

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct ThinkingChannelTests {
    @Test func grammarsAreAboutTheAnswer() async throws {
        let engine = try await #require(FixtureModel.all.first { $0.folder == "gemma3" }).open()
        let tokenizer = engine.tokenizer
        let controls = (0..<Int32(tokenizer.vocabularySize)).filter {
            tokenizer.isControl($0) && !tokenizer.stopTokens.contains($0)
        }
        try #require(controls.count >= 2)
        let thinking = ThinkingOptions(
            markers: ThinkingMarkers(open: controls[0], close: controls[1]), isOpen: true, budget: 12)
        let grammar = Grammar.sequence([.literal("{"), .repeat(.bytes(ByteClass("01")), min: 2, max: 4), .literal("}")])
        for (temperature, seed) in [(0, 0), (1, 1), (1, 2)] as [(Float, UInt64)] {
            var outputs: [[GenerationEvent]] = []
            for speculation in [false, true] {
                let request = GenerationRequest(
                    prompt: (0..<40).map { Int32($0 % 10 + 20) }, maxOutputTokens: 60,
                    sampling: SamplingOptions(temperature: temperature, seed: seed), grammar: grammar,
                    thinking: thinking, speculation: speculation)
                var (answer, thoughts, marks) = ("", 0, 0)
                var tokens: [GenerationEvent] = []
                for try await event in engine.generate(request) {
                    switch event {
                    case .prefill: continue
                    case .token(let id, let text, _, .answer):
                        tokens.append(event)
                        answer += text
                        #expect(!controls.contains(id) && marks == 1)
                    case .token(let id, let text, _, .thinking):
                        tokens.append(event)
                        #expect(id != controls[1] || text.isEmpty)
                        if id == controls[1] { marks += 1 } else { thoughts += 1 }
                    case .finished(let reason, let usage):
                        #expect(reason == .grammar && usage.thinkingTokens == thoughts && thoughts <= 12)
                        #expect(usage.outputTokens == tokens.count)
                    }
                }
                #expect(answer.wholeMatch(of: /\{[01]{2,4}\}/) != nil, "\(answer)")
                outputs.append(tokens)
            }
            #expect(outputs[0] == outputs[1])
        }
    }
}
