import Diagnostics
import Documents
import Packing

/// Answers questions from documents with citations that code has checked.
///
/// Every strategy ends in `WindowReader`, which puts one window before the model and checks what comes back. This type
/// decides which windows, keeps the account of what was read, and numbers the citations.
package struct Asker: Sendable {
    /// Version of prompts, checks and merging: part of every key under which answers are kept.
    package static let formVersion = 1

    /// A stop loses no more than the work on so many questions.
    private static let mostTogether = 64
    /// Prompts of questions that are put to the model together take no more memory than these: 64 MiB.
    private static let mostPromptTokens = 16 << 20

    let generator: any TextGenerating
    let search: (any SegmentSearch)?
    let options: AskOptions

    /// - Parameter search: needed by the strategy `search` alone.
    package init(generator: any TextGenerating, search: (any SegmentSearch)? = nil, options: AskOptions = AskOptions())
    {
        self.generator = generator
        self.search = search
        self.options = options
    }

    /// What asking would do; no model call.
    ///
    /// - Throws: `DP-CTX-01` for a question that leaves no room, `DP-CTX-02` where `full` does not fit.
    package func plan(_ questions: [Question], of corpus: AskCorpus) async throws -> AskPlan {
        let planner = AskPlanner(generator: generator, options: options, corpus: corpus)
        let layout = try planner.layout(questions)
        var ledger = CoverageLedger(corpus, tokenizer: generator.tokenizer, everything: layout.strategy != .search)
        var windows: [Int] = layout.windows.map(\.tokens.count)
        var input = 0
        if layout.strategy == .search {
            let terms = CorpusTerms(corpus.documents)
            for question in questions {
                let (window, _) = try await searchWindow(question, corpus, layout, terms, planner)
                windows.append(window.tokens.count)
                ledger.note(window)
                input += window.tokens.count
            }
        } else {
            for window in layout.windows { ledger.note(window) }
            for question in questions {
                let frame = planner.prompts.ask(question.text, questionFirst: false)
                for window in layout.windows { input += layout.packer.tokens(of: window, frame: frame).count }
            }
        }
        let coverage = ledger.coverage()
        return AskPlan(
            strategy: layout.strategy, windows: windows, windowLimit: layout.limit,
            answerReserve: layout.answerReserve, documentTokens: coverage.tokens.read, inputTokens: input,
            coverage: coverage)
    }

    /// Answers questions in order. Those over the same windows are put to the model together; the answers are those
    /// that each question gets alone.
    ///
    /// `finished` gets each answer as soon as it and those before it are complete. Cancelling the task stops at the next
    /// prefill chunk.
    package func ask(
        _ questions: [Question], of corpus: AskCorpus,
        progress: @escaping @Sendable (AnswerProgress) -> Void = { _ in },
        finished: (Answer) async throws -> Void = { _ in }
    ) async throws -> [Answer] {
        let planner = AskPlanner(generator: generator, options: options, corpus: corpus)
        let layout = try planner.layout(questions)
        let terms = CorpusTerms(corpus.documents)
        let ledger = CoverageLedger(corpus, tokenizer: generator.tokenizer, everything: layout.strategy != .search)
        let session = AskSession(
            asker: self, corpus: corpus, terms: terms, planner: planner, layout: layout, progress: progress)
        var answers: [Answer] = []
        // Several windows are read again for each group.
        var together = layout.strategy == .map ? Self.mostTogether : min(generator.together, Self.mostTogether)
        let longest = layout.windows.map(\.tokens.count).max() ?? 0
        together = max(min(together, Self.mostPromptTokens / max(longest, 1)), 1)
        while answers.count < questions.count {
            let group = answers.count..<min(answers.count + together, questions.count)
            var began = ContinuousClock.now
            if group.count > 1 { progress(.questionsStarted(group, count: questions.count)) }
            let drafts = try await session.drafts(questions[group])
            let share = (ContinuousClock.now - began) / group.count
            for (offset, index) in group.enumerated() {
                try Task.checkCancellation()
                began = .now
                progress(.questionStarted(index: index, count: questions.count, question: questions[index]))
                var answer = try await session.answer(questions[index], ledger: ledger, drafts: drafts?[offset])
                let seconds = (share + (ContinuousClock.now - began)) / .seconds(1)
                answer.seconds = (seconds * 100).rounded() / 100
                answers.append(answer)
                try await finished(answer)
            }
        }
        return answers
    }

    /// The window of a question under `search`, and whether any passage was found.
    func searchWindow(
        _ question: Question, _ corpus: AskCorpus, _ layout: AskPlanner.Layout, _ terms: CorpusTerms,
        _ planner: AskPlanner
    ) async throws -> (window: ContextWindow, found: Int) {
        guard let search else {
            throw UserError(.internalError, "the strategy search was chosen without an index")
        }
        let hashes = corpus.documents.map(\.document.sha256)
        let hits = try await search.search(question.text, documents: hashes, limit: SearchSelection.hits)
        let selection = SearchSelection(corpus: corpus.documents, terms: terms)
        let ranked = selection.ranked(hits, question: question.text)
        let window = try layout.packer.packRanked(
            ranked, of: corpus.documents, frame: planner.prompts.ask(question.text, questionFirst: true),
            arrange: selection.arranged)
        return (window, ranked.count)
    }
}
