import Answering
import Diagnostics
import Hashing
import Inference
import Ingest
import Kernels
import Models
import Pipeline
import Runs
import Store
import Synchronization
import SystemPackage
import Weights

/// Does the steps of a pipeline with the engine of this program. Models and corpora stay open between steps.
final class PipelineExecutor: StepExecutor {
    private struct State {
        var sessions: [String: ModelSession] = [:]
        var corpora: [String: LoadedCorpus] = [:]
        var inputTokens = 0
        var outputTokens = 0
    }

    private let context: CommandContext
    private let store: CorpusStore
    private let fresh: Bool
    private let limits: PipelineLimits
    private let state = Mutex(State())

    init(context: CommandContext, store: CorpusStore, fresh: Bool, limits: PipelineLimits) {
        self.context = context
        self.store = store
        self.fresh = fresh
        self.limits = limits
    }

    func execute(
        _ step: PipelineStep, corpus: PipelineCorpus, pipeline: PipelineDefinition,
        emit: @Sendable (StepRecord) throws -> Void
    ) async throws -> StepTotals {
        let started = ContinuousClock.now
        context.narrator.note("step \(step.id)")
        let local = try stepContext(step, pipeline)
        let loaded = try await load(corpus, pipeline, local)
        let session = try await open(step, local)
        var totals: StepTotals
        switch step.work {
        case .ask(let ask): totals = try await self.ask(ask, loaded, session, local, emit)
        case .summarize(let work): totals = try await summarize(work, loaded, session, local, emit)
        }
        totals.seconds = (ContinuousClock.now - started).inSeconds
        if totals.inputTokens > 0, totals.seconds > 0 {
            totals.tokensPerSecond = Double(totals.inputTokens) / totals.seconds
        }
        totals.peakMemory = ProcessMemory.peak()
        return totals
    }

    // MARK: Steps

    private func ask(
        _ step: AskStep, _ corpus: LoadedCorpus, _ session: ModelSession, _ context: CommandContext,
        _ emit: @Sendable (StepRecord) throws -> Void
    ) async throws -> StepTotals {
        let options = AskOptions(context.settings)
            .within(session.engine.contextLength, setting: context.settings.text(SettingKey.context) ?? "auto")
        let service = AskService(
            context: context, session: session, corpus: corpus, store: store, options: options, fresh: fresh)
        var totals = StepTotals()
        var number = 0
        _ = try await service.answer(
            step.questions.map { Answering.Question(id: $0.id, text: $0.text) },
            events: EventSink(run: "pipeline", output: nil)
        ) { answer, _ in
            let id = step.questions[number].id
            number += 1
            try emit(
                StepRecord(
                    checked: CheckedRecord(answer, id: id), json: try RecordJSON.line(answer),
                    markdown: AnswerText.markdown(answer)))
            totals.inputTokens += answer.usage.inputTokens
            totals.outputTokens += answer.usage.outputTokens
            totals.coverage = CheckedCoverage(answer.coverage)
            try spend(answer.usage.inputTokens, answer.usage.outputTokens)
        }
        totals.coverage = Self.coverage(of: corpus)
        return totals
    }

    private func summarize(
        _ step: SummarizeStep, _ corpus: LoadedCorpus, _ session: ModelSession, _ context: CommandContext,
        _ emit: @Sendable (StepRecord) throws -> Void
    ) async throws -> StepTotals {
        var options = SummaryOptions(AskOptions(context.settings))
        options.per = step.per == .corpus ? .corpus : .document
        options.words = step.words ?? options.words
        options.prompt = step.prompt
        let service = SummaryService(
            context: context, session: session, corpus: corpus, store: store, options: options, fresh: fresh,
            retryFailed: true)
        var totals = StepTotals()
        _ = try await service.summarize(events: EventSink(run: "pipeline", output: nil)) { record in
            try emit(
                StepRecord(
                    checked: CheckedRecord(record, id: record.doc ?? "corpus"), doc: record.doc,
                    json: try RecordJSON.line(record), markdown: AnswerText.markdown(record)))
            totals.inputTokens += record.cached ? 0 : record.inputTokens
            totals.outputTokens += record.cached ? 0 : record.outputTokens
            try spend(record.cached ? 0 : record.inputTokens, record.cached ? 0 : record.outputTokens)
        }
        totals.coverage = Self.coverage(of: corpus)
        return totals
    }

    /// Files and pages of the corpus, whatever part of them a strategy put before the model.
    private static func coverage(of corpus: LoadedCorpus) -> CheckedCoverage {
        let report = corpus.report
        return CheckedCoverage(
            filesRead: report.read, filesSkipped: report.skipped, filesFailed: report.failed,
            pagesRead: report.pages.read, pagesSkipped: report.pages.skipped + report.pages.failed)
    }

    /// The limits of the pipeline file count over all steps.
    private func spend(_ input: Int, _ output: Int) throws {
        let spent = state.withLock { state in
            state.inputTokens += input
            state.outputTokens += output
            return (state.inputTokens, state.outputTokens)
        }
        for (used, limit, name) in [
            (spent.0, limits.inputTokens, "input_tokens"), (spent.1, limits.outputTokens, "output_tokens"),
        ] {
            guard let limit, used > limit else { continue }
            throw UserError(
                .windowTooLarge,
                "the pipeline used \(Format.count(used)) tokens; limits.\(name) is \(Format.count(limit))")
        }
    }

    // MARK: What steps work with

    /// The context with the step's settings below flags and variables, above settings files.
    private func stepContext(_ step: PipelineStep, _ pipeline: PipelineDefinition) throws -> CommandContext {
        var layer = SettingLayer()
        let origin = SettingOrigin(layer: "pipeline", place: pipeline.path)
        func set(_ key: SettingKey, _ text: String?) throws {
            if let text { try layer.set(key.name, text: text, origin: origin) }
        }
        let settings = step.settings
        try set(SettingKey.model, settings.model?.name)
        try set(SettingKey.memory, settings.memory.map { "\($0)" })
        try set(SettingKey.threads, settings.threads.map { "\($0)" })
        try set(
            SettingKey.context,
            settings.context.map { context in
                switch context {
                case .auto: "auto"
                case .max: "max"
                case .tokens(let count): "\(count)"
                }
            })
        try set(SettingKey.kvType, settings.kvType)
        try set(SettingKey.kvMemory, settings.kvMemory.map { "\($0)" })
        try set(SettingKey.kvRead, settings.kvRead)
        try set(SettingKey.temperature, settings.temperature.map { "\($0)" })
        try set(SettingKey.seed, settings.seed.map { "\($0)" })
        try set(SettingKey.maxOutputTokens, settings.maxOutputTokens.map { "\($0)" })
        try set(SettingKey.thinking, settings.thinking)
        try set(SettingKey.strategy, settings.strategy)
        try set(SettingKey.cite, settings.cite)
        var local = context
        local.settings = context.settings.under(layer)
        return local
    }

    private func open(_ step: PipelineStep, _ context: CommandContext) async throws -> ModelSession {
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        if let pinned = step.settings.model?.sha256,
            context.settings.text(SettingKey.model) == step.settings.model?.name
        {
            try demand(pinned, files.path)
        }
        let full = context.settings.text(SettingKey.strategy) == "full"
        let options = try loader.options(for: files, wholeModel: full)
        let key =
            "\(files.path) \(options.contextLimit ?? 0) \(options.threads) \(options.memoryLimit ?? 0) \(options.kvType) \(options.kvMemory ?? 0)"
            + " \(options.kvReading.text)"
            + " \(context.settings.text(SettingKey.thinking) ?? "")"
        if let session = state.withLock({ $0.sessions[key] }) { return session }
        // One model at a time: two would not fit where one was planned.
        state.withLock { $0.sessions = [:] }
        let session = try await ModelSession.open(context, files: files, options: options)
        state.withLock { $0.sessions[key] = session }
        return session
    }

    /// A pinned model must have the pinned content.
    private func demand(_ pinned: String, _ path: String) throws {
        let actual = try ContentHash.ofFile(FilePath(path)) { _ in try Task.checkCancellation() }.hex
        guard actual == pinned.lowercased() else {
            throw UserError(
                .modelHash, "the model has SHA-256 \(actual); the pipeline asks for \(pinned)",
                places: [.init("file", path)],
                remedies: [.init("docproc models verify", "compares it with the published one")])
        }
    }

    private func load(
        _ corpus: PipelineCorpus, _ pipeline: PipelineDefinition, _ context: CommandContext
    ) async throws -> LoadedCorpus {
        if let loaded = state.withLock({ $0.corpora[corpus.name] }) { return loaded }
        var options = IngestOptions(exclude: corpus.exclude)
        options.pages = corpus.pages?.ranges
        options.html = corpus.html.flatMap { .init(rawValue: $0) } ?? options.html
        options.onUnreadable = corpus.onUnreadable.flatMap { .init(rawValue: $0) } ?? options.onUnreadable
        options.hiddenText = corpus.hiddenText.flatMap { .init(rawValue: $0) } ?? options.hiddenText
        options.workers = context.settings.integer(SettingKey.threads) ?? Machine.cores
        var outcomes: [IngestOutcome] = []
        var seen: Set<String> = []
        for path in corpus.paths {
            let (base, pattern) = GlobPath.split(Self.normalized(pipeline.resolve(path)))
            options.include = pattern.map { [$0] } ?? corpus.include
            let report = try await CorpusReader(context: context, options: options, store: store).report([base])
            // What patterns leave out was never part of the corpus.
            outcomes += report.outcomes.filter { !Self.isLeftOut($0) && seen.insert($0.path).inserted }
        }
        let reader = CorpusReader(context: context, options: options, store: store)
        let loaded = try reader.load(
            IngestReport(found: outcomes.count, outcomes: outcomes), paths: corpus.paths.map { pipeline.resolve($0) })
        state.withLock { $0.corpora[corpus.name] = loaded }
        return loaded
    }

    private static func isLeftOut(_ outcome: IngestOutcome) -> Bool {
        if case .skipped(let reason) = outcome.status {
            [.excluded, .ignored, .hidden].contains(reason)
        } else {
            false
        }
    }

    /// `Pipelines/../Corpora` as `Corpora`; the same path as on the command line.
    private static func normalized(_ path: String) -> String {
        let normal = FilePath(path).lexicallyNormalized().string
        return normal.isEmpty ? "." : normal
    }
}

/// Paths with wildcards in pipeline files.
enum GlobPath {
    /// The folder above the first component with a wildcard, and the pattern below it.
    static func split(_ path: String) -> (base: String, pattern: String?) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.firstIndex(where: { $0.contains { "*?[".contains($0) } }) else { return (path, nil) }
        let base = parts[..<first].joined(separator: "/")
        // A pattern without a slash would match at any depth; with one in front it is bound to its folder.
        return (base.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : base, "/" + parts[first...].joined(separator: "/"))
    }
}
