import Documents
import Packing

/// One call of `Asker.ask`: what its questions share.
struct AskSession {
    let asker: Asker
    let corpus: AskCorpus
    let terms: CorpusTerms
    let planner: AskPlanner
    let layout: AskPlanner.Layout
    let progress: @Sendable (AnswerProgress) -> Void

    /// What is said where there is no answer.
    static let nothing = "The documents that were read do not answer this question."

    private var reader: WindowReader {
        WindowReader(
            generator: asker.generator, options: asker.options,
            checker: AnswerChecker(corpus: corpus.documents, terms: terms, citations: asker.options.citations),
            prompts: planner.prompts, progress: progress, questionFirst: layout.strategy == .search)
    }

    /// What the model writes about each window for each of several questions, window by window, so that each is read
    /// once; nil where there is nothing to share.
    ///
    /// Where something goes wrong it is nil too: answering one by one then says which question it was, and keeps the
    /// answers before.
    func drafts(_ questions: some Collection<Question>) async throws -> [[GeneratedText]]? {
        guard questions.count > 1, layout.strategy != .search else { return nil }
        var drafts: [[GeneratedText]] = questions.map { _ in [] }
        do {
            for (index, window) in layout.windows.enumerated() {
                let prompts = questions.map { prompt(window, $0, isShared: true) }
                let texts = try await reader.drafts(window, prompts, index: index, of: layout.windows.count)
                for (question, text) in texts.enumerated() { drafts[question].append(text) }
            }
        } catch {
            try Task.checkCancellation()
            return nil
        }
        return drafts
    }

    private func prompt(_ window: ContextWindow, _ question: Question, isShared: Bool) -> WindowReader.Prompt {
        let frame = planner.prompts.ask(question.text, questionFirst: false)
        let tokens = layout.packer.tokens(of: window, frame: frame)
        return WindowReader.Prompt(
            tokens: tokens, shared: isShared ? layout.packer.sharedTokens(of: window, frame: frame, tokens) : 0)
    }

    /// Reads a window for a question, where that was not done before.
    private func read(
        _ window: ContextWindow, _ question: Question, draft: GeneratedText?, isShared: Bool, index: Int, of count: Int
    ) async throws -> CheckedAnswer {
        guard let draft else {
            let prompt = prompt(window, question, isShared: isShared)
            let draft = try await reader.draft(window, prompt, index: index, of: count)
            return try await reader.check(draft, window: window, question: question.text)
        }
        if !draft.thought.isEmpty { progress(.thought(draft.thought)) }
        return try await reader.check(draft, window: window, question: question.text)
    }

    /// Answers one question.
    ///
    /// - Parameter drafts: what was written about each of the layout's windows before.
    func answer(_ question: Question, ledger: CoverageLedger, drafts: [GeneratedText]? = nil) async throws -> Answer {
        var ledger = ledger
        var warnings: [String] = []
        var checked: CheckedAnswer
        var note: String?
        switch layout.strategy {
        case .search:
            let (window, found) = try await asker.searchWindow(question, corpus, layout, terms, planner)
            ledger.note(window)
            let all = corpus.documents.reduce(0) { $0 + $1.segments.count }
            note = "search read \(window.segments.count) of \(all) passages"
            if found == 0 {
                checked = CheckedAnswer(saidNotFound: true)
            } else {
                let prompt = WindowReader.Prompt(tokens: window.tokens)
                let draft = try await reader.draft(window, prompt, index: 0, of: 1)
                checked = try await reader.check(draft, window: window, question: question.text)
            }
        case .map:
            checked = try await map(question, drafts: drafts, ledger: &ledger, warnings: &warnings)
        case .full, .auto:
            guard let window = layout.windows.first else {
                checked = CheckedAnswer(saidNotFound: true)
                warnings.append("no document has any text")
                break
            }
            ledger.note(window)
            if window.tokens.count + layout.answerReserve > asker.generator.reliableWindow {
                warnings.append(
                    "the window has \(AskPlanner.grouped(window.tokens.count)) tokens; \(asker.generator.model.name) is "
                        + "reliable up to \(AskPlanner.grouped(asker.generator.reliableWindow))")
            }
            checked = try await read(window, question, draft: drafts?.first, isShared: true, index: 0, of: 1)
        }
        return finish(question, checked, ledger, note: note, warnings: warnings)
    }

    // MARK: map

    /// Reads every window for evidence, then answers from the passages that held some; in rounds, until they fit one
    /// window.
    private func map(
        _ question: Question, drafts: [GeneratedText]?, ledger: inout CoverageLedger, warnings: inout [String]
    ) async throws -> CheckedAnswer {
        let frame = planner.prompts.ask(question.text, questionFirst: false)
        var windows = layout.windows
        var usage = TokenUsage()
        var rejected: [RejectedCitation] = []
        var thoughts: [String] = []
        var previous = Int.max
        var read = 0
        for window in windows { ledger.note(window) }
        while true {
            var evidence = EvidenceSet()
            var answers: [CheckedAnswer] = []
            for window in windows {
                try Task.checkCancellation()
                // Windows of evidence are this question's alone.
                let isShared = previous == .max
                let checked = try await self.read(
                    window, question, draft: isShared ? drafts?[read] : nil, isShared: isShared, index: read,
                    of: read + windows.count - answers.count)
                read += 1
                usage.add(checked.usage)
                rejected += checked.rejected
                thoughts += checked.thoughts
                let found = checked.sentences.flatMap(\.evidence)
                progress(.evidence(window: read - 1, quotes: found.count))
                for item in found { evidence.insert(item.segment) }
                if !checked.sentences.isEmpty { answers.append(checked) }
            }
            if answers.count <= 1 {
                var answer = answers.first ?? CheckedAnswer(saidNotFound: true)
                answer.usage = usage
                answer.rejected = rejected
                answer.thoughts = thoughts
                return answer
            }
            // Passages of evidence become documents of their own, shortened to those segments.
            windows = try layout.packer.pack(evidence.documents(of: corpus.documents), frame: frame).windows
            if windows.count > 1, evidence.count >= previous {
                // Another round would change nothing: answer from each window and join what was said.
                warnings.append("the evidence does not fit one window; answers of \(answers.count) windows were joined")
                var joined = CheckedAnswer(sentences: answers.flatMap(\.sentences), rejected: rejected)
                joined.usage = usage
                joined.thoughts = thoughts
                return joined
            }
            previous = evidence.count
        }
    }

    // MARK: Finishing

    /// Numbers the citations, releases the sentences and writes the record.
    private func finish(
        _ question: Question, _ checked: CheckedAnswer, _ ledger: CoverageLedger, note: String?, warnings: [String]
    ) -> Answer {
        var numbering = CitationNumbering(corpus.documents)
        var sentences: [String] = []
        for rejection in checked.rejected { progress(.rejected(rejection)) }
        for sentence in checked.sentences {
            guard let (text, new) = numbering.number(sentence) else { continue }
            sentences.append(text)
            progress(.sentence(text: text, newCitations: new))
        }
        var warnings = warnings
        if !checked.complete { warnings.append("the answer broke off at its limit of tokens") }
        for warning in warnings { progress(.warning(warning)) }
        let uncited = asker.options.citations == .auto && checked.sentences.contains { $0.evidence.isEmpty }
        let left = checked.rejected.contains { rejection in
            !checked.sentences.contains { $0.text == rejection.sentence }
        }
        var status: AnswerStatus =
            sentences.isEmpty
            ? .notFound : uncited || left || !numbering.rejected.isEmpty || !checked.complete ? .partial : .answered
        var coverage = ledger.coverage()
        coverage.note = note
        let words: String
        if asker.options.schema == nil {
            words = sentences.isEmpty ? Self.nothing : sentences.joined(separator: " ")
        } else {
            // Half of a JSON text is none.
            words = checked.complete ? checked.json ?? "" : ""
            status = words.isEmpty ? checked.json == nil ? .notFound : .partial : .answered
        }
        var answer = Answer(
            question: question.text, status: status, answer: words, strategy: layout.strategy,
            citations: numbering.citations, rejected: checked.rejected + numbering.rejected, coverage: coverage,
            usage: checked.usage, model: asker.generator.model, warnings: warnings)
        answer.id = question.id
        if !checked.thoughts.isEmpty { answer.thinking = checked.thoughts }
        return answer
    }
}
