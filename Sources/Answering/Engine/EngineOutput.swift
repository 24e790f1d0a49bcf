import Inference

/// The output of one request as it comes out of the engine.
struct EngineOutput {
    private let asked: GenerationRequest
    private var written = ""
    private var thought = ""
    private var answerTokens = 0
    private var logProbability = 0.0
    private var complete = false
    private var usage = TokenUsage()
    /// How keys and values were read.
    var keyValues: KeyValueUse? {
        get { usage.keyValues }
        set { usage.keyValues = newValue }
    }

    init(_ request: GenerationRequest) {
        asked = request
        usage.inputTokens = request.prompt.count
    }

    /// What is known by now.
    var text: GeneratedText {
        GeneratedText(
            text: written, thought: thought, complete: complete,
            meanLogProbability: answerTokens > 0 ? logProbability / Double(answerTokens) : 0, usage: usage)
    }

    /// The request, limited to what was written.
    var request: GenerationRequest {
        var request = asked
        request.maxOutputTokens = usage.outputTokens
        return request
    }

    mutating func take(_ event: GenerationEvent, _ progress: (TextProgress) -> Void) {
        switch event {
        case .prefill(let done, let total, let cached):
            usage.cachedTokens = cached
            progress(.prefill(done: done, total: total, cached: cached))
        case .token(_, let piece, let logProbability, let channel):
            usage.outputTokens += 1
            if channel == .thinking {
                usage.thinkingTokens += 1
                thought += piece
                if !piece.isEmpty { progress(.thought(piece)) }
                return
            }
            answerTokens += 1
            self.logProbability += Double(logProbability)
            written += piece
            if !piece.isEmpty { progress(.text(piece)) }
        case .finished(let reason, let cost):
            complete = reason != .length
            usage.draftedTokens = cost.draftedTokens
            usage.acceptedTokens = cost.acceptedTokens
        }
    }
}
