import Documents
import Packing

/// Whether cited passages speak about what was asked: words and the model's own doubt together.
///
/// Words alone cannot tell a passage that answers from one that speaks of the same things. The model gets the question
/// again over the cited passage alone; what counts is how much less likely it finds "Not in the documents." there than
/// over a passage that answers nothing, since small models lean to one side whatever they read.
struct RelevanceGate {
    let generator: any TextGenerating
    let prompts: AskPrompts
    let checker: AnswerChecker
    let question: String
    /// As in the prompt before it, whose beginning is then still in the cache.
    let questionFirst: Bool
    private(set) var usage = TokenUsage()
    private var bias: Double?
    private var known: [Int: Double] = [:]

    init(
        generator: any TextGenerating, prompts: AskPrompts, checker: AnswerChecker, question: String,
        questionFirst: Bool
    ) {
        self.generator = generator
        self.prompts = prompts
        self.checker = checker
        self.question = question
        self.questionFirst = questionFirst
    }

    /// Share of the question's telling words, by weight, in passages taken together and in what stands above them.
    func relevance(of segments: [NumberedSegment]) -> Double {
        checker.terms.judge.relevance(
            Terms(question), passages: segments.map { Terms($0.text) },
            context: segments.flatMap { checker.terms.surroundings(of: $0, in: checker.corpus) })
    }

    /// 0.5 where the passage changes nothing, towards 1 where the model holds that it answers.
    mutating func confidence(in segment: NumberedSegment) async throws -> Double {
        if let before = known[segment.number] { return before }
        let header = "Document: " + SourceQuote.oneLine(segment.span.path) + "\n"
        let own = try await denial(over: SourceQuote.oneLine(segment.text), header: header)
        let lean: Double
        if let bias { lean = bias } else { lean = try await denial(over: AskPrompts.neutralPassage, header: header) }
        bias = lean
        let confidence = Self.logistic(lean - own)
        known[segment.number] = confidence
        return confidence
    }

    /// Log-probability of saying that the passage does not tell.
    private mutating func denial(over passage: String, header: String) async throws -> Double {
        var prompt = generator.tokenizer.promptStart
        var pending = ""
        for piece in prompts.single(question, header: header, passage: passage, questionFirst: questionFirst) {
            switch piece {
            case .text(let text): pending += text
            case .control(let text):
                prompt += generator.tokenizer.plainTokens(pending) + generator.tokenizer.controlTokens(text)
                pending = ""
            }
        }
        prompt += generator.tokenizer.plainTokens(pending)
        let scores = try await generator.score(
            prompt: prompt, continuations: [generator.tokenizer.plainTokens(prompts.denial)])
        usage.inputTokens += prompt.count
        return scores[0]
    }

    /// A question may have parts that different passages speak about, so the others help; but a passage with none of its
    /// words gets no help.
    static func relevance(own: Double, together: Double) -> Double {
        own > 0.05 ? max(own, min(together, own + 0.35)) : own
    }

    /// The two together: a passage with few of the question's words needs a model that is sure.
    static func passes(relevance: Double, confidence: Double) -> Bool {
        relevance >= SupportJudge.onTopic && relevance + confidence >= 0.9
    }

    /// 1 / (1 + e⁻ˣ) without Foundation: e⁻ˣ as the 1024th power of a short series.
    static func logistic(_ x: Double) -> Double {
        let clamped = min(max(x, -40), 40)
        let small = -clamped / 1024
        var power = 1.0
        var term = 1.0
        for step in 1...8 {
            term *= small / Double(step)
            power += term
        }
        for _ in 0..<10 { power *= power }
        return 1 / (1 + power)
    }
}

/// What sort of answer a question asks for, where its first words tell.
struct QuestionKind {
    private let wantsNumber: Bool

    init(_ question: String) {
        let words = question.lowercased().split { !$0.isLetter }.map(String.init)
        let pairs = zip(words, words.dropFirst()).map { $0 + " " + $1 }
        wantsNumber = pairs.contains { Self.numeric.contains($0) }
    }

    private static let numeric: Set<String> = [
        "how many", "what percentage", "which percentage", "what year", "which year", "how old", "how tall", "how high",
        "how far", "how large",
    ]

    /// Whether the sentences hold what is asked for. "None" and "no" are numbers here.
    func isMet(by sentences: [String]) -> Bool {
        guard wantsNumber else { return true }
        return sentences.contains { sentence in
            let terms = Terms(sentence)
            return terms.list.contains { $0.kind == .number }
                || ["1", "0", "none", "no", "never", "several", "half"].contains { terms.set.contains($0) }
        }
    }
}
