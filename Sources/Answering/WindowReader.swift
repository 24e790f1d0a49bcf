import Documents
import Packing

/// Puts one window before the model and checks what comes back.
struct WindowReader {
    let generator: any TextGenerating
    let options: AskOptions
    let checker: AnswerChecker
    let prompts: AskPrompts
    let progress: @Sendable (AnswerProgress) -> Void

    /// Sentences of an answer; what a small model writes after them is seldom to the point.
    static let sentences = 3

    /// The checked answer of a window. `tokens` is its prompt for this question.
    func read(
        _ window: ContextWindow, tokens: [Int32], question: String, index: Int, of count: Int
    ) async throws -> CheckedAnswer {
        progress(.windowStarted(index: index, of: count, tokens: tokens.count))
        let shape = AnswerShape(
            segments: options.citations == .off ? 0 : window.segments.count, notFound: AskPrompts.notFound)
        let request = TextRequest(
            prompt: tokens, maxOutputTokens: options.maxOutputTokens, shape: shape, temperature: options.temperature,
            seed: options.seed, sentences: Self.sentences)
        let progress = progress
        let generated = try await generator.generate(request) { event in
            if case .prefill(let done, let total, let cached) = event {
                progress(.prefill(window: index, done: done, total: total, cached: cached))
            }
        }
        var checked = checker.check(
            generated.text, complete: generated.complete, sentences: Self.sentences, question: question, window: window)
        checked.usage = generated.usage
        return try await gate(checked, question: question)
    }

    /// Asks the model whether the cited passages answer the question, and refuses the sentences whose passages do not.
    ///
    /// Words alone cannot tell a passage that answers from one that speaks of the same things; the model's own doubt,
    /// compared with what it says of no passage at all, can.
    private func gate(_ answer: CheckedAnswer, question: String) async throws -> CheckedAnswer {
        var answer = answer
        guard !answer.sentences.isEmpty, options.citations != .off else { return answer }
        let gate = RelevanceGate(generator: generator, prompts: prompts, checker: checker)
        var kept: [CheckedAnswer.Sentence] = []
        var known: [Int: RelevanceGate.Verdict] = [:]
        for sentence in answer.sentences {
            var evidence: [CheckedAnswer.Evidence] = []
            for item in sentence.evidence {
                let verdict: RelevanceGate.Verdict
                if let before = known[item.segment.number] {
                    verdict = before
                } else {
                    verdict = try await gate.judge(question, item.segment, answer: sentence.text, usage: &answer.usage)
                    known[item.segment.number] = verdict
                }
                if verdict.passes {
                    var item = item
                    if options.checkSupport { item.support = verdict.confidence }
                    evidence.append(item)
                } else {
                    answer.rejected.append(
                        checker.rejection(
                            item.segment, said: Terms(sentence.text), asked: Terms(question), sentence: sentence.text,
                            reason: .offQuestion))
                }
            }
            if !evidence.isEmpty || (sentence.evidence.isEmpty && options.citations == .auto) {
                kept.append(CheckedAnswer.Sentence(text: sentence.text, evidence: evidence))
            }
        }
        answer.sentences = kept
        return answer
    }
}

/// Whether a passage speaks about what was asked.
struct RelevanceGate {
    let generator: any TextGenerating
    let prompts: AskPrompts
    let checker: AnswerChecker

    struct Verdict {
        /// Probability of "yes" against "no".
        var confidence: Double
        /// Share of the question's telling words in the passage and what stands above it.
        var relevance: Double
        var passes: Bool
    }

    /// Compares the model's "yes" with its "no", and counts the question's words.
    func judge(
        _ question: String, _ segment: NumberedSegment, answer: String, usage: inout TokenUsage
    ) async throws -> Verdict {
        let asked = Terms(question)
        let context = checker.terms.context(of: segment, in: checker.corpus)
        let relevance = checker.terms.judge.relevance(
            asked, passages: [Terms(segment.text), Terms(answer)], context: context)
        let passage = SourceQuote.oneLine(segment.text)
        let pieces = prompts.relevance(question, passage: passage)
        var prompt = generator.tokenizer.promptStart
        for piece in pieces {
            switch piece {
            case .control(let text): prompt += generator.tokenizer.controlTokens(text)
            case .text(let text): prompt += generator.tokenizer.plainTokens(text)
            }
        }
        let scores = try await generator.score(
            prompt: prompt,
            continuations: [
                generator.tokenizer.plainTokens(prompts.yes), generator.tokenizer.plainTokens(prompts.no),
            ])
        usage.inputTokens += prompt.count
        let confidence = Self.logistic(scores[0] - scores[1])
        return Verdict(
            confidence: confidence, relevance: relevance,
            passes: Self.passes(relevance: relevance, confidence: confidence))
    }

    static func passes(relevance: Double, confidence: Double) -> Bool {
        relevance >= SupportJudge.onTopic && confidence + relevance >= 0.9
    }

    /// 1 / (1 + e⁻ˣ) without Foundation: e⁻ˣ by halving the exponent and squaring back.
    static func logistic(_ x: Double) -> Double {
        let clamped = min(max(x, -40), 40)
        var power = 1.0
        var term = 1.0
        let small = -clamped / 1024
        for step in 1...8 {
            term *= small / Double(step)
            power += term
        }
        for _ in 0..<10 { power *= power }
        return 1 / (1 + power)
    }
}
