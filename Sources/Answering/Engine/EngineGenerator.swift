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

    package var view: LocalView { LocalView(engine.model) }

    package var thoughtTokens: Int { thinking == .none ? 0 : thinking.budget + Self.markTokens }

    private var thinkingOptions: ThinkingOptions? {
        guard thinking != .none, let markers = engine.template.thinking else { return nil }
        return ThinkingOptions(markers: markers, budget: thinking.budget)
    }

    package func generate(
        _ request: TextRequest, progress: @escaping @Sendable (TextProgress) -> Void
    ) async throws -> GeneratedText {
        let generation = try generation(request)
        var output = EngineOutput(generation)
        for try await event in engine.generate(generation) { output.take(event, progress) }
        try Task.checkCancellation()
        output.keyValues = await engine.keyValueUse
        written?(output.request)
        return output.text
    }

    package func generate(
        _ requests: [TextRequest], progress: @escaping @Sendable (Int, TextProgress) -> Void
    ) async throws -> [GeneratedText] {
        let shared = Self.shared(requests.map(\.prompt))
        // An output that leaves out pages leaves out its own.
        guard requests.count > 1, shared > 0, engine.readsAllPages else {
            return try await oneByOne(requests, progress: progress)
        }
        let generations = try requests.map(generation)
        var outputs = generations.map { EngineOutput($0) }
        let beginning = Array(requests[0].prompt.prefix(shared))
        let behind = generations.map { generation in
            var generation = generation
            generation.prompt.removeFirst(shared)
            return generation
        }
        let kept = requests.map(\.sharedTokens).min() ?? 0
        for try await (index, event) in engine.generate(after: beginning, keeping: kept, behind) {
            outputs[index].take(event) { progress(index, $0) }
        }
        try Task.checkCancellation()
        // What was read for all.
        var use = await engine.keyValueUse
        use.pages /= outputs.count
        use.pagesRead /= outputs.count
        for index in outputs.indices {
            outputs[index].keyValues = use
            written?(outputs[index].request)
        }
        return outputs.map(\.text)
    }

    /// Where the engine reads much from disk for each token, as many as possible share that; otherwise more than these
    /// are hardly faster, and the first answer comes later.
    package var together: Int { engine.memory.pagedBytes + engine.memory.streamedBytes > 0 ? 64 : 16 }

    /// Tokens that all prompts begin with, without the last of any.
    private static func shared(_ prompts: [[Int32]]) -> Int {
        guard let first = prompts.first else { return 0 }
        return prompts.reduce(first.count) { shared, prompt in
            min(zip(first.prefix(shared), prompt).prefix { $0 == $1 }.count, prompt.count - 1)
        }
    }

    private func generation(_ request: TextRequest) throws -> GenerationRequest {
        var generation = GenerationRequest(
            prompt: request.prompt, maxOutputTokens: request.maxOutputTokens + thoughtTokens,
            sampling: SamplingOptions(temperature: Float(request.temperature), seed: request.seed),
            grammar: try request.schema.map { try Grammar(jsonSchema: Array($0.utf8)) } ?? request.shape?.grammar,
            thinking: thinkingOptions, keptTokens: request.sharedTokens)
        generation.keptDocuments = request.documents
        // What a short thought left of its tokens is not the answer's.
        generation.maxAnswerTokens = request.maxOutputTokens
        if let limit = request.sentences { generation.isEnough = { AnswerText.count($0) >= limit } }
        return generation
    }

    package func score(prompt: [Int32], continuations: [[Int32]]) async throws -> [Double] {
        try await engine.score(prompt: prompt, continuations: continuations).map { Double($0.logProbability) }
    }
}

extension LocalView {
    /// What the local layers of a model see.
    package init(_ model: ModelDescription) {
        self.init(chunk: model.attentionChunk, window: model.slidingWindow)
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
