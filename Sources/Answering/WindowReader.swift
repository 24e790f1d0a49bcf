import Documents
import Packing
import Synchronization

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

    /// A window as one question's prompt has it.
    struct Prompt {
        var tokens: [Int32]
        /// So many of the tokens are those of every question.
        var shared = 0
    }

    /// What the model writes about a window.
    func draft(_ window: ContextWindow, _ prompt: Prompt, index: Int, of count: Int) async throws -> GeneratedText {
        progress(.windowStarted(index: index, of: count, tokens: prompt.tokens.count))
        let progress = progress
        return try await generator.generate(request(window, prompt)) { event in
            if let event = AnswerProgress(event, window: index) { progress(event) }
        }
    }

    /// What the model writes about a window for each of several questions.
    ///
    /// Thoughts are not reported, as those of several questions would come mixed.
    func drafts(
        _ window: ContextWindow, _ prompts: [Prompt], index: Int, of count: Int
    ) async throws -> [GeneratedText] {
        let progress = progress
        let started = Mutex(0)
        let tokens = prompts.map(\.tokens.count)
        return try await generator.generate(prompts.map { request(window, $0) }) { question, event in
            guard case .prefill = event, let event = AnswerProgress(event, window: index) else { return }
            started.withLock { started in
                while started <= question {
                    progress(.windowStarted(index: index, of: count, tokens: tokens[started]))
                    started += 1
                }
            }
            progress(event)
        }
    }

    private func request(_ window: ContextWindow, _ prompt: Prompt) -> TextRequest {
        let shape = AnswerShape(
            segments: options.citations == .off ? 0 : window.segments.count, notFound: AskPrompts.notFound)
        var request = TextRequest(
            prompt: prompt.tokens, maxOutputTokens: options.maxOutputTokens,
            shape: options.schema == nil ? shape : nil, schema: options.schema, temperature: options.temperature,
            seed: options.seed, sentences: options.schema == nil ? Self.sentences : nil, sharedTokens: prompt.shared)
        request.documents = window.firstTokens
        return request
    }

    /// The checked answer in what the model wrote about a window.
    func check(_ draft: GeneratedText, window: ContextWindow, question: String) async throws -> CheckedAnswer {
        var checked: CheckedAnswer
        if options.schema == nil {
            checked = checker.check(
                draft.text, complete: draft.complete, sentences: Self.sentences, question: question, window: window)
        } else {
            checked = CheckedAnswer(complete: draft.complete, json: draft.text)
        }
        checked.usage = draft.usage
        if !draft.thought.isEmpty { checked.thoughts = [draft.thought] }
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
