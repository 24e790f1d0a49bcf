package import Diagnostics
import Documents
import Hashing
package import Packing

/// Summaries with citations that code has checked.
///
/// What exceeds a window is read window by window; the passages that the partial summaries cite are packed again and
/// summarized, in rounds, so that the last citations still name passages of the source and not of a summary.
package struct Summarizer: Sendable {
    let generator: any TextGenerating
    let options: SummaryOptions

    /// Prepares for one model and one set of options.
    package init(generator: any TextGenerating, options: SummaryOptions = SummaryOptions()) {
        self.generator = generator
        self.options = options
    }

    /// Version of prompts and merging: part of every key.
    package static let formVersion = 1

    /// What a summary of these documents depends on, hashed; `numerics` names the engine's arithmetic and its version.
    package func key(of documents: [SegmentedDocument], numerics: String) -> String {
        var parts = ["docproc.summary", String(Self.formVersion), String(AskPrompts.version), numerics]
        let sample =
            generator.dialect.isFewShot ? [] : generator.dialect.dress([.init(.system, "s"), .init(.user, "u")])
        parts.append("\(generator.dialect.isFewShot) \(sample)")
        let model = generator.model
        parts += [model.name, model.quant ?? "", model.sha256 ?? "", String(window)]
        parts += [
            options.per.rawValue, String(options.words), options.prompt ?? "", options.language ?? "",
            options.citations.rawValue, String(options.temperature), String(options.seed),
        ]
        for source in documents {
            // The text as well: which pages and which parts of a page count is chosen after hashing the file.
            parts += [source.document.sha256, ContentHash(of: source.document.text).hex, String(source.segments.count)]
        }
        // Lengths keep one field from running into the next.
        return ContentHash(of: parts.map { "\($0.utf8.count):\($0)" }.joined()).hex
    }

    /// What summarizing would read in its first round; no model call. Rounds over the evidence come on top where a
    /// document takes several windows.
    ///
    /// - Throws: `DP-CTX-01` for instructions that leave no room.
    package func plan(_ corpus: AskCorpus) throws(UserError) -> AskPlan {
        let frame = SummaryPrompts(dialect: generator.dialect, options: options).frame(words: options.words)
        let packer = Packer(
            tokenizer: generator.tokenizer, budget: TokenBudget(window: window, answer: reserve), view: generator.view)
        var ledger = CoverageLedger(corpus, tokenizer: generator.tokenizer, everything: true)
        var windows: [Int] = []
        var several = false
        let groups = options.per == .document ? corpus.documents.map { [$0] } : [corpus.documents]
        for group in groups {
            let packed = try pack(packer, group, frame)
            for window in packed { ledger.note(window) }
            windows += packed.map(\.tokens.count)
            several = several || packed.count > 1
        }
        let coverage = ledger.coverage()
        return AskPlan(
            strategy: several ? .map : .full, windows: windows, windowLimit: window, answerReserve: reserve,
            documentTokens: coverage.tokens.read, inputTokens: windows.reduce(0, +), coverage: coverage)
    }

    /// The records of a corpus: one per document in order of paths, or one over all; then one for each failed file.
    ///
    /// - Parameters:
    ///   - reuse: looks a key up among earlier records; a hit is passed on with `cached` set.
    ///   - finished: gets each record as soon as it is complete.
    package func summarize(
        _ corpus: AskCorpus, numerics: String,
        reuse: (String) async throws -> SummaryRecord? = { _ in nil },
        progress: @escaping @Sendable (AnswerProgress) -> Void = { _ in },
        finished: (SummaryRecord) async throws -> Void = { _ in }
    ) async throws -> [SummaryRecord] {
        let groups: [AskCorpus]
        switch options.per {
        case .document: groups = corpus.documents.map { AskCorpus(documents: [$0]) }
        case .corpus: groups = [corpus]
        }
        var records: [SummaryRecord] = []
        for group in groups {
            try Task.checkCancellation()
            let record = try await record(of: group, numerics: numerics, reuse: reuse, progress: progress)
            records.append(record)
            try await finished(record)
        }
        if options.per == .document {
            for file in corpus.failed {
                var record = SummaryRecord(
                    doc: file.path, sha256: "", status: .failed, text: "", pages: file.pages, key: "",
                    model: generator.model, warnings: [file.reason])
                record.coverage = CoverageLedger(
                    AskCorpus(documents: [], failed: [file]), tokenizer: generator.tokenizer, everything: true
                ).coverage()
                records.append(record)
                try await finished(record)
            }
        }
        return records
    }

    /// Tokens kept for a summary: English takes some 1.3 tokens a word; marks and longer words need the rest.
    private var summaryTokens: Int { min(options.words * 2 + 48, window / 2) }

    /// Tokens kept for what is written: the summary and the thought before it.
    private var reserve: Int { summaryTokens + generator.thoughtTokens }

    private var window: Int {
        let reliable = min(generator.reliableWindow, generator.contextLength)
        return min(options.contextTokens ?? reliable, generator.contextLength)
    }

    private func record(
        of group: AskCorpus, numerics: String, reuse: (String) async throws -> SummaryRecord?,
        progress: @escaping @Sendable (AnswerProgress) -> Void
    ) async throws -> SummaryRecord {
        let single = options.per == .document ? group.documents.first?.document : nil
        let key = key(of: group.documents, numerics: numerics)
        if var known = try await reuse(key) {
            known.cached = true
            known.doc = single?.path
            known.citations = known.citations.map { renamed($0, in: group) }
            return known
        }
        let sha256 = single?.sha256 ?? ContentHash(of: group.documents.map(\.document.sha256).joined()).hex
        var record = SummaryRecord(
            doc: single?.path, sha256: sha256, status: .empty, text: "",
            pages: group.documents.reduce(0) { $0 + $1.document.pages.count }, key: key, model: generator.model)
        var ledger = CoverageLedger(group, tokenizer: generator.tokenizer, everything: true)
        let checked = try await summary(group, ledger: &ledger, record: &record, progress: progress)
        record.coverage = ledger.coverage()
        guard let checked else { return record }

        var numbering = CitationNumbering(group.documents)
        var sentences: [String] = []
        for sentence in checked.sentences {
            guard let (text, new) = numbering.number(sentence) else { continue }
            sentences.append(text)
            progress(.sentence(text: text, newCitations: new))
        }
        record.text = sentences.joined(separator: " ")
        record.citations = numbering.citations
        record.rejected = checked.rejected + numbering.rejected
        record.inputTokens = checked.usage.inputTokens
        record.outputTokens = checked.usage.outputTokens
        record.keyValues = checked.usage.keyValues
        let left = record.rejected.contains { rejection in
            !checked.sentences.contains { $0.text == rejection.sentence }
        }
        record.status = sentences.isEmpty ? .failed : left ? .partial : .ok
        if sentences.isEmpty { record.warnings.append("no sentence of the summary was borne out by the text") }
        return record
    }

    /// A citation of an equal file under this corpus's path.
    private func renamed(_ citation: Citation, in group: AskCorpus) -> Citation {
        var citation = citation
        let same = group.documents.filter { $0.document.sha256 == citation.sha256 }
        if let first = same.first, !same.contains(where: { $0.document.path == citation.doc }) {
            citation.doc = first.document.path
        }
        return citation
    }

    /// The checked summary of a group; nil where there is no text.
    private func summary(
        _ group: AskCorpus, ledger: inout CoverageLedger, record: inout SummaryRecord,
        progress: @escaping @Sendable (AnswerProgress) -> Void
    ) async throws -> CheckedAnswer? {
        let terms = CorpusTerms(group.documents)
        let checker = AnswerChecker(corpus: group.documents, terms: terms, citations: options.citations)
        let prompts = SummaryPrompts(dialect: generator.dialect, options: options)
        let packer = Packer(
            tokenizer: generator.tokenizer, budget: TokenBudget(window: window, answer: reserve), view: generator.view)
        let frame = prompts.frame(words: options.words)
        var windows = try pack(packer, group.documents, frame)
        guard !windows.isEmpty else { return nil }
        for window in windows { ledger.note(window) }
        var usage = TokenUsage()
        var rejected: [RejectedCitation] = []
        var read = 0
        var previous = Int.max
        while true {
            var evidence = EvidenceSet()
            var parts: [CheckedAnswer] = []
            for window in windows {
                try Task.checkCancellation()
                let partial = try await part(
                    window, tokens: window.tokens, index: read,
                    of: read + windows.count - parts.count, checker: checker, progress: progress)
                read += 1
                usage.add(partial.usage)
                if !partial.thoughts.isEmpty { record.thinking = (record.thinking ?? []) + partial.thoughts }
                if !partial.complete {
                    record.warnings.append("a part of the summary broke off at its limit of tokens")
                }
                for item in partial.sentences.flatMap(\.evidence) { evidence.insert(item.segment) }
                if windows.count > 1 {
                    progress(.evidence(window: read - 1, quotes: partial.sentences.flatMap(\.evidence).count))
                }
                rejected += partial.rejected
                parts.append(partial)
            }
            if windows.count == 1 || evidence.count == 0 || evidence.count >= previous {
                if windows.count > 1, evidence.count > 0 {
                    record.warnings.append("summaries of \(windows.count) windows were joined without a last round")
                }
                var joined = CheckedAnswer(sentences: parts.flatMap(\.sentences))
                joined.rejected = windows.count == 1 ? parts.flatMap(\.rejected) : rejected
                joined.usage = usage
                return joined
            }
            previous = evidence.count
            windows = try pack(packer, evidence.documents(of: group.documents), frame)
        }
    }

    private func pack(
        _ packer: Packer, _ documents: [SegmentedDocument], _ frame: PromptFrame
    ) throws(UserError) -> [ContextWindow] {
        do {
            return try packer.pack(documents, frame: frame).windows
        } catch {
            guard case .frameTooLarge(let own, let prompt) = error else { throw UserError(.internalError, "\(error)") }
            throw UserError(
                .questionTooLong, "the instructions take \(own) tokens; a window has room for \(prompt)",
                remedies: [.init("--context", "a larger window"), .init("--length", "a shorter summary")])
        }
    }

    private func part(
        _ window: ContextWindow, tokens: [Int32], index: Int, of count: Int, checker: AnswerChecker,
        progress: @escaping @Sendable (AnswerProgress) -> Void
    ) async throws -> CheckedAnswer {
        progress(.windowStarted(index: index, of: count, tokens: tokens.count))
        let request = TextRequest(
            prompt: tokens, maxOutputTokens: summaryTokens,
            shape: AnswerShape(segments: options.citations == .off ? 0 : window.segments.count, notFound: nil),
            temperature: options.temperature, seed: options.seed)
        let generated = try await generator.generate(request) { event in
            if let event = AnswerProgress(event, window: index) { progress(event) }
        }
        var checked = checker.check(generated.text, complete: generated.complete, question: "", window: window)
        checked.usage = generated.usage
        if !generated.thought.isEmpty { checked.thoughts = [generated.thought] }
        return checked
    }
}
