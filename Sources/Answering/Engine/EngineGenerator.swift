package import Inference
package import Packing
import Tokenization

/// The engine as a source of text.
package struct EngineGenerator: TextGenerating {
    package let model: AnswerModel
    package let tokenizer: any PromptTokenizing
    package let dialect: PromptDialect
    package let directDialect: PromptDialect
    package let reliableWindow: Int
    /// `none` for models that do not think, whatever was asked for.
    package let thinking: ThinkingLevel
    private let engine: Engine
    private let written: (@Sendable (GenerationRequest) -> Void)?

    /// Tokens of the marks around a thought, label included, are fewer.
    private static let markTokens = 16

    /// - Parameters:
    ///   - model: as records name it; the engine knows names of files only.
    ///   - reliableWindow: from the catalogue; nil takes the whole context.
    ///   - thinking: ignored for models that do not think.
    ///   - written: gets each request, limited to the tokens that were taken of its output.
    package init(
        _ engine: Engine, model: AnswerModel, reliableWindow: Int? = nil, thinking: ThinkingLevel = .none,
        written: (@Sendable (GenerationRequest) -> Void)? = nil
    ) {
        self.engine = engine
        self.written = written
        self.model = model
        self.reliableWindow = min(reliableWindow ?? engine.contextLength, engine.contextLength)
        tokenizer = PromptTokenizer(engine.tokenizer)
        let template = engine.template
        self.thinking = template.thinking == nil ? .none : thinking
        dialect = Self.dialect(template, thinking: self.thinking != .none)
        directDialect = Self.dialect(template, thinking: false)
    }

    private static func dialect(_ template: ChatTemplate, thinking: Bool) -> PromptDialect {
        PromptDialect(isFewShot: template.isFewShot) { turns in
            let messages = turns.map { turn in
                switch turn.role {
                case .system: ChatMessage(.system, turn.text)
                case .user: ChatMessage(.user, turn.text)
                case .assistant: ChatMessage(.assistant, turn.text)
                }
            }
            return template.render(messages, addGenerationPrompt: true, thinking: thinking).map { piece in
                switch piece {
                case .trusted(let text): .control(text)
                case .text(let text): .text(text)
                }
            }
        }
    }

    package var contextLength: Int { engine.contextLength }

    package var thoughtTokens: Int { thinking == .none ? 0 : thinking.budget + Self.markTokens }

    private var thinkingOptions: ThinkingOptions? {
        guard thinking != .none, let markers = engine.template.thinking else { return nil }
        return ThinkingOptions(markers: markers, budget: thinking.budget)
    }

    package func generate(
        _ request: TextRequest, progress: @escaping @Sendable (TextProgress) -> Void
    ) async throws -> GeneratedText {
        var generation = GenerationRequest(
            prompt: request.prompt, maxOutputTokens: request.maxOutputTokens + thoughtTokens,
            sampling: SamplingOptions(temperature: Float(request.temperature), seed: request.seed),
            grammar: try request.schema.map { try Grammar(jsonSchema: Array($0.utf8)) } ?? request.shape?.grammar,
            thinking: thinkingOptions, keptTokens: request.sharedTokens)
        generation.keptDocuments = request.documents
        var text = ""
        var thought = ""
        var answerTokens = 0
        var usage = TokenUsage()
        usage.inputTokens = request.prompt.count
        var sum = 0.0
        var complete = false
        reading: for try await event in engine.generate(generation) {
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
                    continue
                }
                answerTokens += 1
                sum += Double(logProbability)
                text += piece
                if !piece.isEmpty { progress(.text(piece)) }
                // Leaving the loop ends the stream, and with it the engine's work.
                if let limit = request.sentences, AnswerText.count(text) >= limit {
                    complete = true
                    break reading
                }
                // What a short thought left of its tokens is not the answer's; without thoughts the engine counts.
                if thinking != .none, answerTokens >= request.maxOutputTokens { break reading }
            case .finished(let reason, let cost):
                complete = reason != .length
                usage.draftedTokens = cost.draftedTokens
                usage.acceptedTokens = cost.acceptedTokens
            }
        }
        try Task.checkCancellation()
        usage.keyValues = await engine.keyValueUse
        generation.maxOutputTokens = usage.outputTokens
        written?(generation)
        return GeneratedText(
            text: text, thought: thought, complete: complete,
            meanLogProbability: answerTokens > 0 ? sum / Double(answerTokens) : 0, usage: usage)
    }

    package func score(prompt: [Int32], continuations: [[Int32]]) async throws -> [Double] {
        try await engine.score(prompt: prompt, continuations: continuations).map { Double($0.logProbability) }
    }
}

extension AnswerShape {
    /// The same as a grammar over bytes. A line break ends the answer; brackets hold a number of a segment or nothing
    /// at all can be written in them.
    package var grammar: Grammar {
        let letter = Grammar.character(excluding: [ByteClass("[]"), ByteClass(0...31), ByteClass(127)])
        let mark = Grammar.sequence([
            .literal("["), .choice((1...max(segments, 1)).map { .literal(String($0)) }), .literal("]"),
        ])
        var answer: Grammar
        if segments == 0 {
            answer = .repeat(letter, min: 1)
        } else if needsMark {
            answer = .sequence([letter, .repeat(letter), mark, .repeat(.choice([letter, mark]))])
        } else {
            answer = .sequence([letter, .repeat(.choice([letter, mark]))])
        }
        if let notFound { answer = .choice([answer, .sequence([.optional(.literal(" ")), .literal(notFound)])]) }
        return .sequence([answer, .optional(.literal("\n"))])
    }
}
