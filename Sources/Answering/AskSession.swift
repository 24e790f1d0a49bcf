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

    /// Answers one question.
    func answer(_ question: Question, ledger: CoverageLedger) async throws -> Answer {
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
                checked = try await reader.read(window, tokens: window.tokens, question: question.text, index: 0, of: 1)
            }
        case .map:
            checked = try await map(question, ledger: &ledger, warnings: &warnings)
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
            let frame = planner.prompts.ask(question.text, questionFirst: false)
            let tokens = layout.packer.tokens(of: window, frame: frame)
            checked = try await reader.read(
                window, tokens: tokens, shared: layout.packer.sharedTokens(of: window, frame: frame, tokens),
                question: question.text, index: 0, of: 1)
        }
        return finish(question, checked, ledger, note: note, warnings: warnings)
    }

    // MARK: map

    /// Reads every window for evidence, then answers from the passages that held some; in rounds, until they fit one
    /// window.
    private func map(
        _ question: Question, ledger: inout CoverageLedger, warnings: inout [String]
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
                let tokens = layout.packer.tokens(of: window, frame: frame)
                // Windows of evidence are this question's alone.
                let shared = previous == .max ? layout.packer.sharedTokens(of: window, frame: frame, tokens) : 0
                let checked = try await reader.read(
                    window, tokens: tokens, shared: shared, question: question.text, index: read,
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
