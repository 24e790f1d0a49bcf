import Diagnostics
import Documents
import Packing

/// Chooses the strategy and packs, without a model call.
struct AskPlanner {
    let generator: any TextGenerating
    let options: AskOptions
    let corpus: AskCorpus

    /// What will be read, and how.
    struct Layout {
        var strategy: AskStrategy
        var packer: Packer
        /// Windows packed for the longest question; empty under `search`, where each question has its own.
        var windows: [ContextWindow]
        var limit: Int
        var answerReserve: Int
    }

    var prompts: AskPrompts { AskPrompts(dialect: generator.dialect, schema: options.schema) }

    /// Tokens kept for what is written: the answer and the thought before it.
    private var reserve: Int { options.maxOutputTokens + generator.thoughtTokens }

    /// The window that a strategy may fill, answer included.
    private func limit(_ strategy: AskStrategy) -> Int {
        let reliable = min(generator.reliableWindow, generator.contextLength)
        switch strategy {
        case .full: return min(options.contextTokens ?? generator.contextLength, generator.contextLength)
        case .auto, .map: return min(options.contextTokens ?? reliable, generator.contextLength)
        case .search: return generator.contextLength
        }
    }

    /// The frame with the most tokens among the questions: windows packed for it hold for all.
    func longestFrame(_ questions: [Question], strategy: AskStrategy) -> PromptFrame {
        let packer = Packer(tokenizer: generator.tokenizer, budget: TokenBudget(window: .max / 2, answer: 0))
        var longest = prompts.ask(questions.first?.text ?? "", questionFirst: strategy == .search)
        var most = packer.frameTokens(longest)
        for question in questions.dropFirst() {
            let frame = prompts.ask(question.text, questionFirst: strategy == .search)
            let tokens = packer.frameTokens(frame)
            if tokens > most { (longest, most) = (frame, tokens) }
        }
        return longest
    }

    /// Packs under the strategy asked for; `auto` becomes `full` or `map`.
    func layout(_ questions: [Question]) throws(UserError) -> Layout {
        switch options.strategy {
        case .search:
            let frame = longestFrame(questions, strategy: .search)
            let own = packer(generator.contextLength, headings: true).frameTokens(frame)
            let wanted = own + options.searchTokens + reserve
            let limit = min(wanted, options.contextTokens ?? .max, generator.contextLength)
            let packer = packer(limit, headings: true)
            try check(packer, frame, limit)
            return Layout(
                strategy: .search, packer: packer, windows: [], limit: limit, answerReserve: reserve)
        case .full:
            let layout = try pack(questions, .full)
            if layout.windows.count > 1 {
                throw tooLarge(layout, questions)
            }
            return layout
        case .map:
            if options.schema != nil { throw Self.schemaNeedsOneWindow("--strategy map reads several") }
            return try pack(questions, .map)
        case .auto:
            var layout = try pack(questions, .auto)
            layout.strategy = layout.windows.count <= 1 ? .full : .map
            if layout.strategy == .map, options.schema != nil {
                throw Self.schemaNeedsOneWindow("the documents fill \(layout.windows.count)")
            }
            return layout
        }
    }

    private static func schemaNeedsOneWindow(_ reason: String) -> UserError {
        UserError(
            .windowTooLarge, "an answer by --schema is written from one window; \(reason)",
            remedies: [
                .init("--strategy search", "read only the passages that keyword ranking picks"),
                .init("--strategy full", "take all the context that the model has"),
                .init("--pages or --include", "read less"),
            ])
    }

    private func packer(_ limit: Int, headings: Bool) -> Packer {
        Packer(
            tokenizer: generator.tokenizer, budget: TokenBudget(window: limit, answer: reserve),
            headings: headings, view: generator.view)
    }

    private func check(_ packer: Packer, _ frame: PromptFrame, _ limit: Int) throws(UserError) {
        // Room for at least a short passage, or nothing could be answered.
        let own = packer.frameTokens(frame)
        if own + reserve + 64 > limit {
            throw Self.questionTooLong(own, reserve, limit)
        }
    }

    private static func questionTooLong(_ frame: Int, _ reserve: Int, _ limit: Int) -> UserError {
        UserError(
            .questionTooLong,
            "the question and the instructions take \(frame) tokens and the answer \(reserve), which leaves no room for "
                + "documents in a window of \(limit)",
            remedies: [
                .init("--context", "a larger window"), .init("--max-output-tokens", "a shorter answer"),
                .init("a shorter question"),
            ])
    }

    private func pack(_ questions: [Question], _ strategy: AskStrategy) throws(UserError) -> Layout {
        let limit = limit(strategy)
        let packer = packer(limit, headings: false)
        let frame = longestFrame(questions, strategy: strategy)
        try check(packer, frame, limit)
        do {
            return Layout(
                strategy: strategy, packer: packer, windows: try packer.pack(corpus.documents, frame: frame).windows,
                limit: limit, answerReserve: reserve)
        } catch {
            guard case .frameTooLarge(let own, _) = error else { throw UserError(.internalError, "\(error)") }
            throw Self.questionTooLong(own, reserve, limit)
        }
    }

    private func tooLarge(_ layout: Layout, _ questions: [Question]) -> UserError {
        let whole = Packer(tokenizer: generator.tokenizer, budget: TokenBudget(window: .max / 2, answer: 0))
        let tokens = try? whole.pack(corpus.documents, frame: longestFrame(questions, strategy: .full))
            .windows.first?.tokens.count
        let needed = (tokens ?? layout.windows.reduce(0) { $0 + $1.tokens.count }) + reserve
        let count = corpus.documents.count
        return UserError(
            .windowTooLarge,
            "the question needs one window of \(Self.grouped(needed)) tokens; \(generator.model.name) accepts "
                + Self.grouped(layout.limit),
            places: [.init("corpus", "\(count) \(count == 1 ? "document" : "documents")")],
            remedies: [
                .init(
                    "--strategy map",
                    "read all of it in \(layout.windows.count) windows or more and combine the evidence"),
                .init("--strategy search", "read only the passages that keyword ranking picks"),
                .init("--pages or --include", "read less"),
            ])
    }

    /// 301412 → "301,412".
    static func grouped(_ number: Int) -> String {
        var out = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return String(out.reversed())
    }
}
