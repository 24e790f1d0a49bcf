import Documents
import Packing

/// Puts one window before the model and checks what comes back.
struct WindowReader {
    let generator: any TextGenerating
    let options: AskOptions
    let checker: AnswerChecker
    let prompts: AskPrompts
    let progress: @Sendable (AnswerProgress) -> Void
    /// Whether the prompts have the question before the documents as well.
    let questionFirst: Bool

    /// Sentences of an answer; what a small model writes after them is seldom to the point.
    static let sentences = 3

    /// The checked answer of a window. `tokens` is its prompt for this question, of which the first `shared` are those
    /// of every question.
    func read(
        _ window: ContextWindow, tokens: [Int32], shared: Int = 0, question: String, index: Int, of count: Int
    ) async throws -> CheckedAnswer {
        progress(.windowStarted(index: index, of: count, tokens: tokens.count))
        let shape = AnswerShape(
            segments: options.citations == .off ? 0 : window.segments.count, notFound: AskPrompts.notFound)
        var request = TextRequest(
            prompt: tokens, maxOutputTokens: options.maxOutputTokens, shape: options.schema == nil ? shape : nil,
            schema: options.schema, temperature: options.temperature, seed: options.seed,
            sentences: options.schema == nil ? Self.sentences : nil, sharedTokens: shared)
        request.documents = window.firstTokens
        let progress = progress
        let generated = try await generator.generate(request) { event in
            if let event = AnswerProgress(event, window: index) { progress(event) }
        }
        var checked: CheckedAnswer
        if options.schema == nil {
            checked = checker.check(
                generated.text, complete: generated.complete, sentences: Self.sentences, question: question,
                window: window)
        } else {
            checked = CheckedAnswer(complete: generated.complete, json: generated.text)
        }
        checked.usage = generated.usage
        if !generated.thought.isEmpty { checked.thoughts = [generated.thought] }
        return try await gate(checked, question: question)
    }

    /// Refuses the sentences whose passages do not speak about the question.
    private func gate(_ answer: CheckedAnswer, question: String) async throws -> CheckedAnswer {
        guard !answer.sentences.isEmpty, options.citations != .off else { return answer }
        var answer = answer
        var gate = RelevanceGate(
            generator: generator, prompts: AskPrompts(dialect: generator.directDialect), checker: checker,
            question: question, questionFirst: questionFirst)
        let together = gate.relevance(of: answer.sentences.flatMap(\.evidence).map(\.segment))
        let fits = QuestionKind(question).isMet(by: answer.sentences.map(\.text))
        var kept: [CheckedAnswer.Sentence] = []
        for sentence in answer.sentences {
            var evidence: [CheckedAnswer.Evidence] = []
            for var item in sentence.evidence {
                let confidence = fits ? try await gate.confidence(in: item.segment) : 0
                let relevance = RelevanceGate.relevance(own: gate.relevance(of: [item.segment]), together: together)
                if fits, RelevanceGate.passes(relevance: relevance, confidence: confidence) {
                    if options.checkSupport { item.support = min(item.support, confidence) }
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
        answer.usage.add(gate.usage)
        return answer
    }
}

extension AnswerProgress {
    /// What a call over a window reports; nil for its text, which is checked first.
    init?(_ progress: TextProgress, window: Int) {
        switch progress {
        case .prefill(let done, let total, let cached):
            self = .prefill(window: window, done: done, total: total, cached: cached)
        case .thought(let text): self = .thought(text)
        case .text: return nil
        }
    }
}
