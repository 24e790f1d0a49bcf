// One output as it is written: which token comes next and when it ends. Knows nothing of the cache or of other outputs.

import Kernels
import Tokenization

/// The output of one request.
struct SequenceOutput {
    enum Step {
        case token(Int32)
        case finished(FinishReason)
    }

    private let request: GenerationRequest
    private let stops: Set<Int32>
    private let grammar: GrammarMatcher?
    private var sampler: Sampler
    private var gate: ThoughtGate
    private var decoders: [OutputChannel: StreamingDecoder]
    private var answer = ""
    private var answerTokens = 0
    private var isEnough = false
    var usage: Usage

    /// - Parameter beginning: tokens before the request's prompt.
    init(
        _ request: GenerationRequest, after beginning: [Int32] = [], stops: Set<Int32>, grammar: GrammarMatcher?,
        tokenizer: Tokenizer
    ) {
        self.request = request
        self.stops = stops
        self.grammar = grammar
        sampler = Sampler(request.sampling, prompt: beginning + request.prompt)
        gate = ThoughtGate(request.thinking)
        decoders = [.answer: StreamingDecoder(tokenizer), .thinking: StreamingDecoder(tokenizer)]
        usage = Usage(
            promptTokens: beginning.count + request.prompt.count, cachedTokens: 0, outputTokens: 0, prefillSeconds: 0,
            decodeSeconds: 0)
    }

    /// What the answer must be; nil while the model thinks.
    var rules: GrammarMatcher? { gate.isThinking ? nil : grammar }

    /// Tokens that may yet come.
    var left: Int {
        if isEnough { return 0 }
        return min(request.maxOutputTokens - usage.outputTokens, (request.maxAnswerTokens ?? .max) - answerTokens)
    }

    /// The token that follows, drawn from `logits`, which belong to the last one.
    ///
    /// - Parameter undrawable: ids that are never drawn, stop tokens and marks of thought apart.
    mutating func next(
        _ logits: inout [Float], _ arithmetic: Compute, undrawable: [Int32], yield: (GenerationEvent) -> Void
    ) throws(EngineError) -> Step {
        if isEnough { return .finished(.enough) }
        let rules = rules
        if let rules, rules.isExhausted { return .finished(.grammar) }
        guard left > 0 else { return .finished(.length) }
        let total = arithmetic.logSumExp(logits, count: logits.count)
        rules?.mark = gate.mark
        let token = if let forced = gate.forced { forced } else { try draw(&logits, undrawable) }
        if stops.contains(token) { return .finished(.stop) }
        let logProbability = logits[Int(token)] - total
        let (channel, isText) = gate.take(token)
        if channel == .answer { rules?.accept(token) }
        sampler.append(token)
        usage.outputTokens += 1
        usage.thinkingTokens = gate.count
        let text = isText ? decoders[channel]?.append(token) ?? "" : ""
        if channel == .answer { answer(text) }
        yield(.token(id: token, text: text, logProbability: logProbability, channel: channel))
        return .token(token)
    }

    private mutating func answer(_ text: String) {
        answerTokens += 1
        guard let isEnough = request.isEnough, !text.isEmpty else { return }
        answer += text
        self.isEnough = isEnough(answer)
    }

    private mutating func draw(_ logits: inout [Float], _ undrawable: [Int32]) throws(EngineError) -> Int32 {
        let mark = gate.mark
        for id in undrawable where !stops.contains(id) && id != mark { logits[Int(id)] = -.infinity }
        guard gate.isThinking, grammar != nil else { return try sampler.next(&logits, grammar: grammar) }
        // An answer is owed: the output may not end inside of the thought.
        for id in stops where logits.indices.contains(Int(id)) { logits[Int(id)] = -.infinity }
        return try sampler.next(&logits)
    }
}
